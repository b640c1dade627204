"""Items as Cosmos DB keeps them: the document's attributes, and those of CloudKit beside them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen
from cloudkit.api.kv import Item, Key, Value, decode_value, encode_value
from cloudkit.api.kv.codec import SAFE_INT
from cloudkit.api.kv.values import INT_MAX, INT_MIN
from cloudkit.api.kv.values import RESERVED_PREFIX as RESERVED
from cloudkit.azure.cosmos.schema import KEEPS_TTL, SYSTEM, TTL, Schema
from cloudkit.common import PayloadTooLargeError, utc_now

EXPIRES: Final = f"{RESERVED}_expires"
"""Property with the moment of expiry: microseconds since the epoch."""

SEEN: Final = f"{RESERVED}_seen"
"""Property by which a transaction that only looked at an item keeps its version; see ``seen``."""

MAX_ITEM_BYTES: Final = 2 * 1024 * 1024 - 1024
"""Largest item as JSON in UTF-8. The service takes 2 MB, with what it adds itself:
https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits"""

MAX_TTL: Final = 2**31 - 1

TAGS: Final = ("$int", "$float", "$decimal", "$bytes", "$datetime", "$map")
"""Names of the objects that stand for something else."""

RawItem = Mapping[str, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_VERSION = re.compile(r'("[!#-:<-~]+")(?:;(\d{1,18}))?')


@frozen
class Image:
    """What stands, or stood, at a key.

    Attributes:
        raw: As the service gave it; None when there is nothing.
        item: The same as an item; None also when its time is over.
    """

    raw: RawItem | None
    item: Item | None


@frozen
class Version:
    """What the version of an item tells.

    The moment of its expiry is a part of it, so that a write that asks for the version is known to
    come too late without another look at the item.

    Attributes:
        etag: The service's ETag, with its quotes.
        expires_at: When the item ends.
    """

    etag: str
    expires_at: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """A version as it was given out; None when this never was one."""
        found = _VERSION.fullmatch(text)
        if found is None:
            return None
        return cls(found[1], None if found[2] is None else _from_microseconds(int(found[2])))

    @property
    def expired(self) -> bool:
        """Whether the item's time is over."""
        return self.expires_at is not None and self.expires_at <= utc_now()

    def __str__(self) -> str:
        end = "" if self.expires_at is None else f";{microseconds(self.expires_at)}"
        return f"{self.etag}{end}"


@frozen
class ItemCodec:
    """Items of a table, to the service and back.

    Attributes:
        schema: The table's.
    """

    schema: Schema

    def encode(
        self, key: Key, document: Mapping[str, Value], expires_at: datetime | None
    ) -> dict[str, Any]:
        """An item as it is sent.

        Raises:
            ValidationError: The key does not fit the table.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        body: dict[str, Any] = {
            self.schema.stored_attribute(name): encode_value(value)
            for name, value in document.items()
        }
        body.update(self.schema.fields(key))
        body.update(self.expiry(expires_at))
        size = json_size(body)
        if size > MAX_ITEM_BYTES:
            raise PayloadTooLargeError(
                f"the item has {size:,} bytes as JSON; the limit is {MAX_ITEM_BYTES:,}"
            )
        return body

    def expiry(self, expires_at: datetime | None) -> dict[str, int]:
        """What is kept of an expiry: exactly, and as Cosmos DB deletes by.

        Raises:
            UnsupportedOperationError: The container deletes nothing.
        """
        if expires_at is None:
            default = self.schema.default_ttl
            return {} if default is None or default == KEEPS_TTL else {TTL: KEEPS_TTL}
        self.schema.check_lives()
        # The service counts from the whole second of the write, so one more is not too early.
        whole = -((utc_now() - expires_at) // timedelta(seconds=1)) + 1
        return {EXPIRES: microseconds(expires_at), TTL: min(max(whole, 1), MAX_TTL)}

    def decode(self, raw: RawItem) -> Item:
        """The item, expired or not."""
        document: dict[str, Value] = {}
        for stored, value in raw.items():
            name = self.schema.own_attribute(stored)
            if name is not None:
                document[name] = decode_value(_exact(value))
        expires_at = self.expires_at(raw)
        return Item(
            key=self.schema.key_of(raw),
            document=document,
            version=str(Version(etag_of(raw), expires_at)),
            expires_at=expires_at,
        )

    def image(self, raw: RawItem | None) -> Image:
        """What an answer of the service says of a key."""
        item = None if not raw else self.decode(raw)
        return Image(raw or None, None if item is None or item.expired else item)

    def expires_at(self, raw: RawItem) -> datetime | None:
        """When an item ends, by what CloudKit wrote or else by the service's own rule."""
        moment = raw.get(EXPIRES)
        if isinstance(moment, (int, float)):
            return _from_microseconds(int(moment))
        life = raw.get(TTL) or self.schema.default_ttl
        if self.schema.default_ttl is None or not isinstance(life, int) or life <= 0:
            return None
        return _EPOCH + timedelta(seconds=raw["_ts"] + life)


def etag_of(raw: RawItem) -> str:
    """The ETag of an item; what it was before transactions that only looked at it."""
    known = raw.get(SEEN)
    if isinstance(known, dict) and known.get("digest") == _digest(raw):
        return str(known["etag"])
    return str(raw["_etag"])


def seen(raw: RawItem) -> dict[str, str]:
    """What a transaction that looks at an item writes into it.

    The service has no condition for items that a batch does not write. So a check writes this: it
    gives the item another ETag, but as long as the rest is the same, the version that users see stays.
    """
    return {"etag": etag_of(raw), "digest": _digest(raw)}


def json_size(body: Any) -> int:
    """Bytes of JSON as it is sent and kept."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def microseconds(moment: datetime) -> int:
    """Microseconds since the epoch."""
    return (moment - _EPOCH) // _MICROSECOND


def _from_microseconds(count: int) -> datetime:
    return _EPOCH + count * _MICROSECOND


def _digest(raw: RawItem) -> str:
    own = {name: value for name, value in raw.items() if name not in SYSTEM and name != SEEN}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def _exact(value: Any) -> Any:
    """JSON's value as the codec knows it.

    Whole numbers are ints however they are written: the service keeps all as doubles. Objects of
    other programs that only look as if they stood for something else stand for themselves.
    """
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$map"} and isinstance(value["$map"], dict):
            return {"$map": _exact_members(value["$map"])}
        members = _exact_members(value)
        return {"$map": members} if _is_foreign(value) else members
    if type(value) is float and value.is_integer() and abs(value) <= SAFE_INT:
        return int(value)
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        return float(value)
    return value


def _exact_members(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _exact(item) for name, item in value.items()}


def _is_foreign(value: Mapping[str, Any]) -> bool:
    """Whether an object looks like one that stands for something else, and is none."""
    if len(value) != 1:
        return False
    ((name, inner),) = value.items()
    return name.startswith("$") and (name not in TAGS or not isinstance(inner, str))
