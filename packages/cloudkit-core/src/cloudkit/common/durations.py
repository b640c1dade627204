"""Durations and points in time, as the contracts take and give them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cloudkit.common.errors import ValidationError

Duration: TypeAlias = float | timedelta
"""Seconds, or a timedelta."""


def seconds(value: Duration, name: str, *, minimum: float = 0, maximum: float = math.inf) -> float:
    """A duration as seconds.

    Args:
        value: Seconds or a timedelta.
        name: Name of the argument, for the message.
        minimum: Smallest value allowed, in seconds.
        maximum: Largest value allowed, in seconds.

    Raises:
        ValidationError: It is no duration, not finite or out of bounds.
    """
    minimum, maximum = float(minimum), float(maximum)
    if isinstance(value, timedelta):
        result = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        result = _to_float(value)
    else:
        raise ValidationError(f"{name} must be seconds or a timedelta, not {type(value).__name__}")
    if not math.isfinite(result) or not minimum <= result <= maximum:
        upper = "" if maximum == math.inf else f" and at most {_shown(maximum)}"
        raise ValidationError(
            f"{name} must be at least {_shown(minimum)}{upper} seconds, not {_shown(result)}"
        )
    return result


def _to_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond any float
        return math.inf


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:,g}"


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)
