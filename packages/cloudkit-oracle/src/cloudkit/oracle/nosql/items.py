"""Items as NoSQL Database keeps them: a row with key columns, the document, and CloudKit's labels."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen
from cloudkit.api.kv import Item, Key, Value
from cloudkit.api.kv.codec import decode_document, encode_document
from cloudkit.common import IntegrityError, PayloadTooLargeError, SerializationError, utc_now
from cloudkit.oracle.nosql.capabilities import MAX_ROW_BYTES
from cloudkit.oracle.nosql.names import DOCUMENT, LABELS
from cloudkit.oracle.nosql.schema import Schema
from cloudkit.oracle.nosql.session import Found

ENDLESS_DAYS: Final = 365_000
"""Days that an item without an end is given: a row that is written without a time to live keeps the
one that it has, and the interface has no word for taking it away."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)

Row = dict[str, Any]


@frozen
class Image:
    """What stands at a key.

    Attributes:
        etag: Of the row; None when there is none.
        item: The row as an item; None also when its time is over.
    """

    etag: str | None
    item: Item | None


@frozen
class ItemCodec:
    """Items of a table, to the service and back.

    Attributes:
        schema: The table's.
    """

    schema: Schema

    def encode(
        self, key: Key, document: Mapping[str, Value], expires_at: datetime | None
    ) -> tuple[Row, str]:
        """An item as a row, and its version. No two calls give the same.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        columns = self.schema.columns(key)
        revision = secrets.token_urlsafe(12)
        labels: dict[str, Any] = {"revision": revision}
        if expires_at is not None:
            labels["expires"] = (expires_at - _EPOCH) // _MICROSECOND
        if self.schema.hides(columns):
            labels["key"] = [key.partition] if key.sort is None else [key.partition, key.sort]
        row = {**columns, DOCUMENT: encode_document(document), LABELS: labels}
        size = len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MAX_ROW_BYTES:
            raise PayloadTooLargeError(
                f"the item has {size:,} bytes as JSON; the limit is {MAX_ROW_BYTES:,}"
            )
        return row, revision

    def decode(self, row: Row) -> Item:
        """The item, expired or not.

        Raises:
            SerializationError: The row is no item.
        """
        document, labels = row.get(DOCUMENT) or {}, row.get(LABELS) or {}
        if not isinstance(document, dict) or not isinstance(labels, dict):
            raise SerializationError(f"a row of {self.schema.info.name!r} holds no document")
        kept = labels.get("key")
        moment = labels.get("expires")
        return Item(
            key=self.schema.key_of(row) if kept is None else Key(*kept),
            document=decode_document(document),
            version=str(labels.get("revision") or _digest(document)),
            expires_at=None if moment is None else _EPOCH + int(moment) * _MICROSECOND,
        )

    def image(self, found: Found, key: Key) -> Image:
        """What the service says of a key.

        Raises:
            IntegrityError: Another key has the same digest.
        """
        if found.row is None:
            return Image(None, None)
        item = self.decode(found.row)
        if item.key != key:
            raise IntegrityError(f"the keys {key} and {item.key} have the same digest")
        return Image(found.etag, None if item.expired else item)


def days_until(expires_at: datetime | None) -> int:
    """Days to live for a row, so that the service does not delete it too early.

    It counts whole days, and deletes at the end of one.
    """
    if expires_at is None:
        return ENDLESS_DAYS
    return max(1, -((utc_now() - expires_at) // _DAY))


def _digest(document: Mapping[str, Any]) -> str:
    """The version of a row that another program has written."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
