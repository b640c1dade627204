"""Where something stands in a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cloudkit.api.validation import text
from cloudkit.common import ValidationError

Path: TypeAlias = tuple[str, ...]
PathLike: TypeAlias = str | tuple[str, ...]
"""``"address.city"``, or ``("address", "city")`` where a name holds a dot."""

MISSING: Any = object()
"""Stands for a value that is not there."""


def parse_path(value: Any) -> Path:
    """A path from its names, or from one text with dots between them.

    Raises:
        ValidationError: It is neither, or a name is empty.
    """
    names = tuple(value.split(".")) if isinstance(value, str) else value
    if not isinstance(names, tuple) or not names:
        raise ValidationError(f"{value!r} is not a path: 'name', 'name.inner' or a tuple of names")
    for name in names:
        text(name, f"a name in the path {value!r}")
    return names


def look_up(document: Mapping[str, Any], path: Path) -> Any:
    """What stands at a path, or MISSING."""
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def dotted(path: Path) -> str:
    """The path for a message."""
    return ".".join(path)
