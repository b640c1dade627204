"""The functions of queries. What is undefined, or of the wrong type, gives undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from emulators.cosmos.values import UNDEFINED, rank, same


@dataclass(frozen=True)
class Function:
    """A function.

    Attributes:
        apply: Computes it from its arguments.
        counts: How many arguments it may have.
    """

    apply: Callable[..., Any]
    counts: Container[int]


def _is(*ranks: int) -> Function:
    return Function(lambda value: rank(value) in ranks, {1})


def _of_strings(compare: Callable[[str, str], bool]) -> Function:
    def apply(text: Any, part: Any, ignore_case: Any = False) -> Any:
        if not isinstance(text, str) or not isinstance(part, str):
            return UNDEFINED
        if not isinstance(ignore_case, bool):
            return UNDEFINED
        return compare(text.lower(), part.lower()) if ignore_case else compare(text, part)

    return Function(apply, {2, 3})


def _of_string(change: Callable[[str], Any]) -> Function:
    return Function(lambda text: change(text) if isinstance(text, str) else UNDEFINED, {1})


def _array_contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if not isinstance(array, list) or wanted is UNDEFINED:
        return UNDEFINED
    if partial is True and isinstance(wanted, dict):
        return any(_includes(item, wanted) for item in array)
    return any(same(item, wanted) for item in array)


def _includes(item: Any, wanted: dict[str, Any]) -> bool:
    return isinstance(item, dict) and all(
        key in item and same(item[key], value) for key, value in wanted.items()
    )


def _array_length(array: Any) -> Any:
    return len(array) if isinstance(array, list) else UNDEFINED


def _floor(value: Any) -> Any:
    return math.floor(value) if rank(value) == rank(0) else UNDEFINED


FUNCTIONS = {
    "IS_DEFINED": _is(1, 2, 3, 4, 5, 6),
    "IS_NULL": _is(1),
    "IS_BOOL": _is(2),
    "IS_NUMBER": _is(3),
    "IS_STRING": _is(4),
    "IS_ARRAY": _is(5),
    "IS_OBJECT": _is(6),
    "IS_PRIMITIVE": _is(1, 2, 3, 4),
    "STARTSWITH": _of_strings(str.startswith),
    "ENDSWITH": _of_strings(str.endswith),
    "CONTAINS": _of_strings(str.__contains__),
    "STRINGEQUALS": _of_strings(str.__eq__),
    "LOWER": _of_string(str.lower),
    "UPPER": _of_string(str.upper),
    "FLOOR": Function(_floor, {1}),
    "LENGTH": _of_string(len),
    "ARRAY_CONTAINS": Function(_array_contains, {2, 3}),
    "ARRAY_LENGTH": Function(_array_length, {1}),
}
