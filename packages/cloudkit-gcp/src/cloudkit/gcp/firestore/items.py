"""Items as Firestore keeps them: the document's fields, and those of CloudKit beside them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen
from cloudkit.api.kv import Item, Key, Value
from cloudkit.api.kv.values import RESERVED_PREFIX as RESERVED
from cloudkit.common import PayloadTooLargeError, ValidationError, utc_now
from cloudkit.gcp.firestore.keys import EXPIRES, ORDER, REVISION, Schema
from cloudkit.gcp.firestore.values import (
    MAX_LEVELS,
    MAX_PATH_BYTES,
    Stored,
    decode,
    encode,
    levels,
    longest_path,
    moment_of,
    own_name,
    stored_name,
    stored_size,
    timestamp,
)

MAX_DOCUMENT_BYTES: Final = 1024 * 1024
_NAME_BYTES, _DOCUMENT_BYTES = 16, 32
"""What Firestore adds to the sizes of a document's name and of its fields."""

_VERSION = re.compile(r"(\d{1,12})\.(\d{9})(?:~(-?\d{1,18}))?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Fields = dict[str, Stored]


@frozen
class Image:
    """What stands at a key.

    Attributes:
        raw: The document as the service gave it; None when there is none.
        item: The same as an item; None also when its time is over.
    """

    raw: Any
    item: Item | None

    @property
    def precondition(self) -> Mapping[str, Any]:
        """It is still what it was."""
        if self.raw is None:
            return {"exists": False}
        stamp = self.raw.update_time
        return {"update_time": {"seconds": stamp.seconds, "nanos": stamp.nanos}}


@frozen
class Version:
    """What a version says: when the item was written, and when it ends.

    The end stands in it so that a write which asks for a version need not look first whether the
    item's time is over.

    Attributes:
        seconds: Of the update time.
        nanos: Of the update time, too.
        expires_at: The end, or None.
    """

    seconds: int
    nanos: int
    expires_at: datetime | None

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version that a text stands for; None when it stands for none."""
        match = _VERSION.fullmatch(text)
        if match is None:
            return None
        try:
            end = None if match[3] is None else _EPOCH + int(match[3]) * _MICROSECOND
        except OverflowError:
            return None
        return cls(int(match[1]), int(match[2]), end)

    @property
    def expired(self) -> bool:
        """Whether the item's time is over."""
        return self.expires_at is not None and self.expires_at <= utc_now()

    @property
    def precondition(self) -> Mapping[str, Any]:
        """The document was last written then."""
        return {"update_time": {"seconds": self.seconds, "nanos": self.nanos}}


def version_text(update_time: Any, expires_at: datetime | None) -> str:
    """The version of an item.

    Args:
        update_time: As the service gave it.
        expires_at: When it ends.
    """
    end = "" if expires_at is None else f"~{(expires_at - _EPOCH) // _MICROSECOND}"
    return f"{update_time.seconds}.{update_time.nanos:09}{end}"


@frozen
class ItemCodec:
    """Items of a table, to the service and back.

    Attributes:
        schema: The table's.
    """

    schema: Schema

    def encode(
        self, key: Key, document: Mapping[str, Value], expires_at: datetime | None
    ) -> Fields:
        """The fields of an item.

        Raises:
            ValidationError: The key does not fit the table, or values are nested too deep.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        fields = {stored_name(name): encode(value) for name, value in document.items()}
        fields.update(self.labels(key, expires_at))
        self._check(key, fields)
        return fields

    def labels(self, key: Key, expires_at: datetime | None) -> Fields:
        """CloudKit's own fields; no two writes have the same."""
        fields: Fields = {REVISION: {"string_value": secrets.token_urlsafe(9)}}
        order = self.schema.order_of(key)
        if order is not None:
            fields[ORDER] = {"string_value": order}
        if expires_at is not None:
            fields[EXPIRES] = {"timestamp_value": timestamp(expires_at)}
        return fields

    def decode(self, raw: Any) -> Item:
        """The item, expired or not.

        Raises:
            SerializationError: The document is no item of the table.
        """
        document: dict[str, Value] = {}
        for name, value in raw.fields.items():
            if not name.startswith(RESERVED):
                document[own_name(name)] = decode(value)
        expires_at = _expiry(raw.fields)
        return Item(
            key=self.schema.key_of(document_id(raw)),
            document=document,
            version=version_text(raw.update_time, expires_at),
            expires_at=expires_at,
        )

    def image(self, raw: Any) -> Image:
        """What an answer of the service says of a key; None for a missing document."""
        item = None if raw is None else self.decode(raw)
        return Image(raw, None if item is None or item.expired else item)

    def _check(self, key: Key, fields: Fields) -> None:
        for name, value in fields.items():
            if levels(value) > MAX_LEVELS:
                raise ValidationError(
                    f"{name} is nested deeper than the {MAX_LEVELS} levels that Firestore takes; a "
                    "Decimal, and a list directly inside a list, count as one more"
                )
            if longest_path(name, value) > MAX_PATH_BYTES:
                raise ValidationError(
                    f"the names in {name[:40]}… are longer, together, than the {MAX_PATH_BYTES:,} "
                    "bytes that Firestore takes"
                )
        place = (self.schema.table, self.schema.document_id(key))
        size = sum(len(part.encode()) + 1 for part in place) + _NAME_BYTES + _DOCUMENT_BYTES
        size += sum(len(name.encode()) + 1 + stored_size(value) for name, value in fields.items())
        if size > MAX_DOCUMENT_BYTES:
            raise PayloadTooLargeError(
                f"the item has {size:,} bytes as Firestore counts them; it takes "
                f"{MAX_DOCUMENT_BYTES:,}"
            )


def document_id(raw: Any) -> str:
    """The id of a document as the service gave it."""
    return str(raw.name.rpartition("/")[2])


def _expiry(fields: Any) -> datetime | None:
    if EXPIRES not in fields:
        return None
    raw = fields[EXPIRES]
    return (
        moment_of(raw.timestamp_value)
        if raw.WhichOneof("value_type") == "timestamp_value"
        else None
    )
