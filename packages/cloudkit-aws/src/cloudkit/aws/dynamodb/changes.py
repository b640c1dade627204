"""Updates: as one expression that the service carries out, or as what Python made of the item.

Most updates are one request. It says under which conditions DynamoDB's arithmetic and paths do just what
``apply_update`` does (the number is an int and stays one, the parent is a dict, no type mark is in the
way); where they do not hold, the service changes nothing and gives the item, and the update is made of
that and written on the condition that the item is still the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen
from cloudkit.api.kv import KEEP, Update, Value
from cloudkit.api.kv.paths import MISSING, Path, look_up
from cloudkit.api.kv.values import INT_MAX, INT_MIN
from cloudkit.aws.dynamodb.expressions import (
    MAX_EXPRESSION_BYTES,
    MAX_OPERATORS,
    Placeholders,
    Range,
    Term,
    TooComplexError,
    all_of,
    any_of,
    has_type,
    not_exists,
)
from cloudkit.aws.dynamodb.items import ItemCodec, expiry_attributes
from cloudkit.aws.dynamodb.keys import EXPIRES, TTL, TYPES, VERSION, Schema
from cloudkit.aws.dynamodb.values import TAGS, Attribute, encode


@frozen
class Changes:
    """An update expression in the making.

    Attributes:
        placeholders: Its names and values.
        sets: Assignments.
        removes: Paths.
        conditions: What must hold so that it does what it should.
    """

    placeholders: Placeholders
    sets: list[str] = field(factory=list)
    removes: list[str] = field(factory=list)
    conditions: list[Term] = field(factory=list)

    def set(self, path: Path, value: Attribute) -> None:
        """Assign a value."""
        left = self.placeholders.path(path)
        self.sets.append(f"{left} = {self.placeholders.value(value)}")

    def add(self, path: Path, amount: int) -> None:
        """Add to a number; what is missing counts as 0."""
        at = self.placeholders.path(path)
        zero, more = (self.placeholders.value({"N": str(n)}) for n in (0, amount))
        self.sets.append(f"{at} = if_not_exists({at}, {zero}) + {more}")

    def remove(self, path: Path) -> None:
        """Let something go; what is missing is fine, if its parent is there."""
        self.removes.append(self.placeholders.path(path))

    def require(self, *terms: Term) -> None:
        """Carry it out only where these hold."""
        self.conditions.extend(term for term in terms if term not in self.conditions)

    def label(self, version: str, write: Update, expires_at: datetime | None) -> None:
        """Give the item its version, and the expiry if that is to change."""
        self.set((VERSION,), {"S": version})
        if write.expires_in is KEEP:
            return
        attributes = expiry_attributes(expires_at)
        for name in (EXPIRES, TTL):
            if name in attributes:
                self.set((name,), attributes[name])
            else:
                self.remove((name,))

    def text(self) -> str:
        """The expression.

        Raises:
            TooComplexError: It is longer than the service takes.
        """
        parts = (("SET", self.sets), ("REMOVE", self.removes))
        text = " ".join(f"{word} {', '.join(some)}" for word, some in parts if some)
        # All names and values are placeholders, so these are operators and functions.
        if len(text) > MAX_EXPRESSION_BYTES or sum(map(text.count, "=+(")) > MAX_OPERATORS:
            raise TooComplexError
        return text


class IndirectError(Exception):
    """The service cannot carry the update out by itself."""


def add_direct(changes: Changes, write: Update, schema: Schema) -> None:
    """Add an update in the form that the service carries out by itself.

    Raises:
        IndirectError: There is none.
    """
    changes.require(has_type((TYPES,), "M"))
    for path, value in write.set.items():
        _set_directly(changes, schema.stored_path(path), value)
    for path, amount in write.increment.items():
        if type(amount) is not int:
            raise IndirectError
        _add_directly(changes, schema.stored_path(path), amount)
    for own in write.remove:
        path = schema.stored_path(own)
        changes.remove(path)
        _expect_place(changes, path)
        if not path[1:]:
            changes.remove((TYPES, *path))


def add_result(
    changes: Changes,
    write: Update,
    codec: ItemCodec,
    before: Mapping[str, Value],
    after: Mapping[str, Value],
) -> None:
    """Add an update by what has become of the document.

    Args:
        changes: What to add to.
        write: The update.
        codec: Of the table.
        before: The document as it is stored.
        after: The document as it is to be.
    """
    for path in (*write.set, *write.increment):
        changes.set(codec.schema.stored_path(path), encode(look_up(after, path))[0])
    for path in write.remove:
        if look_up(before, path) is not MISSING:
            changes.remove(codec.schema.stored_path(path))
    changes.set((TYPES,), codec.attributes(after)[1])


def replaced(
    raw: Mapping[str, Attribute],
    write: Update,
    codec: ItemCodec,
    after: Mapping[str, Value],
    expires_at: datetime | None,
) -> dict[str, Attribute]:
    """The item with an update in it, for one that no expression is long enough to say.

    Args:
        raw: The item as the service gave it.
        write: The update.
        codec: Of the table.
        after: The document as it is to be.
        expires_at: The new expiry, unless the old one is kept.
    """
    item = dict(raw)
    for own in {path[0] for path in (*write.set, *write.increment, *write.remove)}:
        name = codec.schema.stored_attribute(own)
        item.pop(name, None)
        if own in after:
            item[name] = encode(after[own])[0]
    item[TYPES] = codec.attributes(after)[1]
    if write.expires_in is not KEEP:
        for name in (EXPIRES, TTL):
            item.pop(name, None)
        item.update(expiry_attributes(expires_at))
    return item


def _set_directly(changes: Changes, path: Path, value: Value) -> None:
    attribute, marks = encode(value)
    changes.set(path, attribute)
    if not path[1:]:
        if marks is None:
            changes.remove((TYPES, *path))
        else:
            changes.set((TYPES, *path), marks)
    elif marks is None:
        _expect_place(changes, path)
    else:
        raise IndirectError  # there may be no tree of marks to put them into


def _add_directly(changes: Changes, path: Path, amount: int) -> None:
    low, high = max(INT_MIN, INT_MIN - amount), min(INT_MAX, INT_MAX - amount)
    room = Range(path, {"N": str(low)}, {"N": str(high)})
    changes.add(path, amount)
    changes.require(any_of(not_exists(path), room), not_exists((TYPES, *path)))
    if path[1:]:
        _expect_parent(changes, path)


def _expect_place(changes: Changes, path: Path) -> None:
    """The place can be written to without anything else to be done."""
    if path[1:]:
        changes.require(not_exists((TYPES, *path)))
        _expect_parent(changes, path)


def _expect_parent(changes: Changes, path: Path) -> None:
    parent = path[:-1]
    no_tag = (not_exists((*parent, tag)) for tag in TAGS)
    changes.require(all_of(has_type(parent, "M"), *no_tag))
