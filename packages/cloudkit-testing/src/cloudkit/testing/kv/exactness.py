"""Whether a value came back as it was written: its kind, all of it, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down.

    1 is not 1.0 and not True, 0.0 is not -0.0. A Decimal counts by its number, however many zeros
    end it; a datetime must be in UTC.
    """
    return difference(left, right) is None


def assert_same(actual: Any, expected: Any) -> None:
    """Fail with the place where two values differ.

    Raises:
        AssertionError: They are not the same.
    """
    found = difference(actual, expected)
    if found is not None:
        raise AssertionError(found)


def difference(actual: Any, expected: Any, path: str = "value") -> str | None:
    """The first place where two values differ, in words; None when they are the same.

    Args:
        actual: What came back.
        expected: What was written.
        path: Where the two stand.
    """
    if type(actual) is not type(expected):
        return f"{path} is the {_shown(actual)}, not the {_shown(expected)}"
    if isinstance(expected, dict):
        return _difference_of_dicts(actual, expected, path)
    if isinstance(expected, list):
        return _difference_of_lists(actual, expected, path)
    if not _equal(actual, expected):
        return f"{path} is {actual!r}, not {expected!r}"
    return None


def _difference_of_dicts(
    actual: Mapping[str, Any], expected: Mapping[str, Any], path: str
) -> str | None:
    if actual.keys() != expected.keys():
        lost, new = sorted(expected.keys() - actual.keys()), sorted(actual.keys() - expected.keys())
        return f"{path} lost the names {lost} and got the names {new}"
    inner = (difference(actual[name], expected[name], f"{path}[{name!r}]") for name in expected)
    return next((found for found in inner if found is not None), None)


def _difference_of_lists(actual: list[Any], expected: list[Any], path: str) -> str | None:
    if len(actual) != len(expected):
        return f"{path} has {len(actual)} values, not {len(expected)}"
    pairs = enumerate(zip(actual, expected, strict=True))
    inner = (difference(left, right, f"{path}[{index}]") for index, (left, right) in pairs)
    return next((found for found in inner if found is not None), None)


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return actual == expected and math.copysign(1, actual) == math.copysign(1, expected)
    if hasattr(expected, "utcoffset"):
        return bool(actual == expected) and actual.utcoffset() == timedelta(0)
    return bool(actual == expected)


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"
