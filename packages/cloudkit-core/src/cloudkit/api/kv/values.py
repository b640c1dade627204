"""The values that documents are made of: what is allowed, what is equal, how large it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import define
from cloudkit.api.validation import text
from cloudkit.common import ValidationError

Value: TypeAlias = Any
"""``None``, bool, int (64 bit), float, Decimal, str, bytes, aware datetime, or a list or dict (with
non-empty str keys) of these. It comes back equal and of the same type, or the write raises."""

Document: TypeAlias = Mapping[str, Value]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
MAX_DECIMAL_EXPONENT = 125
MAX_LEVELS = 100
"""No provider takes documents that are nested deeper, and Python cannot walk through them for ever."""

RESERVED_PREFIX = "_cloudkit"


def checked_document(document: Any) -> dict[str, Value]:
    """A deep copy of a document, with all datetimes in UTC.

    Raises:
        ValidationError: Something in it cannot be stored; the message says where it is.
    """
    if not isinstance(document, Mapping):
        raise ValidationError(f"a document must be a dict, not {type(document).__name__}")
    for name in document:
        if isinstance(name, str) and name.startswith(RESERVED_PREFIX):
            raise ValidationError(f"names that begin with {RESERVED_PREFIX!r} are reserved: {name}")
    return {
        text(name, "a name in the document"): checked_value(value, name)
        for name, value in document.items()
    }


def checked_value(value: Any, path: str, level: int = 0) -> Value:
    """A deep copy of a value.

    Args:
        value: The value.
        path: Where it stands, for the message.
        level: How deep that is.

    Raises:
        ValidationError: It, or something in it, cannot be stored.
    """
    kind = type(value)
    if kind is dict or kind is list:
        return _checked_container(value, path, level + 1)
    if value is None or kind is bool or kind is bytes:
        return value
    if kind is str:
        return text(value, path, empty=True)
    if kind in {int, float, Decimal}:
        return _checked_number(value, path)
    if kind is datetime:
        return _checked_datetime(value, path)
    raise ValidationError(
        f"{path} is a {kind.__name__}, which would not come back as one; use None, bool, int, "
        "float, Decimal, str, bytes, datetime, list or dict"
    )


def _checked_container(value: Any, path: str, level: int) -> Value:
    if level > MAX_LEVELS:
        raise ValidationError(
            f"the value is nested deeper than {MAX_LEVELS} levels: {path[:80]}…; does it hold itself?"
        )
    if isinstance(value, list):
        return [checked_value(item, f"{path}[{i}]", level) for i, item in enumerate(value)]
    return {
        text(name, f"a name in {path}"): checked_value(item, f"{path}.{name}", level)
        for name, item in value.items()
    }


def _checked_datetime(value: datetime, path: str) -> datetime:
    if value.utcoffset() is None:
        raise ValidationError(f"{path} is a datetime without a time zone; make it aware")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValidationError(f"{path} is a datetime outside the years 1 to 9999 in UTC") from None


def _checked_number(value: float | Decimal, path: str) -> float | Decimal:
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise ValidationError(f"{path} does not fit into 64 bits; use a Decimal")
    elif not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise ValidationError(f"{path} is {value}, which is no number that can be stored")
    elif isinstance(value, Decimal) and value and abs(value.adjusted()) > MAX_DECIMAL_EXPONENT:
        raise ValidationError(f"{path} is beyond 1E{MAX_DECIMAL_EXPONENT}, or as small")
    return value


def kind_of(value: Value) -> str:
    """Values are compared only within a kind; int, float and Decimal are one kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    return type(value).__name__


def equal(left: Value, right: Value) -> bool:
    """Equality as conditions see it: 1 equals 1.0, but not True."""
    if kind_of(left) != kind_of(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def significant_digits(value: Decimal) -> int:
    """Digits of a Decimal without the zeros at its ends."""
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return len(digits)


@define
class Extent:
    """How much there is of a checked value.

    Attributes:
        size: Bytes, much as the services count them: names and texts in UTF-8, 8 for a number.
        depth: Levels of nesting: 0 for a plain value, 1 for a flat list or dict.
        longest: The Decimal with the most significant digits; None when there is none.
    """

    size: int = 0
    depth: int = 0
    longest: Decimal | None = None

    @classmethod
    def of(cls, value: Value) -> Extent:
        """That of a value."""
        extent = cls()
        extent._add(value, 0)
        return extent

    def _add(self, value: Value, level: int) -> None:
        # Called for every value that is written: one walk, and the most frequent kinds first.
        kind = type(value)
        if kind is str:
            self.size += utf8_length(value)
        elif kind is dict:
            self._enter(level + 1)
            for name, item in value.items():
                self.size += 1 + utf8_length(name)
                self._add(item, level + 1)
        elif kind is list:
            self._enter(level + 1)
            for item in value:
                self.size += 1
                self._add(item, level + 1)
        elif kind is Decimal:
            self.size += 2 + len(value.as_tuple().digits)
            if self.longest is None or significant_digits(value) > significant_digits(self.longest):
                self.longest = value
        else:
            self.size += len(value) if kind is bytes else _SIZES[kind]

    def _enter(self, level: int) -> None:
        self.size += 3
        self.depth = max(self.depth, level)


_SIZES = {bool: 1, type(None): 1, int: 8, float: 8, datetime: 27}


def utf8_length(value: str) -> int:
    """Bytes of a text."""
    return len(value) if value.isascii() else len(value.encode())
