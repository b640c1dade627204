"""What fifo queues remember of their messages, so that a duplicate is known."""

from __future__ import annotations

from typing import Final

from cloudkit.api.messaging import SentMessage
from cloudkit.local.connection import Connection

DEDUP_SECONDS: Final = 300.0
"""How long a message is remembered, acknowledged or not."""

_SWEPT = 2
"""For each that is remembered, so that what is over cannot pile up, and nobody waits for many."""


def find_original(
    connection: Connection, source_id: int, dedup_id: str, now: float
) -> SentMessage | None:
    """The message that came with this id; None when none did, or too long ago."""
    row = connection.execute(
        "SELECT message_id, sequence FROM message_dedup "
        "WHERE source_id = ? AND dedup_id = ? AND expires_at > ?",
        (source_id, dedup_id, now),
    ).fetchone()
    return None if row is None else SentMessage(id=row[0], sequence=str(row[1]))


def remember(
    connection: Connection, source_id: int, dedup_id: str, message: SentMessage, now: float
) -> None:
    """Know a message again from now on, and forget some of which the time is over."""
    connection.execute(
        "INSERT OR REPLACE INTO message_dedup VALUES (?, ?, ?, ?, ?)",
        (source_id, dedup_id, message.id, int(message.sequence or 0), now + DEDUP_SECONDS),
    )
    over = connection.execute(
        "SELECT source_id, dedup_id FROM message_dedup WHERE expires_at <= ? LIMIT ?",
        (now, _SWEPT),
    ).fetchall()
    connection.executemany("DELETE FROM message_dedup WHERE source_id = ? AND dedup_id = ?", over)
