"""Conditions on sort keys, for queries."""

from __future__ import annotations

from typing import ClassVar, Literal, NoReturn, TypeAlias, get_args

from attrs import frozen
from cloudkit.api.validation import text
from cloudkit.common import ValidationError

SortOperator: TypeAlias = Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]


@frozen
class SortCondition:
    """A condition on the sort key, by its UTF-8 bytes.

    Attributes:
        operator: How it is compared.
        value: With what; the lower end of ``between``.
        high: The upper end of ``between`` (included), else None.
    """

    operator: SortOperator
    value: str
    high: str | None = None

    def __bool__(self) -> NoReturn:
        # "a" <= sort <= "b" is ("a" <= sort) and (sort <= "b"), which would be its second half.
        raise TypeError("a sort condition has no truth value; a range is sort.between(low, high)")

    def __attrs_post_init__(self) -> None:
        if self.operator not in get_args(SortOperator):
            raise ValidationError(f"{self.operator!r} is not an operator for sort keys")
        text(self.value, "the sort key of the condition")
        if (self.operator == "between") != (self.high is not None):
            raise ValidationError("between needs an upper end, and nothing else has one")
        if self.high is not None and text(self.high, "the upper end") < self.value:
            raise ValidationError(f"between ends at {self.high!r}, before it begins")

    def matches(self, sort: str) -> bool:
        """Whether it holds for a sort key."""
        # Python orders text by code points, which is the order of its UTF-8 bytes.
        match self.operator:
            case "=":
                return sort == self.value
            case "<":
                return sort < self.value
            case "<=":
                return sort <= self.value
            case ">":
                return sort > self.value
            case ">=":
                return sort >= self.value
            case "between":
                return self.high is not None and self.value <= sort <= self.high
            case "begins_with":
                return sort.startswith(self.value)


class SortKey:
    """The sort key in a query; its operators make conditions. Use the instance ``sort``."""

    __slots__ = ()
    __hash__: ClassVar[None]  # type: ignore[assignment]  # == makes a condition, so no hash

    def __eq__(self, value: object) -> SortCondition:  # type: ignore[override]  # a condition
        return SortCondition("=", text(value, "the sort key of the condition"))

    def __ne__(self, value: object) -> bool:
        raise ValidationError(
            "no service can select sort keys by !=; leave such items out yourself"
        )

    def __lt__(self, value: str) -> SortCondition:
        return SortCondition("<", value)

    def __le__(self, value: str) -> SortCondition:
        return SortCondition("<=", value)

    def __gt__(self, value: str) -> SortCondition:
        return SortCondition(">", value)

    def __ge__(self, value: str) -> SortCondition:
        return SortCondition(">=", value)

    def between(self, low: str, high: str) -> SortCondition:
        """From ``low`` to ``high``, both included."""
        return SortCondition("between", low, high)

    def begins_with(self, prefix: str) -> SortCondition:
        """It begins so."""
        return SortCondition("begins_with", prefix)


sort = SortKey()
"""The sort key, to make a condition with: ``sort >= "2026-01"``, ``sort.begins_with("2026-")``."""
