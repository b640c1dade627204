"""Filters as Pub/Sub writes them: https://cloud.google.com/pubsub/docs/subscription-message-filter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cloudkit.common import ValidationError

MAX_BYTES = 256
"""Longest filter that the service takes."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMPARISON = re.compile(rf"attributes\.({_STRING}) = ({_STRING})")


def to_expression(wanted: Mapping[str, tuple[str, ...]]) -> str:
    """A filter in the service's language; empty for none.

    Args:
        wanted: Attribute → the values that let a message through.

    Raises:
        ValidationError: It is longer than the service takes.
    """
    groups = [
        " OR ".join(f"attributes.{_quoted(name)} = {_quoted(value)}" for value in values)
        for name, values in wanted.items()
    ]
    expression = " AND ".join(f"({group})" for group in groups)
    size = len(expression.encode())
    if size > MAX_BYTES:
        raise ValidationError(
            f"the filter has {size} bytes in Pub/Sub's language; it takes {MAX_BYTES}",
            hint="Filter by fewer values, or by an attribute that stands for several.",
        )
    return expression


def from_expression(expression: str) -> dict[str, tuple[str, ...]]:
    """What ``to_expression`` was given: attribute → values.

    Args:
        expression: As the service tells it.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _COMPARISON.findall(expression):
        key = json.loads(name)
        found[key] = (*found.get(key, ()), json.loads(value))
    return found


def _quoted(text: str) -> str:
    # Its escapes are those of JSON.
    return json.dumps(text, ensure_ascii=False)
