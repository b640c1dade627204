"""Values as JSON in UTF-8."""

from __future__ import annotations

import json
from typing import Any

from cloudkit.common import SerializationError


def to_json(value: Any) -> bytes:
    """A value as JSON in UTF-8.

    Raises:
        SerializationError: JSON cannot say it.
    """
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return encoded.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(f"the value cannot be said in JSON: {error}") from error


def from_json(data: bytes, what: str) -> Any:
    """The value that some JSON stands for.

    Raises:
        SerializationError: It is no JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{what} is not JSON: {error}") from error
