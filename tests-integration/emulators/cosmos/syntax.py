"""What a query is made of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Path:
    """The item, or a place in it."""

    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Call:
    """A function, in upper case, or an operator: ``AND``, ``=``, ``BETWEEN``, ``array``."""

    name: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Members:
    """An object that a query makes."""

    names: tuple[str, ...]
    values: tuple[Expression, ...]


Expression = Literal | Path | Call | Members


@dataclass(frozen=True)
class Column:
    name: str
    value: Expression
    text: str


@dataclass(frozen=True)
class Order:
    path: Path
    descending: bool


@dataclass(frozen=True)
class Query:
    """A query.

    Attributes:
        alias: What it calls an item.
        columns: What it selects: nothing for ``*``.
        value: Whether it selects with VALUE, so a single column.
        where: Its condition, if it has one.
        order: What it sorts by.
        top: How many items at most; likewise ``offset`` and ``limit``.
        texts: The clauses as they were written, by ``"where"`` and ``"order"``.
    """

    alias: str
    columns: tuple[Column, ...] = ()
    value: bool = False
    where: Expression | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    offset: int | None = None
    limit: int | None = None
    texts: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def aggregates(self) -> tuple[str, ...]:
        """The aggregates that it selects."""
        return tuple(name for column in self.columns for name in aggregates_in(column.value))

    @property
    def most(self) -> int | None:
        """How many items at most, by TOP or by LIMIT."""
        return self.top if self.limit is None else self.limit


AGGREGATES = {"COUNT": "Count", "SUM": "Sum", "MIN": "Min", "MAX": "Max"}


def aggregates_in(expression: Expression) -> list[str]:
    """The aggregates inside an expression."""
    if isinstance(expression, Call):
        own = [AGGREGATES[expression.name]] if expression.name in AGGREGATES else []
        return own + [name for operand in expression.operands for name in aggregates_in(operand)]
    if isinstance(expression, Members):
        return [name for value in expression.values for name in aggregates_in(value)]
    return []
