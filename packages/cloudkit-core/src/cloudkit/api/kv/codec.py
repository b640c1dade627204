"""Documents as JSON, exactly: for services, and files, that keep JSON.

What JSON says faithfully stays as it is, so that services can index and compare it. The rest becomes
an object with one name, which tells the kind::

    {"$decimal": "1.10"}   {"$bytes": "AAE="}   {"$datetime": "2026-01-01T00:00:00.000000Z"}
    {"$int": "9007199254740993"}   (beyond 2**53)   {"$float": "1.0"}   (whole, or -0.0)
    {"$map": {...}}        (a document's own dict whose only name begins with "$")
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from cloudkit.api.kv.values import Value
from cloudkit.common import SerializationError

SAFE_INT = 2**53


def encode_value(value: Value) -> Any:
    """A value, checked before, in the form that JSON can keep."""
    kind = type(value)
    if kind is int:
        return value if abs(value) <= SAFE_INT else {"$int": str(value)}
    if kind is float:
        return {"$float": repr(value)} if value.is_integer() else value
    if kind is Decimal:
        return {"$decimal": str(value)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is datetime:
        return {"$datetime": _format(value)}
    if kind is list:
        return [encode_value(item) for item in value]
    if kind is dict:
        encoded = {name: encode_value(item) for name, item in value.items()}
        return {"$map": encoded} if _looks_tagged(encoded) else encoded
    return value


def decode_value(value: Any) -> Value:
    """The value that was encoded.

    Raises:
        SerializationError: It is not in the form that ``encode_value`` makes.
    """
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _looks_tagged(value):
        return _decode_tagged(*next(iter(value.items())))
    return {name: decode_value(item) for name, item in value.items()}


def encode_document(document: Mapping[str, Value]) -> dict[str, Any]:
    """A document in the form that JSON can keep; the names of the top level stay as they are."""
    return {name: encode_value(value) for name, value in document.items()}


def decode_document(document: Mapping[str, Any]) -> dict[str, Value]:
    """The document that was encoded.

    Raises:
        SerializationError: It is not in the form that ``encode_document`` makes.
    """
    return {name: decode_value(value) for name, value in document.items()}


def _looks_tagged(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _decode_tagged(tag: str, value: Any) -> Value:
    decode = _DECODERS.get(tag)
    if decode is None:
        raise SerializationError(f"a stored value has the unknown tag {tag!r}")
    if not isinstance(value, dict if tag == "$map" else str):
        raise SerializationError(f"a stored value is no {tag[1:]}: {value!r}")
    try:
        return decode(value)
    except (ValueError, InvalidOperation, binascii.Error) as error:
        raise SerializationError(f"a stored value is no {tag[1:]}: {value!r}") from error


def _format(value: datetime) -> str:
    # Not strftime, which does not pad years below 1000 on every platform.
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _parse_datetime(value: str) -> datetime:
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is not UTC:
        raise ValueError("not in UTC")
    return parsed


def _decode_map(value: Any) -> Value:
    return {name: decode_value(item) for name, item in value.items()}


_DECODERS: dict[str, Callable[[Any], Value]] = {
    "$int": int,
    "$float": float,
    "$decimal": Decimal,
    "$bytes": lambda value: base64.b64decode(value, validate=True),
    "$datetime": _parse_datetime,
    "$map": _decode_map,
}
