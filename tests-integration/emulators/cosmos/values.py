"""JSON values as Cosmos DB has them: numbers are doubles, and what is not there is undefined."""

from __future__ import annotations

import json
import math
from enum import Enum
from typing import Any, Final

from emulators.cosmos.errors import invalid


class Undefined(Enum):
    """What a path leads to that is not in an item."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED


def number(text: str | float) -> int | float:
    """A number as the service keeps it: the nearest double.

    Args:
        text: In JSON's notation, or a number already.

    Raises:
        CosmosError: It is too large for a double (400).
    """
    value = float(text)
    if not math.isfinite(value):
        raise invalid(f"The number {text} cannot be represented.")
    return int(value) if value.is_integer() and abs(value) < 2**63 else value


def parse(body: bytes) -> Any:
    """A body as the service understands it.

    Raises:
        CosmosError: It is no JSON (400).
    """
    try:
        return json.loads(body, parse_int=number, parse_float=number, parse_constant=_refuse)
    except ValueError as error:
        raise invalid(f"The request body is not valid JSON: {error}") from error


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def rank(value: Any) -> int:
    """The place of a value's type in the order of types."""
    if value is UNDEFINED:
        return 0
    if value is None:
        return 1
    kinds: tuple[tuple[type | tuple[type, ...], int], ...] = (
        (bool, 2),
        ((int, float), 3),
        (str, 4),
        (list, 5),
    )
    return next((place for kind, place in kinds if isinstance(value, kind)), 6)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, deeply; True is not 1."""
    if rank(left) != rank(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def sort_key(value: Any) -> tuple[int, Any]:
    """Sorts values of all types; arrays among themselves, and objects, by their JSON."""
    place = rank(value)
    if place in {0, 1}:
        return place, 0
    return place, json.dumps(value, sort_keys=True) if place > 4 else value


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What a path leads to, or undefined."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, UNDEFINED)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return UNDEFINED
    return value
