"""The items of a table, inside a transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cloudkit.api.kv import (
    KEEP,
    Check,
    Delete,
    Item,
    Key,
    Put,
    TransactWrite,
    Update,
    Value,
    apply_update,
    decode_document,
    encode_document,
)
from cloudkit.api.kv.models import Write
from cloudkit.common import NotFoundError, PreconditionFailedError
from cloudkit.local.connection import Connection
from cloudkit.local.kv.tables import DELETE_ITEM, Table

Row: TypeAlias = tuple[str, str, float | None]
"""Document, version and expiry of an item, as they are stored."""

_GET = (
    "SELECT document, version, expires_at FROM kv_item WHERE table_id = ? AND partition = ? "
    "AND sort = ? AND (expires_at IS NULL OR expires_at > ?)"
)
_PUT = "INSERT OR REPLACE INTO kv_item VALUES (?, ?, ?, ?, ?, ?)"
_EXPIRED = "SELECT table_id, partition, sort FROM kv_item WHERE expires_at <= ? LIMIT ?"

CheckDocument: TypeAlias = Callable[[Mapping[str, Value]], None]


class Items:
    """Reads and writes items of one table, as they are at one moment.

    Args:
        connection: With a transaction that is open.
        table: The table.
        now: Seconds since the epoch; what expires until then does not exist.
        check_document: Raises a CloudError for a document beyond the provider's limits.
    """

    def __init__(
        self, connection: Connection, table: Table, now: float, check_document: CheckDocument
    ) -> None:
        self.connection = connection
        self.table = table
        self.now = now
        self._check_document = check_document

    def get(self, key: Key) -> Item | None:
        """An item, or None."""
        row = self._find(self.table.place(key))
        return None if row is None else to_item(key, row)

    def write(self, write: TransactWrite) -> str | None:
        """Carry out any write; returns the item's new version, None for a delete or a check.

        Raises:
            CloudError: As its method.
        """
        match write:
            case Put():
                return self.put(write)
            case Update():
                return self.update(write).version
            case Delete():
                self.delete(write)
            case Check():
                self.check(write)
        return None

    def put(self, write: Put) -> str:
        """Write an item as a whole; returns its version.

        Raises:
            PreconditionFailedError: A condition does not hold.
        """
        place = self.table.place(write.key)
        if write.conditional:
            row = self._find(place)
            if write.if_absent and row is not None:
                raise PreconditionFailedError("the item exists already")
            _check_conditions(write, row)
        expires_at = None if write.expires_in is None else self.now + write.expires_in
        return self._store(place, write.document, expires_at)[1]

    def delete(self, write: Delete) -> None:
        """Delete an item.

        Raises:
            NotFoundError: There is none, and that is not fine.
            PreconditionFailedError: A condition does not hold.
        """
        place = self.table.place(write.key)
        if write.conditional or not write.missing_ok:
            row = self._find(place)
            if row is None and not write.missing_ok:
                raise NotFoundError("there is no such item")
            _check_conditions(write, row)
        self.connection.execute(DELETE_ITEM, place)

    def update(self, write: Update) -> Item:
        """Change parts of an item.

        Raises:
            NotFoundError: There is none.
            PreconditionFailedError: A condition does not hold.
            ValidationError: The document does not take the change.
            PayloadTooLargeError: The document would become too large.
        """
        place = self.table.place(write.key)
        row = self._find(place)
        if row is None:
            raise NotFoundError("there is no such item to update")
        _check_conditions(write, row)
        document = apply_update(
            decode(row[0]), set=write.set, increment=write.increment, remove=write.remove
        )
        self._check_document(document)
        expires_at = row[2]
        if write.expires_in is not KEEP:
            expires_at = None if write.expires_in is None else self.now + write.expires_in
        return to_item(write.key, self._store(place, document, expires_at), document)

    def check(self, write: Check) -> None:
        """Change nothing.

        Raises:
            PreconditionFailedError: What is asked for does not hold.
        """
        row = self._find(self.table.place(write.key))
        if write.exists is not None and write.exists is (row is None):
            raise PreconditionFailedError(
                "the item does not exist" if row is None else "the item exists"
            )
        _check_conditions(write, row)

    def _find(self, place: tuple[int, bytes, bytes]) -> Row | None:
        row: Row | None = self.connection.execute(_GET, (*place, self.now)).fetchone()
        return row

    def _store(
        self,
        place: tuple[int, bytes, bytes],
        document: Mapping[str, Value],
        expires_at: float | None,
    ) -> Row:
        text = json.dumps(encode_document(document), ensure_ascii=False, separators=(",", ":"))
        # Random, because a counter would begin anew where an item is deleted and made again.
        row = (text, secrets.token_hex(12), expires_at)
        self.connection.execute(_PUT, (*place, *row))
        return row


def _check_conditions(write: Write, row: Row | None) -> None:
    if write.if_version is not None:
        if row is None:
            raise PreconditionFailedError("there is no such item, so it has not that version")
        if row[1] != write.if_version:
            raise PreconditionFailedError("the item has another version: it was written since")
    if write.condition is not None:
        document = {} if row is None else decode(row[0])
        if not write.condition.matches(document):
            raise PreconditionFailedError("the condition does not hold for the item")


def to_item(key: Key, row: Row, document: dict[str, Value] | None = None) -> Item:
    """The item that a row stands for.

    Args:
        key: Its key.
        row: How it is stored.
        document: The document of the row, when it is at hand.
    """
    text, version, expires_at = row
    return Item(
        key=key,
        document=decode(text) if document is None else document,
        version=version,
        expires_at=None if expires_at is None else datetime.fromtimestamp(expires_at, UTC),
    )


def decode(text: str) -> dict[str, Value]:
    """The document of a row."""
    encoded: dict[str, Any] = json.loads(text)
    # All that JSON cannot say is marked by a name that begins with "$"; without, nothing is to do.
    return decode_document(encoded) if '"$' in text else encoded


def sweep_expired(connection: Connection, now: float, most: int) -> None:
    """Delete some of the items whose time is over, of all tables."""
    # Key by key: for DELETE ... IN (SELECT ...) SQLite would look through whole tables.
    connection.executemany(DELETE_ITEM, connection.execute(_EXPIRED, (now, most)).fetchall())
