"""Queues and subscriptions, as what messages are received from, and the SQL tables of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloudkit.api.messaging import DeadLetterPolicy, Source
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.local.connection import Connection, Schema

# Ids and sequence numbers are never used again: what is left of a queue that was dropped belongs to
# no other, and an old lease fits no new message.
SCHEMA = Schema(
    "messages",
    (
        (
            """
            CREATE TABLE message_source (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                kind TEXT NOT NULL,
                topic TEXT NOT NULL,
                name TEXT NOT NULL,
                fifo INTEGER NOT NULL,
                visibility REAL NOT NULL,
                retention REAL,
                max_receives INTEGER,
                filter TEXT,
                push_endpoint TEXT,
                UNIQUE (kind, topic, name)
            )
            """,
            """
            CREATE TABLE message_topic (
                name TEXT PRIMARY KEY,
                ordering INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE message (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                source_id INTEGER NOT NULL,
                state INTEGER NOT NULL,
                id TEXT NOT NULL,
                body BLOB NOT NULL,
                attributes TEXT,
                grp TEXT,
                dedup_id TEXT,
                sent_at REAL NOT NULL,
                receive_count INTEGER NOT NULL DEFAULT 0,
                hidden_until REAL,
                lease TEXT,
                expires_at REAL,
                dead_reason TEXT
            )
            """,
            "CREATE INDEX message_state ON message (source_id, state)",
            "CREATE INDEX message_group ON message (source_id, grp, state) WHERE grp IS NOT NULL",
            """
            CREATE INDEX message_hidden ON message (source_id, hidden_until)
            WHERE hidden_until IS NOT NULL
            """,
            """
            CREATE INDEX message_expiry ON message (source_id, expires_at)
            WHERE expires_at IS NOT NULL
            """,
            """
            CREATE TABLE message_dedup (
                source_id INTEGER NOT NULL,
                dedup_id TEXT NOT NULL,
                message_id TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                expires_at REAL NOT NULL,
                PRIMARY KEY (source_id, dedup_id)
            ) WITHOUT ROWID
            """,
            "CREATE INDEX message_dedup_expiry ON message_dedup (expires_at)",
            "CREATE TABLE message_dropped (source_id INTEGER PRIMARY KEY)",
        ),
    ),
)

PUSH_CHANNEL = "message-push"
"""Where a new subscription that pushes is announced."""

CALLS_CHANNEL = "function-calls"
"""Where the first call of a function is announced."""

_COLUMNS = "id, kind, topic, name, fifo, visibility, retention, max_receives, filter, push_endpoint"
_FIND = f"SELECT {_COLUMNS} FROM message_source WHERE kind = ? AND topic = ? AND name = ?"  # noqa: S608
_DROP_PORTION = 1000
_NAMES = {"queue": "queue", "functions": "function"}


class SourceRecord(NamedTuple):
    """A queue or subscription, as it stands in the database.

    Attributes:
        id: Its number.
        kind: The service of its ``Source``.
        topic: Its topic; empty for a queue.
        name: Its name.
        fifo: Whether groups keep their order.
        visibility: Length of a lease in seconds.
        retention: Seconds that a message is kept; None for ever.
        max_receives: Of the dead-letter policy; None without one.
        filter: As JSON; None when all messages are let through.
        push_endpoint: Where messages are posted to; None where they are received.
    """

    id: int
    kind: str
    topic: str
    name: str
    fifo: int = 0
    visibility: float = 30.0
    retention: float | None = None
    max_receives: int | None = None
    filter: str | None = None
    push_endpoint: str | None = None

    @property
    def channel(self) -> str:
        """Where changes of its messages are announced."""
        return channel(self.kind, self.topic, self.name)

    @property
    def policy(self) -> DeadLetterPolicy | None:
        """The dead-letter policy."""
        if self.max_receives is None:
            return None
        return DeadLetterPolicy(max_receives=self.max_receives)

    @property
    def filter_values(self) -> Mapping[str, tuple[str, ...]]:
        """The filter: attribute → values."""
        if self.filter is None:
            return {}
        return {name: tuple(values) for name, values in json.loads(self.filter).items()}


def channel(kind: str, topic: str, name: str) -> str:
    """Where changes of a source's messages are announced."""
    return f"{kind}:{topic}:{name}"


def find_source(connection: Connection, source: Source) -> SourceRecord:
    """The record of a source.

    Raises:
        NotFoundError: There is none; the error names it, or its topic when that is what is missing.
    """
    row = connection.execute(_FIND, (source.service, source.topic or "", source.name)).fetchone()
    if row is not None:
        return SourceRecord._make(row)
    if source.topic is not None:
        find_topic(connection, source.topic)
        raise NotFoundError(
            f"the topic {source.topic!r} has no subscription {source.name!r}",
            resource=f"{source.topic}/{source.name}",
            hint="Make it with create_subscription.",
        )
    kind = _NAMES[source.service]
    raise NotFoundError(
        f"there is no {kind} {source.name!r}",
        resource=source.name,
        hint=f"Make it with create_{kind}.",
    )


def create_source(connection: Connection, record: SourceRecord) -> SourceRecord:
    """Make a source; the record's id does not matter.

    Raises:
        AlreadyExistsError: There is one of this name.
    """
    made = connection.execute(
        "INSERT INTO message_source (kind, topic, name, fifo, visibility, retention, max_receives, "
        "filter, push_endpoint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        record[1:],
    )
    if not made.rowcount:
        what = "queue" if record.kind == "queue" else f"subscription of {record.topic!r}"
        raise AlreadyExistsError(f"there is a {what} {record.name!r} already")
    if record.push_endpoint is not None:
        connection.notify(PUSH_CHANNEL)
    return record._replace(id=made.lastrowid or 0)


def list_sources(
    connection: Connection, kind: str, topic: str, *, prefix: str = "", after: str = "", size: int
) -> list[SourceRecord]:
    """Sources by name, at most ``size``."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM message_source WHERE kind = ? AND topic = ? AND name > ? "  # noqa: S608
        "AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
        (kind, topic, after, len(prefix), prefix, size),
    )
    return [SourceRecord._make(row) for row in rows]


def subscriptions(connection: Connection, topic: str) -> list[SourceRecord]:
    """All subscriptions of a topic."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM message_source WHERE kind = 'pubsub' AND topic = ?",  # noqa: S608
        (topic,),
    )
    return [SourceRecord._make(row) for row in rows]


def push_sources(connection: Connection) -> list[SourceRecord]:
    """All subscriptions that push."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM message_source "  # noqa: S608
        "WHERE kind = 'pubsub' AND push_endpoint IS NOT NULL"
    )
    return [SourceRecord._make(row) for row in rows]


def drop_sources(connection: Connection, records: Sequence[SourceRecord]) -> None:
    """Make sources vanish. Their messages stay behind, unseen, for ``sweep_dropped``."""
    for record in records:
        connection.execute("DELETE FROM message_source WHERE id = ?", (record.id,))
        connection.execute("INSERT INTO message_dropped VALUES (?)", (record.id,))
        connection.notify(record.channel)


def sweep_dropped(connection: Connection) -> bool:
    """Delete some of the messages that are left behind; returns whether there may be more."""
    row = connection.execute("SELECT source_id FROM message_dropped LIMIT 1").fetchone()
    if row is None:
        return False
    for table, key in (("message", "sequence"), ("message_dedup", "dedup_id")):
        swept = connection.execute(
            f"DELETE FROM {table} WHERE source_id = ?1 AND {key} IN "  # noqa: S608  (from above)
            f"(SELECT {key} FROM {table} WHERE source_id = ?1 LIMIT ?2)",
            (row[0], _DROP_PORTION),
        )
        if swept.rowcount == _DROP_PORTION:
            return True
    connection.execute("DELETE FROM message_dropped WHERE source_id = ?", row)
    return True


def find_topic(connection: Connection, name: str) -> bool:
    """Whether a topic keeps the order of messages with an ordering key.

    Raises:
        NotFoundError: There is no such topic.
    """
    row = connection.execute(
        "SELECT ordering FROM message_topic WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no topic {name!r}", resource=name, hint="Make it with create_topic."
        )
    return bool(row[0])


def create_topic(connection: Connection, name: str, ordering: bool) -> None:
    """Make a topic.

    Raises:
        AlreadyExistsError: There is one of this name.
    """
    made = connection.execute(
        "INSERT INTO message_topic VALUES (?, ?) ON CONFLICT DO NOTHING", (name, ordering)
    )
    if not made.rowcount:
        raise AlreadyExistsError(f"there is a topic {name!r} already", resource=name)


def drop_topic(connection: Connection, name: str) -> None:
    """Make a topic and its subscriptions vanish.

    Raises:
        NotFoundError: There is none.
    """
    find_topic(connection, name)
    drop_sources(connection, subscriptions(connection, name))
    connection.execute("DELETE FROM message_topic WHERE name = ?", (name,))


def list_topics(connection: Connection, after: str, size: int) -> list[tuple[str, bool]]:
    """Topics by name, with whether they keep order; at most ``size``."""
    rows = connection.execute(
        "SELECT name, ordering FROM message_topic WHERE name > ? ORDER BY name LIMIT ?",
        (after, size),
    )
    return [(name, bool(ordering)) for name, ordering in rows]
