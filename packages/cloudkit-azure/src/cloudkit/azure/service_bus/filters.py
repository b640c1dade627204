"""Filters of subscriptions as rules of Service Bus, and back.

A filter becomes one SQL expression. Its text is written in one way only, so that it can be read again:
``user.[colour] IN ('red', 'blue') AND user.[size] IN ('large')``.
https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-filter
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cloudkit.common import ValidationError

RULE = "cloudkit"
"""Name of the rule."""
DEFAULT_RULE = "$Default"
MAX_CHARACTERS = 1024

_TEXT = r"'(?:[^']|'')*'"
_PART = re.compile(rf"user\.\[([^\]]+)\] IN \(({_TEXT}(?:, {_TEXT})*)\)")
_VALUE = re.compile(_TEXT)


def to_sql(wanted: Mapping[str, tuple[str, ...]]) -> str:
    """A filter as an expression.

    Args:
        wanted: Attribute → the values that let a message through.

    Raises:
        ValidationError: It would be longer than the service takes, or names no attribute.
    """
    parts = []
    for name, values in wanted.items():
        if "]" in name or "[" in name:
            raise ValidationError(f"no attribute is called {name!r}")
        texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        parts.append(f"user.[{name}] IN ({texts})")
    expression = " AND ".join(parts)
    if len(expression) > MAX_CHARACTERS:
        raise ValidationError(
            f"the filter has {len(expression):,} characters in the service's form; "
            f"the limit is {MAX_CHARACTERS:,}"
        )
    return expression


def from_rules(rules: list[Any]) -> dict[str, tuple[str, ...]]:
    """The filter that rules stand for, as far as it can be said so.

    Args:
        rules: The SDK's descriptions of a subscription's rules.

    Returns:
        Empty when everything gets through, and when somebody else wrote rules of other kinds.
    """
    if len(rules) != 1:
        return {}
    properties = getattr(rules[0].filter, "properties", None)
    if properties:
        return {name: (str(value),) for name, value in properties.items()}
    return _from_sql(getattr(rules[0].filter, "sql_expression", None) or "")


def _from_sql(expression: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    position = 0
    while position < len(expression):
        part = _PART.match(expression, position)
        if part is None:
            return {}
        values = _VALUE.findall(part[2])
        found[part[1]] = tuple(value[1:-1].replace("''", "'") for value in values)
        position = part.end()
        if expression.startswith(" AND ", position):
            position += len(" AND ")
    return found
