"""Durations on the command line: ``90``, ``15m``, ``2h``."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


class DurationType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions only
    """Seconds, or a number with a unit: ms, s, m, h or d."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The duration in seconds."""
        if isinstance(value, float):
            return value
        found = _DURATION.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no duration; write 90, 15m, 2h or 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


DURATION = DurationType()
"""The type, for options."""
