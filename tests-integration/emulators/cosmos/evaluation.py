"""The value of an expression for an item, with logic of three values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from emulators.cosmos.functions import FUNCTIONS
from emulators.cosmos.syntax import Call, Expression, Literal, Members, Path
from emulators.cosmos.values import UNDEFINED, at, rank, same

_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(expression: Expression, item: Any) -> Any:
    """The value, or undefined.

    Args:
        expression: Without aggregates.
        item: What its paths lead into.
    """
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Path):
        return at(item, expression.steps)
    values = [evaluate(value, item) for value in _inner(expression)]
    if isinstance(expression, Members):
        return made(expression.names, values)
    if expression.name in FUNCTIONS:
        return FUNCTIONS[expression.name].apply(*values)
    return _OPERATORS.get(expression.name, _compared)(expression.name, values)


def _inner(expression: Call | Members) -> tuple[Expression, ...]:
    return expression.operands if isinstance(expression, Call) else expression.values


def made(names: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    """An object of what is defined."""
    pairs = zip(names, values, strict=True)
    return {name: value for name, value in pairs if value is not UNDEFINED}


def _and(name: str, values: list[Any]) -> Any:
    if any(value is False for value in values):
        return False
    return True if all(value is True for value in values) else UNDEFINED


def _or(name: str, values: list[Any]) -> Any:
    if any(value is True for value in values):
        return True
    return False if all(value is False for value in values) else UNDEFINED


def _not(name: str, values: list[Any]) -> Any:
    return not values[0] if isinstance(values[0], bool) else UNDEFINED


def _array(name: str, values: list[Any]) -> Any:
    return [value for value in values if value is not UNDEFINED]


def _in(name: str, values: list[Any]) -> Any:
    return _or(name, [_compared("=", [values[0], other]) for other in values[1:]])


def _between(name: str, values: list[Any]) -> Any:
    value, low, high = values
    return _and(name, [_compared(">=", [value, low]), _compared("<=", [value, high])])


def _compared(name: str, values: list[Any]) -> Any:
    left, right = values
    if left is UNDEFINED or rank(left) != rank(right):
        return UNDEFINED
    if name == "=":
        return same(left, right)
    if rank(left) >= rank([]):
        return UNDEFINED  # arrays and objects are only compared for equality
    if name == "!=":
        return not same(left, right)
    return _ORDERED[name](0, 0) if left is None else _ORDERED[name](left, right)


_OPERATORS: Mapping[str, Callable[[str, list[Any]], Any]] = {
    "AND": _and,
    "OR": _or,
    "NOT": _not,
    "IN": _in,
    "BETWEEN": _between,
    "array": _array,
}
