"""Checks of arguments that the contracts share. Each raises a ValidationError that says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from cloudkit.common import ValidationError

T = TypeVar("T")


def text(value: Any, what: str, *, empty: bool = False) -> str:
    """A string, encodable as UTF-8 and not empty.

    Args:
        value: The argument.
        what: Its name, for the message.
        empty: Whether it may be empty.

    Raises:
        ValidationError: It is no such string.
    """
    if not isinstance(value, str):
        raise ValidationError(f"{what} must be a string, not {type(value).__name__}")
    if not value and not empty:
        raise ValidationError(f"{what} must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(f"{what} holds a lone surrogate, which UTF-8 cannot encode") from None
    return value


def text_within(value: Any, what: str, max_bytes: int) -> str:
    """A string of at most ``max_bytes`` bytes in UTF-8.

    Raises:
        ValidationError: It is no such string.
    """
    size = len(text(value, what).encode())
    if size > max_bytes:
        raise ValidationError(f"{what} has {size:,} bytes; the limit is {max_bytes:,} bytes")
    return str(value)


def whole_number(value: Any, what: str, *, minimum: int = 1, maximum: int | None = None) -> int:
    """An int within bounds.

    Raises:
        ValidationError: It is no such number.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(f"{what} must be a whole number, not {type(value).__name__}")
    if value < minimum or (maximum is not None and value > maximum):
        upper = "" if maximum is None else f" and at most {maximum:,}"
        raise ValidationError(f"{what} must be at least {minimum:,}{upper}, not {value:,}")
    return value


def text_mapping(value: Mapping[str, str] | None, what: str) -> dict[str, str]:
    """A copy of a mapping from non-empty strings to strings.

    Raises:
        ValidationError: It is no such mapping.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValidationError(f"{what} must be a mapping, not {type(value).__name__}")
    return {
        text(name, f"a name in {what}"): text(item, f"{what}[{name!r}]", empty=True)
        for name, item in value.items()
    }


def several(values: Iterable[T], what: str) -> list[T]:
    """A list of what is iterated over. One text or one body is none, though Python iterates over it.

    Raises:
        ValidationError: It is a single value, or nothing to iterate over.
    """
    if isinstance(values, (str, bytes, bytearray, memoryview)) or not isinstance(values, Iterable):
        raise ValidationError(f"{what} must be a list, not one {type(values).__name__}")
    return list(values)


# As validators of attrs' fields, which take the instance, the attribute and the value.


def is_text(instance: object, attribute: Any, value: Any) -> None:
    """A field that holds a ``text``."""
    text(value, attribute.name)


def is_text_or_empty(instance: object, attribute: Any, value: Any) -> None:
    """A field that holds a ``text``, perhaps an empty one."""
    text(value, attribute.name, empty=True)


def is_optional_text(instance: object, attribute: Any, value: Any) -> None:
    """A field that holds a ``text`` or None."""
    if value is not None:
        text(value, attribute.name)


def is_flag(instance: object, attribute: Any, value: Any) -> None:
    """A field that is True or False, and nothing that only counts as such."""
    if not isinstance(value, bool):
        raise ValidationError(f"{attribute.name} must be True or False, not {value!r}")


def is_optional_count(instance: object, attribute: Any, value: Any) -> None:
    """A field that holds a positive ``whole_number`` or None."""
    if value is not None:
        whole_number(value, attribute.name)
