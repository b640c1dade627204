"""Connections to SQLite, and the tables that the services keep there."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from attrs import frozen
from cloudkit.common import ConfigurationError

T = TypeVar("T")
Durability = Literal["process", "power"]

BUSY_SECONDS = 30.0
"""How long to wait for another process that is writing."""

_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SCHEMA_TABLE = """
CREATE TABLE IF NOT EXISTS cloudkit_schema (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) WITHOUT ROWID
"""


class Connection(sqlite3.Connection):
    """A connection that collects the channels to be told about the transaction's changes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.channels: list[str] = []

    def notify(self, channel: str) -> None:
        """Wake those who watch a channel, once this transaction is committed.

        Args:
            channel: Any name; see ``Database.watch``.
        """
        self.channels.append(channel)


@frozen
class Schema:
    """The tables of one service.

    Attributes:
        name: Name of the service, for example ``"queue"``.
        versions: SQL statements that lead from each version to the next; the first make the tables.
            Statements of a version that was released are never changed: append a version.
    """

    name: str
    versions: tuple[tuple[str, ...], ...]


def connect(path: Path | None, durability: Durability) -> Connection:
    """Open the database; makes the file if there is none.

    Args:
        path: The file; None for a database in memory.
        durability: ``"process"``: what is committed survives a killed process. ``"power"``: also a
            power cut, for an fsync each commit.
    """
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        factory=Connection,
        isolation_level=None,  # transactions are made by hand
        check_same_thread=False,
        cached_statements=512,
        timeout=0 if path is None else BUSY_SECONDS,
    )
    try:
        retry_busy(lambda: _configure(connection, durability))
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: Connection, durability: Durability) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def retry_busy(action: Callable[[], T]) -> T:
    """Do something, again and again while another connection stands in the way.

    SQLite's own waiting sleeps longer each time, up to 0.1 seconds, so that a busy neighbour would
    always be served first.

    Raises:
        sqlite3.OperationalError: It was busy for longer than BUSY_SECONDS, or something else failed.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY_CODES or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311  (no secret)


def migrate(connection: Connection, schemas: Iterable[Schema]) -> None:
    """Bring the tables of some services up to date, inside the transaction that is open.

    Raises:
        ConfigurationError: A newer version of CloudKit has changed them.
    """
    connection.execute(_SCHEMA_TABLE)
    for schema in schemas:
        row = connection.execute(
            "SELECT version FROM cloudkit_schema WHERE name = ?", (schema.name,)
        ).fetchone()
        version = row[0] if row else 0
        if version > len(schema.versions):
            raise ConfigurationError(
                f"the tables of {schema.name} have version {version}, but this cloudkit-local knows "
                f"versions up to {len(schema.versions)}",
                hint="Upgrade cloudkit-local, or use another folder.",
            )
        for statements in schema.versions[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(
            "INSERT OR REPLACE INTO cloudkit_schema VALUES (?, ?)",
            (schema.name, len(schema.versions)),
        )
