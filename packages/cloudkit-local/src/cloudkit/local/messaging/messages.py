"""The messages of one source in SQLite: what each operation does inside its transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.common import NotFoundError, PreconditionFailedError
from cloudkit.local.connection import Connection
from cloudkit.local.messaging.duplicates import find_original, remember
from cloudkit.local.messaging.rows import (
    DEAD,
    DELAYED,
    LEASED,
    READY,
    WAITING,
    Held,
    MessageRow,
)
from cloudkit.local.messaging.sources import SourceRecord

_SWEPT: Final = 2
_PORTION = 1000
_COLUMNS = (
    "sequence, id, body, attributes, grp, dedup_id, sent_at, receive_count, lease, hidden_until, "
    "dead_reason"
)
_LIVING = (READY, WAITING, DELAYED, LEASED)
# The first message of a group in each state. One query for each, so that the index finds it at once
# however many wait behind it.
_HEADS = """
SELECT * FROM (SELECT sequence, state FROM message
    WHERE source_id = ?1 AND grp = ?2 AND state = 0 ORDER BY sequence LIMIT 1)
UNION ALL SELECT * FROM (SELECT sequence, state FROM message
    WHERE source_id = ?1 AND grp = ?2 AND state = 1 ORDER BY sequence LIMIT 1)
UNION ALL SELECT * FROM (SELECT sequence, state FROM message
    WHERE source_id = ?1 AND grp = ?2 AND state = 2 ORDER BY sequence LIMIT 1)
"""


class Messages:
    """The messages of one source, inside a transaction.

    Args:
        connection: Of the writer.
        source: The source.
        now: Seconds since the epoch.
    """

    __slots__ = ("_connection", "_now", "_source")

    def __init__(self, connection: Connection, source: SourceRecord, now: float) -> None:
        self._connection = connection
        self._source = source
        self._now = now

    # Sending

    def add(self, message: OutgoingMessage, message_id: str) -> SentMessage:
        """Add a message, unless it is the duplicate of one."""
        source, now = self._source, self._now
        if message.dedup_id is not None:
            original = find_original(self._connection, source.id, message.dedup_id, now)
            if original is not None:
                return original
        if source.retention is not None:
            self._expire(_SWEPT)  # or a queue that nobody receives from would grow for ever
        hidden_until = now + message.delay if message.delay else None
        inserted = self._connection.execute(
            "INSERT INTO message (source_id, state, id, body, attributes, grp, dedup_id, sent_at, "
            "hidden_until, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                source.id,
                DELAYED if hidden_until is not None else self._first_state(message.group),
                message_id,
                message.body,
                json.dumps(message.attributes) if message.attributes else None,
                message.group,
                message.dedup_id,
                now,
                hidden_until,
                None if source.retention is None else now + source.retention,
            ),
        )
        self._connection.notify(source.channel)
        sent = SentMessage(id=message_id, sequence=str(inserted.lastrowid or 0))
        if message.dedup_id is not None:
            remember(self._connection, source.id, message.dedup_id, sent, now)
        return sent

    def _first_state(self, group: str | None) -> int:
        if group is None:
            return READY
        earlier = self._connection.execute(
            "SELECT 1 FROM message WHERE source_id = ? AND grp = ? AND state < 4 LIMIT 1",
            (self._source.id, group),
        ).fetchone()
        return READY if earlier is None else WAITING

    # What time brings

    def refresh(self) -> None:
        """Let delays and leases end, and what is too old vanish."""
        due = self._connection.execute(
            "SELECT sequence, state, grp, receive_count FROM message "
            "WHERE source_id = ? AND hidden_until <= ?",
            (self._source.id, self._now),
        ).fetchall()
        for sequence, state, _, receive_count in due:
            if state == DEAD:
                self._connection.execute(
                    "UPDATE message SET hidden_until = NULL WHERE sequence = ?", (sequence,)
                )
            else:
                self._show(sequence, receive_count)
        self._advance(group for _, _, group, _ in due)
        if self._source.retention is not None:
            self._expire()  # now, as what was leased may have become too old meanwhile

    def next_due(self) -> float | None:
        """When the next delay or lease ends."""
        (due,) = self._connection.execute(
            "SELECT min(hidden_until) FROM message "
            "WHERE source_id = ? AND hidden_until IS NOT NULL",
            (self._source.id,),
        ).fetchone()
        return None if due is None else float(due)

    def _expire(self, most: int = -1) -> None:
        rows = self._connection.execute(
            "SELECT sequence, grp FROM message "
            "WHERE source_id = ? AND expires_at <= ? AND state <> 3 LIMIT ?",
            (self._source.id, self._now, most),
        ).fetchall()
        self._delete(rows)

    def _show(self, sequence: int, receive_count: int) -> None:
        """A message is nobody's any more: to be received again, or a dead letter."""
        limit = self._source.max_receives
        if limit is not None and receive_count >= limit:
            self._bury(sequence, f"received {receive_count} times without being acknowledged")
            return
        # Its group decides whether it may be received; without one it may.
        self._connection.execute(
            "UPDATE message SET state = CASE WHEN grp IS NULL THEN 0 ELSE 1 END, "
            "hidden_until = NULL WHERE sequence = ?",
            (sequence,),
        )

    def _bury(self, sequence: int, reason: str) -> None:
        self._connection.execute(
            "UPDATE message SET state = 4, hidden_until = NULL, lease = NULL, expires_at = NULL, "
            "dead_reason = ? WHERE sequence = ?",
            (reason, sequence),
        )

    def _advance(self, groups: Iterable[str | None]) -> None:
        """Make the first message of each group receivable, and only that."""
        for group in dict.fromkeys(groups):
            if group is not None:
                self._advance_group(group)

    def _advance_group(self, group: str) -> None:
        key = (self._source.id, group)
        leased = self._connection.execute(
            "SELECT 1 FROM message WHERE source_id = ? AND grp = ? AND state = 3 LIMIT 1", key
        ).fetchone()
        if leased is not None:
            return
        heads = self._connection.execute(_HEADS, key).fetchall()
        if not heads or (first := min(heads))[1] == READY:
            return
        # What was sent back from the dead letters may have come before the one that was first.
        self._connection.execute(
            "UPDATE message SET state = 1 WHERE source_id = ? AND grp = ? AND state = 0", key
        )
        if first[1] == WAITING:
            self._connection.execute("UPDATE message SET state = 0 WHERE sequence = ?", (first[0],))

    # Receiving

    def lease(self, count: int, visibility: float | None, token: str) -> list[MessageRow]:
        """Lease the first messages that can be received."""
        rows = self._select("state = 0", count)
        if self._source.fifo and 0 < len(rows) < count:
            rows = self._with_followers(rows, count)
        return self._take(rows, visibility, token, LEASED, 1)

    def lease_dead(self, count: int, visibility: float | None, token: str) -> list[MessageRow]:
        """Lease the first dead letters. That does not count as a receive."""
        rows = self._select("state = 4 AND hidden_until IS NULL", count)
        return self._take(rows, visibility, token, DEAD, 0)

    def _select(self, condition: str, count: int) -> list[MessageRow]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM message WHERE source_id = ? AND {condition} "  # noqa: S608
            "ORDER BY sequence LIMIT ?",
            (self._source.id, count),
        )
        return [MessageRow._make(row) for row in rows]

    def _with_followers(self, heads: list[MessageRow], count: int) -> list[MessageRow]:
        rows = list(heads)
        for head in heads:
            if head.grp is not None and len(rows) < count:
                found = self._connection.execute(
                    f"SELECT {_COLUMNS} FROM message WHERE source_id = ?1 AND grp = ?2 "  # noqa: S608
                    "AND state = 1 AND sequence < coalesce((SELECT min(sequence) FROM message "
                    "WHERE source_id = ?1 AND grp = ?2 AND state = 2), 9223372036854775807) "
                    "ORDER BY sequence LIMIT ?3",
                    (self._source.id, head.grp, count - len(rows)),
                )
                rows.extend(MessageRow._make(row) for row in found)
        return sorted(rows)

    def _take(
        self, rows: list[MessageRow], visibility: float | None, token: str, state: int, counted: int
    ) -> list[MessageRow]:
        if not rows:
            return rows
        until = self._now + (self._source.visibility if visibility is None else visibility)
        self._connection.executemany(
            "UPDATE message SET state = ?, receive_count = receive_count + ?, hidden_until = ?, "
            "lease = ? WHERE sequence = ?",
            [(state, counted, until, token, row.sequence) for row in rows],
        )
        # Whoever waits for leases to end now has another one to think of.
        self._connection.notify(self._source.channel)
        return [
            row._replace(lease=token, hidden_until=until, receive_count=row.receive_count + counted)
            for row in rows
        ]

    def release(self, token: str) -> None:
        """Undo a receive whose answer nobody took."""
        rows = self._connection.execute(
            "SELECT sequence, grp FROM message "
            "WHERE source_id = ? AND hidden_until IS NOT NULL AND lease = ?",
            (self._source.id, token),
        ).fetchall()
        for sequence, _ in rows:
            self._connection.execute(
                "UPDATE message SET hidden_until = NULL, lease = NULL, "
                "receive_count = receive_count - (state = 3), "
                "state = CASE WHEN state = 4 THEN 4 WHEN grp IS NULL THEN 0 ELSE 1 END "
                "WHERE sequence = ?",
                (sequence,),
            )
        self._advance(group for _, group in rows)
        if rows:
            self._connection.notify(self._source.channel)

    # Settling

    def ack(self, held: Held) -> None:
        """Remove a message. One that is gone already is fine.

        Raises:
            PreconditionFailedError: The lease has ended, and the message was received again, given
                back or set aside since.
        """
        group = self._group(held) if self._source.fifo else None
        removed = self._connection.execute(
            "DELETE FROM message WHERE sequence = ? AND source_id = ? AND lease = ?",
            (held.sequence, self._source.id, held.token),
        )
        if removed.rowcount:
            self._settled(group)
        elif self._exists(held.sequence):
            raise _lease_ended()

    def nack(self, held: Held, delay: float) -> None:
        """Give a message back.

        Raises:
            NotFoundError: It is gone.
            PreconditionFailedError: As for ``ack``.
        """
        state, group, receive_count = self._held(held)
        limit = self._source.max_receives
        self._connection.execute(
            "UPDATE message SET lease = NULL, hidden_until = NULL WHERE sequence = ?",
            (held.sequence,),
        )
        if state == DEAD:
            return
        if not delay or (limit is not None and receive_count >= limit):
            self._show(held.sequence, receive_count)
        else:
            self._connection.execute(
                "UPDATE message SET state = 2, hidden_until = ? WHERE sequence = ?",
                (self._now + delay, held.sequence),
            )
        self._settled(group)

    def extend(self, held: Held, visibility: float) -> float:
        """Prolong a lease; returns when it ends now.

        Raises:
            NotFoundError: The message is gone.
            PreconditionFailedError: The lease has ended, even if nobody has the message yet.
        """
        until = self._now + visibility
        extended = self._connection.execute(
            "UPDATE message SET hidden_until = ? WHERE sequence = ? AND source_id = ? "
            "AND lease = ? AND hidden_until > ?",
            (until, held.sequence, self._source.id, held.token, self._now),
        )
        if not extended.rowcount:
            raise _lease_ended() if self._exists(held.sequence) else _gone()
        self._connection.notify(self._source.channel)
        return until

    def dead_letter(self, held: Held, reason: str) -> None:
        """Set a message aside.

        Raises:
            NotFoundError: It is gone.
            PreconditionFailedError: As for ``ack``.
        """
        _, group, _ = self._held(held)
        self._bury(held.sequence, reason)
        self._settled(group)

    def _settled(self, group: str | None) -> None:
        if group is not None:
            self._advance_group(group)
        self._connection.notify(self._source.channel)

    def _group(self, held: Held) -> str | None:
        row = self._connection.execute(
            "SELECT grp FROM message WHERE sequence = ?", (held.sequence,)
        ).fetchone()
        return None if row is None else row[0]

    def _held(self, held: Held) -> tuple[int, str | None, int]:
        row = self._connection.execute(
            "SELECT state, grp, receive_count, lease FROM message "
            "WHERE sequence = ? AND source_id = ?",
            (held.sequence, self._source.id),
        ).fetchone()
        if row is None:
            raise _gone()
        if row[3] != held.token:
            raise _lease_ended()
        return row[0], row[1], row[2]

    def _exists(self, sequence: int) -> bool:
        row = self._connection.execute(
            "SELECT 1 FROM message WHERE sequence = ? AND source_id = ?",
            (sequence, self._source.id),
        ).fetchone()
        return row is not None

    # All together

    def last_sequence(self) -> int:
        """Number of the newest message of all sources."""
        (last,) = self._connection.execute("SELECT max(sequence) FROM message").fetchone()
        return last or 0

    def purge(self, last: int) -> bool:
        """Remove some messages up to a number, dead letters aside; returns whether there may be more."""
        rows: list[tuple[int, str | None]] = []
        for state in _LIVING:
            rows += self._connection.execute(
                "SELECT sequence, grp FROM message WHERE source_id = ? AND state = ? "
                "AND sequence <= ? LIMIT ?",
                (self._source.id, state, last, _PORTION - len(rows)),
            )
        self._delete(rows)
        return len(rows) == _PORTION

    def redrive(self, most: int | None) -> int:
        """Send dead letters back; returns how many. Those that somebody looks at stay."""
        rows = self._connection.execute(
            "SELECT sequence, grp FROM message WHERE source_id = ? AND state = 4 "
            "AND hidden_until IS NULL ORDER BY sequence LIMIT ?",
            (self._source.id, -1 if most is None else most),
        ).fetchall()
        retention = self._source.retention
        expires_at = None if retention is None else self._now + retention
        self._connection.executemany(
            "UPDATE message SET state = CASE WHEN grp IS NULL THEN 0 ELSE 1 END, "
            "receive_count = 0, lease = NULL, dead_reason = NULL, expires_at = ? "
            "WHERE sequence = ?",
            [(expires_at, sequence) for sequence, _ in rows],
        )
        self._advance(group for _, group in rows)
        self._connection.notify(self._source.channel)
        return len(rows)

    def counts(self) -> dict[int, int]:
        """How many messages are in each state."""
        return dict(
            self._connection.execute(
                "SELECT state, count(*) FROM message WHERE source_id = ? GROUP BY state",
                (self._source.id,),
            ).fetchall()
        )

    def _delete(self, rows: Sequence[tuple[int, str | None]]) -> None:
        self._connection.executemany(
            "DELETE FROM message WHERE sequence = ?", [(sequence,) for sequence, _ in rows]
        )
        self._advance(group for _, group in rows)


def _lease_ended() -> PreconditionFailedError:
    return PreconditionFailedError(
        "the lease has ended: the message was received again, given back or set aside since",
        hint="Take a longer visibility, or extend the lease in time.",
    )


def _gone() -> NotFoundError:
    return NotFoundError("the message is gone: it was acknowledged, purged or has expired")
