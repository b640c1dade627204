"""Filters of subscriptions: which events they let through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulators.event_grid.errors import invalid

MAX_FILTERS = MAX_VALUES = 25
MAX_CHARACTERS = 512
_ABSENT = object()
_ALIASES = {"eventid": "id", "eventtype": "type", "eventtypeversion": "dataschema"}

_STRINGS: Mapping[str, Callable[[str, str], bool]] = {
    "In": lambda text, value: text == value,
    "BeginsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": lambda text, value: value in text,
}
_NUMBERS: Mapping[str, Callable[[float, Any], bool]] = {
    "NumberIn": lambda number, item: number in item["values"],
    "NumberNotIn": lambda number, item: number not in item["values"],
    "NumberLessThan": lambda number, item: number < item["value"],
    "NumberLessThanOrEquals": lambda number, item: number <= item["value"],
    "NumberGreaterThan": lambda number, item: number > item["value"],
    "NumberGreaterThanOrEquals": lambda number, item: number >= item["value"],
}
_OPERATORS = {
    *(f"String{name}" for name in _STRINGS),
    *(f"StringNot{name}" for name in _STRINGS),
    *_NUMBERS,
    "BoolEquals",
    "IsNullOrUndefined",
    "IsNotNull",
}


def check_filters(configuration: Any) -> None:
    """Refuse what the service refuses.

    Args:
        configuration: The ``filtersConfiguration`` of a subscription; may be None.

    Raises:
        EventGridError: 400.
    """
    filters = (configuration or {}).get("filters") or []
    values = [value for item in filters for value in item.get("values") or ()]
    if len(filters) > MAX_FILTERS or len(values) > MAX_VALUES:
        raise invalid(f"At most {MAX_FILTERS} filters with {MAX_VALUES} values are allowed.")
    for item in filters:
        if item.get("operatorType") not in _OPERATORS:
            raise invalid(f"The operator {item.get('operatorType')!r} is not known.")
        key = item.get("key")
        if not key or ("." in key and not key.startswith("data.")):
            raise invalid(f"The key {key!r} is wrong.")
    if any(isinstance(value, str) and len(value) > MAX_CHARACTERS for value in values):
        raise invalid(f"A value has at most {MAX_CHARACTERS} characters.")


def admits(configuration: Any, event: Mapping[str, Any]) -> bool:
    """Whether all filters let an event through."""
    configuration = configuration or {}
    types = configuration.get("includedEventTypes")
    if types and event["type"].lower() not in [kind.lower() for kind in types]:
        return False
    return all(_passes(item, event) for item in configuration.get("filters") or [])


def _passes(item: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    operator, value = item["operatorType"], _value_of(item["key"], event)
    if operator in {"IsNullOrUndefined", "IsNotNull"}:
        return bool((value is None or value is _ABSENT) == (operator == "IsNullOrUndefined"))
    if operator == "BoolEquals":
        return bool(value is item["value"])
    if operator in _NUMBERS:
        return isinstance(value, (int, float)) and _NUMBERS[operator](value, item)
    negative = operator.startswith("StringNot")
    matches = _STRINGS[operator.removeprefix("String").removeprefix("Not")]
    text = str(value).lower()  # comparisons ignore the case
    found = isinstance(value, (str, int)) and any(
        matches(text, allowed.lower()) for allowed in item["values"]
    )
    return bool(found != negative)


def _value_of(key: str, event: Mapping[str, Any]) -> Any:
    value: Any = event
    parts = key.split(".") if key.startswith("data.") else [_ALIASES.get(key.lower(), key.lower())]
    for part in parts:
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value
