"""Values as Firestore keeps them, and back.

============ ==================================================================================
None, bool   null, boolean
int, float   integer (64 bit), double
Decimal      ``{"$decimal": "1.1"}``: Firestore has no decimal numbers
str, bytes   string, bytes
datetime     timestamp, exact to the microsecond
list, dict   array, map; a list directly inside a list is ``{"$list": [...]}``, which Firestore wants
============ ==================================================================================

A name that begins with ``$``, or is reserved at Firestore (``__name__``), gets a ``$`` before it.

Values to write are dicts in the form of the messages, ``{"string_value": "text"}``; what is read are
the messages themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from cloudkit.api.kv import Value

Stored: TypeAlias = Mapping[str, Any]
"""A value in the form of the service: ``{"string_value": "text"}``."""

DECIMAL, LIST = "$decimal", "$list"
MAX_LEVELS: Final = 20
"""How deep Firestore lets arrays and maps be nested in a document."""

MAX_PATH_BYTES: Final = 1500
"""How long the names that lead to a value may be together, with the dots between them."""

_RESERVED_NAME = re.compile(r"\$.*|__.*__", re.DOTALL)
_STORED_NAME = re.compile(r"\$(\$.*|__.*__)", re.DOTALL)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT = Context(prec=200)


def stored_name(name: str) -> str:
    """How a name in a document is stored."""
    return f"${name}" if _RESERVED_NAME.fullmatch(name) else name


def own_name(stored: str) -> str:
    """The name that is stored so."""
    return stored[1:] if _STORED_NAME.fullmatch(stored) else stored


def encode(value: Value) -> Stored:
    """A value, checked before, in the form of the service."""
    if isinstance(value, list):
        return {"array_value": {"values": [_encode_inner(item) for item in value]}}
    if isinstance(value, dict):
        return mapped({stored_name(name): encode(item) for name, item in value.items()})
    if isinstance(value, Decimal):
        return mapped({DECIMAL: {"string_value": decimal_text(value)}})
    if isinstance(value, datetime):
        return {"timestamp_value": timestamp(value)}
    return {_PLAIN[type(value)]: 0 if value is None else value}


_PLAIN: Mapping[type, str] = {
    type(None): "null_value",
    bool: "boolean_value",
    int: "integer_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}


def mapped(fields: Mapping[str, Stored]) -> Stored:
    """Fields as one value."""
    return {"map_value": {"fields": fields}}


def decimal_text(value: Decimal) -> str:
    """The one text that stands for a number, however many zeros end it."""
    return str(value.normalize(_EXACT))


def timestamp(moment: datetime) -> Mapping[str, int]:
    """A moment in the form of the service."""
    since = moment - _EPOCH
    return {"seconds": since // _SECOND, "nanos": since % _SECOND // _MICROSECOND * 1000}


def moment_of(stamp: Any) -> datetime:
    """The moment that a timestamp of the service says, to the microsecond."""
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def decode(raw: Any) -> Value:
    """The value that the service gave. What CloudKit does not write comes as the nearest value.

    A geographical point is a dict with latitude and longitude, a reference the name of its document.
    """
    kind = raw.WhichOneof("value_type")
    if kind == "map_value":
        return _decode_map(raw.map_value.fields)
    if kind == "array_value":
        return [decode(item) for item in raw.array_value.values]
    if kind == "timestamp_value":
        return moment_of(raw.timestamp_value)
    if kind == "geo_point_value":
        point = raw.geo_point_value
        return {"latitude": point.latitude, "longitude": point.longitude}
    return None if kind in {"null_value", None} else getattr(raw, kind)


def levels(stored: Stored) -> int:
    """How deep a value is nested, as Firestore counts: 0 for a plain value."""
    if "map_value" in stored:
        return 1 + max(map(levels, stored["map_value"]["fields"].values()), default=0)
    if "array_value" in stored:
        return 1 + max(map(levels, stored["array_value"]["values"]), default=0)
    return 0


def longest_path(name: str, stored: Stored) -> int:
    """Bytes of the longest way of names to a value in a field."""
    inner = 0
    if "map_value" in stored:
        fields = stored["map_value"]["fields"]
        inner = max((1 + longest_path(key, item) for key, item in fields.items()), default=0)
    elif "array_value" in stored:
        values = stored["array_value"]["values"]
        inner = max((longest_path("", item) for item in values), default=0)
    return len(name.encode()) + inner


def stored_size(stored: Stored) -> int:
    """Bytes of a value as Firestore counts them.

    See https://cloud.google.com/firestore/docs/storage-size
    """
    kind, value = next(iter(stored.items()))
    if kind == "map_value":
        return sum(
            len(name.encode()) + 1 + stored_size(item) for name, item in value["fields"].items()
        )
    if kind == "array_value":
        return sum(map(stored_size, value["values"]))
    if kind == "string_value":
        return len(value.encode()) + 1
    if kind == "bytes_value":
        return len(value)
    return 1 if kind in {"null_value", "boolean_value"} else 8


def _encode_inner(value: Value) -> Stored:
    stored = encode(value)
    return mapped({LIST: stored}) if isinstance(value, list) else stored


def _decode_map(fields: Any) -> Value:
    if len(fields) == 1:
        tagged = _decode_tagged(*next(iter(fields.items())))
        if tagged is not None:
            return tagged
    return {own_name(name): decode(item) for name, item in fields.items()}


def _decode_tagged(name: str, raw: Any) -> Value:
    """The value; None when another program has given the map such a name."""
    kind = raw.WhichOneof("value_type")
    if name == LIST and kind == "array_value":
        return decode(raw)
    if name == DECIMAL and kind == "string_value":
        try:
            return Decimal(raw.string_value)
        except InvalidOperation:
            return None
    return None
