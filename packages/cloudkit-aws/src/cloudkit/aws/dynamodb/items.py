"""Items as DynamoDB keeps them: the document's attributes, and those of CloudKit beside them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen
from cloudkit.api.kv import Item, Key, Value
from cloudkit.api.kv.values import utf8_length
from cloudkit.aws.dynamodb.expressions import (
    Comparison,
    Term,
    all_of,
    any_of,
    exists,
    not_exists,
)
from cloudkit.aws.dynamodb.keys import EXPIRES, MAX_LEVELS, TTL, TYPES, VERSION, Schema
from cloudkit.aws.dynamodb.values import (
    Attribute,
    Marks,
    attribute_size,
    decode,
    encode,
    levels,
)
from cloudkit.common import PayloadTooLargeError, ValidationError

UNVERSIONED: Final = "unversioned"
"""Version of items that another program wrote, until CloudKit writes them."""

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_COMPARED = 100
"""Attributes of an item without a version that are compared, so that it is written as it was read."""

RawItem = Mapping[str, Attribute]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


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
class ItemCodec:
    """Items of a table, to the service and back.

    Attributes:
        schema: The table's.
    """

    schema: Schema

    def encode(
        self, key: Key, document: Mapping[str, Value], expires_at: datetime | None
    ) -> tuple[dict[str, Attribute], str]:
        """An item with a new version, and the version.

        Raises:
            ValidationError: The key does not fit the table, or values are nested too deep.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        version = new_version()
        attributes, marks = self.attributes(document)
        item: dict[str, Attribute] = {**attributes, **self.schema.place(key)}
        item[VERSION], item[TYPES] = {"S": version}, marks
        item.update(expiry_attributes(expires_at))
        check_item(item)
        return item, version

    def attributes(self, document: Mapping[str, Value]) -> tuple[dict[str, Attribute], Marks]:
        """The attributes of a document, and their type marks."""
        attributes: dict[str, Attribute] = {}
        marked: dict[str, Marks] = {}
        for own, value in document.items():
            name = self.schema.stored_attribute(own)
            attributes[name], marks = encode(value)
            if marks is not None:
                marked[name] = marks
        return attributes, {"M": marked}

    def decode(self, raw: RawItem) -> Item:
        """The item, expired or not."""
        marks = raw.get(TYPES, {}).get("M", {})
        document: dict[str, Value] = {}
        for stored, attribute in raw.items():
            name = self.schema.own_attribute(stored)
            if name is not None:
                document[name] = decode(attribute, marks.get(stored))
        return Item(
            key=self.schema.key_of(raw),
            document=document,
            version=raw.get(VERSION, {}).get("S", UNVERSIONED),
            expires_at=_read_moment(raw.get(EXPIRES, {}).get("N")),
        )

    def image(self, raw: RawItem | None) -> Image:
        """What an answer of the service says of a key."""
        item = None if not raw else self.decode(raw)
        return Image(raw or None, None if item is None or item.expired else item)

    def present(self) -> Term:
        """There is something at the key, expired or not."""
        return exists((self.schema.partition,))

    def absent(self) -> Term:
        """There is nothing at the key."""
        return not_exists((self.schema.partition,))

    def has_version(self, version: str) -> Term:
        """The item has this version."""
        if version == UNVERSIONED:
            return all_of(self.present(), not_exists((VERSION,)))
        return Comparison((VERSION,), "=", {"S": version})

    def same_as(self, image: Image) -> Term:
        """What stands at the key is still what it was."""
        if image.raw is None:
            return self.absent()
        if "S" in image.raw.get(VERSION, {}):
            return self.has_version(image.raw[VERSION]["S"])
        # Other programs change items without giving them versions.
        names = [name for name in image.raw if self.schema.own_attribute(name) is not None]
        same = (Comparison((name,), "=", image.raw[name]) for name in names[:MAX_COMPARED])
        return all_of(self.has_version(UNVERSIONED), *same)


def new_version() -> str:
    """A version that was never there before."""
    return secrets.token_urlsafe(12)


def alive(now: datetime) -> Term:
    """The time of the item is not over, or there is none."""
    moment = {"N": moment_text(now)}
    return any_of(not_exists((EXPIRES,)), Comparison((EXPIRES,), ">", moment))


def over(now: datetime) -> Term:
    """The time of the item is over."""
    return Comparison((EXPIRES,), "<=", {"N": moment_text(now)})


def expiry_attributes(expires_at: datetime | None) -> dict[str, Attribute]:
    """What is kept of an expiry: exactly, and as DynamoDB deletes by."""
    if expires_at is None:
        return {}
    whole = -((_EPOCH - expires_at) // timedelta(seconds=1))  # rounded up
    return {EXPIRES: {"N": moment_text(expires_at)}, TTL: {"N": str(whole)}}


def moment_text(moment: datetime) -> str:
    """Seconds since the epoch, exact to the microsecond."""
    return str((Decimal((moment - _EPOCH) // _MICROSECOND) / 1_000_000).normalize())


def check_item(raw: RawItem) -> None:
    """The service takes the item.

    Raises:
        ValidationError: Its values are nested too deep.
        PayloadTooLargeError: It is too large.
    """
    size = item_size(raw)
    if size > MAX_ITEM_BYTES:
        raise PayloadTooLargeError(
            f"the item has {size:,} bytes as DynamoDB counts them; it takes {MAX_ITEM_BYTES:,}"
        )
    for name, attribute in raw.items():
        if ("M" in attribute or "L" in attribute) and levels(attribute) > MAX_LEVELS:
            raise ValidationError(
                f"{name} is nested deeper than the {MAX_LEVELS} levels that DynamoDB takes; a "
                "datetime, and the marks of floats and Decimals, count as one"
            )


def item_size(raw: RawItem) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(utf8_length(name) + attribute_size(inner) for name, inner in raw.items())


def _read_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    return _EPOCH + timedelta(microseconds=int(Decimal(text) * 1_000_000))
