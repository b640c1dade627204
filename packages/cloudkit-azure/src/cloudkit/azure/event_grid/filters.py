"""Filters of subscriptions, in the service's words and back.

The service compares texts without regard to case, so the attributes are looked for in the form that
``events.token`` gives them. It takes 25 values a subscription, of 512 characters each:
https://learn.microsoft.com/azure/event-grid/namespace-event-filtering
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudkit.azure.event_grid.events import ATTRIBUTES, read_tokens, token
from cloudkit.common import ValidationError

MAX_VALUES, MAX_CHARACTERS = 25, 512
OPERATOR = "StringContains"


def write_filter(wanted: Mapping[str, tuple[str, ...]]) -> dict[str, Any] | None:
    """The ``filtersConfiguration`` of a subscription; None for no filter.

    Args:
        wanted: Attribute → the values that let a message through.

    Raises:
        ValidationError: It is more than the service takes.
    """
    if not wanted:
        return None
    filters = [
        {
            "operatorType": OPERATOR,
            "key": ATTRIBUTES,
            "values": [token(name, value) for value in dict.fromkeys(values)],
        }
        for name, values in wanted.items()
    ]
    values: list[str] = [value for item in filters for value in item["values"]]
    if len(values) > MAX_VALUES:
        raise ValidationError(f"a filter has {len(values)} values; the limit is {MAX_VALUES}")
    if any(len(value) > MAX_CHARACTERS for value in values):
        raise ValidationError(
            f"an attribute of the filter is too long: as the service gets it, it has at most "
            f"{MAX_CHARACTERS} characters"
        )
    return {"filters": filters}


def read_filter(configuration: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """What ``write_filter`` wrote. Filters that somebody else has set do not show."""
    result: dict[str, tuple[str, ...]] = {}
    for item in (configuration or {}).get("filters") or ():
        if item.get("operatorType") != OPERATOR or item.get("key") != ATTRIBUTES:
            continue
        for text in item.get("values") or ():
            for name, value in read_tokens(text).items():
                result[name] = (*result.get(name, ()), value)
    return result
