"""Conditions on documents, and on sort keys, as expressions.

::

    (attr("age") >= 18) & attr("email").exists()
    ~(attr("address.city") == "Bonn") | attr("tags").contains("new")

Values are compared only within a kind (int, float and Decimal are one kind, bool is its own), texts by
their UTF-8 bytes. On an attribute that is missing, or of another kind, every comparison is false but
``!=``, which is always the opposite of ``==``.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, NoReturn, TypeAlias

from attrs import field, frozen
from cloudkit.api.kv.paths import MISSING, Path, PathLike, look_up, parse_path
from cloudkit.api.kv.values import Value, checked_value, equal, kind_of
from cloudkit.api.validation import text
from cloudkit.common import ValidationError

Comparison: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED_KINDS = frozenset({"number", "str", "bytes", "datetime"})


def _checked(value: Any) -> Value:
    return checked_value(value, "the value of the condition")


def _checked_all(values: Iterable[Any]) -> tuple[Value, ...]:
    return tuple(map(_checked, values))


def _sortable(value: Value) -> Any:
    # Python orders text by code points, which is the order of its UTF-8 bytes.
    if kind_of(value) not in _ORDERED_KINDS:
        raise ValidationError(f"a {kind_of(value)} has no order; only = and != can be asked of it")
    return value


class Condition(ABC):
    """An expression that holds for a document or does not. Combine with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    @abstractmethod
    def matches(self, document: Mapping[str, Value]) -> bool:
        """Whether it holds. Providers agree with this; those without expressions call it."""

    def __and__(self, other: Condition) -> Condition:
        return And(_condition(self), _condition(other))

    def __or__(self, other: Condition) -> Condition:
        return Or(_condition(self), _condition(other))

    def __invert__(self) -> Condition:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a condition has no truth value; combine with & | ~ instead of and, or, not"
        )


def _condition(value: Any) -> Condition:
    if not isinstance(value, Condition):
        raise ValidationError(f"{value!r} is not a condition; begin one with attr('name')")
    return value


@frozen
class Compare(Condition):
    """An attribute against a value."""

    path: Path
    operator: Comparison
    value: Value = field(converter=_checked)

    def __attrs_post_init__(self) -> None:
        if self.operator in _ORDER:
            _sortable(self.value)

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Compare within a kind."""
        actual = look_up(document, self.path)
        if self.operator == "=":
            return actual is not MISSING and equal(actual, self.value)
        if self.operator == "!=":
            return actual is MISSING or not equal(actual, self.value)
        if actual is MISSING or kind_of(actual) != kind_of(self.value):
            return False
        return _ORDER[self.operator](actual, self.value)


@frozen
class Between(Condition):
    """An attribute from ``low`` to ``high``, both included."""

    path: Path
    low: Value = field(converter=_checked)
    high: Value = field(converter=_checked)

    def __attrs_post_init__(self) -> None:
        if kind_of(_sortable(self.low)) != kind_of(_sortable(self.high)):
            raise ValidationError("between needs two values of the same kind")
        if self.high < self.low:
            raise ValidationError(f"between ends at {self.high!r}, before it begins")

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Compare with both ends."""
        actual = look_up(document, self.path)
        if actual is MISSING or kind_of(actual) != kind_of(self.low):
            return False
        return bool(self.low <= actual <= self.high)


@frozen
class BeginsWith(Condition):
    """A text that begins with another."""

    path: Path
    prefix: str

    def __attrs_post_init__(self) -> None:
        text(self.prefix, "the prefix")

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Only a text can."""
        actual = look_up(document, self.path)
        return isinstance(actual, str) and actual.startswith(self.prefix)


@frozen
class Contains(Condition):
    """A text that holds another, or a list that holds a value."""

    path: Path
    value: Value = field(converter=_checked)

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Look into the text or the list."""
        actual = look_up(document, self.path)
        if isinstance(actual, str):
            return isinstance(self.value, str) and self.value in actual
        return isinstance(actual, list) and any(equal(item, self.value) for item in actual)


@frozen
class Exists(Condition):
    """An attribute that is there, even when it is None."""

    path: Path

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Look it up."""
        return look_up(document, self.path) is not MISSING


@frozen
class In(Condition):
    """An attribute that equals one of several values."""

    path: Path
    values: tuple[Value, ...] = field(converter=_checked_all)

    def __attrs_post_init__(self) -> None:
        if not self.values:
            raise ValidationError("is_in needs at least one value")

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Compare with each."""
        actual = look_up(document, self.path)
        return actual is not MISSING and any(equal(actual, value) for value in self.values)


@frozen
class Not(Condition):
    """The opposite."""

    condition: Condition = field(converter=_condition)

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Holds when the other does not."""
        return not self.condition.matches(document)


@frozen
class And(Condition):
    """Both."""

    left: Condition
    right: Condition

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Holds when both do."""
        return self.left.matches(document) and self.right.matches(document)


@frozen
class Or(Condition):
    """At least one of two."""

    left: Condition
    right: Condition

    def matches(self, document: Mapping[str, Value]) -> bool:
        """Holds when one does."""
        return self.left.matches(document) or self.right.matches(document)


class Attr:
    """An attribute of a document; its operators make conditions. Made by ``attr``."""

    __slots__ = ("_path",)
    __hash__: ClassVar[None]  # type: ignore[assignment]  # == makes a condition, so no hash

    def __init__(self, path: Path) -> None:
        self._path = path

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # makes a condition
        return Compare(self._path, "=", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # makes a condition
        return Compare(self._path, "!=", value)

    def __lt__(self, value: Value) -> Condition:
        return Compare(self._path, "<", value)

    def __le__(self, value: Value) -> Condition:
        return Compare(self._path, "<=", value)

    def __gt__(self, value: Value) -> Condition:
        return Compare(self._path, ">", value)

    def __ge__(self, value: Value) -> Condition:
        return Compare(self._path, ">=", value)

    def __bool__(self) -> NoReturn:
        # attr("a") and (attr("b") > 1) would be its second half.
        raise TypeError("an attribute is no condition; compare it, or ask whether it exists()")

    def __contains__(self, value: object) -> NoReturn:
        raise TypeError("Python makes True or False of 'in'; write contains(value)")

    def between(self, low: Value, high: Value) -> Condition:
        """From ``low`` to ``high``, both included."""
        return Between(self._path, low, high)

    def begins_with(self, prefix: str) -> Condition:
        """A text that begins so."""
        return BeginsWith(self._path, prefix)

    def contains(self, value: Value) -> Condition:
        """A text that holds this text, or a list that holds this value."""
        return Contains(self._path, value)

    def exists(self) -> Condition:
        """It is there, even when it is None."""
        return Exists(self._path)

    def not_exists(self) -> Condition:
        """It is not there."""
        return Not(Exists(self._path))

    def is_in(self, *values: Value) -> Condition:
        """It equals one of the values."""
        return In(self._path, values)


def attr(path: PathLike) -> Attr:
    """An attribute of a document, to make a condition with.

    Args:
        path: Its name; ``"outer.inner"`` for one inside another; a tuple of names where a name holds
            a dot.

    Raises:
        ValidationError: It is no path.
    """
    return Attr(parse_path(path))
