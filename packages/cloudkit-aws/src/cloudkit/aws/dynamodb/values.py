"""Values as DynamoDB keeps them, and back.

============ ==================================================================================
None, bool   NULL, BOOL
int          N
float        N with the type mark ``f``; beyond N's range ``{"$float": "1e+300"}``
Decimal      N with the type mark ``d``
str, bytes   S, B
datetime     ``{"$datetime": "2026-01-01T00:00:00.000000Z"}``: never taken for a text, and in order
list, dict   L, M; a name inside a dict that begins with ``$`` gets another one before it
============ ==================================================================================

Type marks stand beside the document, in an attribute of their own, as a tree with the same names, so
that numbers stay numbers for conditions and for other programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from cloudkit.api.kv import Value
from cloudkit.api.kv.values import utf8_length
from cloudkit.aws.dynamodb.numerals import (
    DECIMAL,
    FLOAT,
    number_mark,
    number_size,
    number_text,
    read_number,
)

Attribute: TypeAlias = Mapping[str, Any]
"""A value in the form of the service: ``{"S": "text"}``."""

Marks: TypeAlias = Mapping[str, Any]
"""Type marks of a value, as an attribute: ``{"S": "f"}``, or an M of those of what it holds."""

DATETIME, FAR_FLOAT = "$datetime", "$float"
TAGS = (DATETIME, FAR_FLOAT)
_ALL_FLOAT, _ALL_DECIMAL = FLOAT.upper(), DECIMAL.upper()  # of all numbers in a list
_SETS = {"SS", "NS", "BS"}


def stored_name(name: str) -> str:
    """How a name inside a dict is stored."""
    return f"${name}" if name.startswith("$") else name


def encode(value: Value) -> tuple[Attribute, Marks | None]:
    """A value, checked before, and its type marks."""
    kind = type(value)
    if kind is str:
        return {"S": value}, None
    if value is None:
        return {"NULL": True}, None
    if kind is bool:
        return {"BOOL": value}, None
    if kind is bytes:
        return {"B": value}, None
    if kind is datetime:
        return {"M": {DATETIME: {"S": datetime_text(value)}}}, None
    if kind is list:
        return _encode_list(value)
    if kind is dict:
        return _encode_dict(value)
    return _encode_number(value)


def decode(attribute: Attribute, marks: Marks | None = None) -> Value:
    """The value of an attribute, also of one that another program wrote.

    Sets, which only other programs write, become lists in order.

    Args:
        attribute: As the service gave it.
        marks: Its type marks; those that do not fit, because another program has changed the
            attribute, are passed over.
    """
    ((kind, raw),) = attribute.items()
    if kind == "N":
        mark = None if marks is None else marks.get("S")
        return read_number(raw, None if mark is None else mark.lower())
    if kind == "L":
        return _decode_list(raw, marks)
    if kind == "M":
        return _decode_dict(raw, marks)
    if kind == "NULL":
        return None
    if kind in _SETS:
        numbers = [read_number(item, None) for item in raw] if kind == "NS" else raw
        return sorted(numbers)
    return raw


def datetime_text(value: datetime) -> str:
    """A moment in UTC; the order of the texts is that of the moments."""
    return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def attribute_size(attribute: Attribute) -> int:
    """Bytes of an attribute's value, as DynamoDB counts them."""
    ((kind, raw),) = attribute.items()
    if kind == "S":
        return utf8_length(raw)
    if kind == "N":
        return number_size(raw)
    if kind == "B":
        return len(raw)
    if kind == "M":
        return 3 + sum(1 + utf8_length(name) + attribute_size(raw[name]) for name in raw)
    if kind == "L":
        return 3 + sum(1 + attribute_size(item) for item in raw)
    if kind in _SETS:
        return sum(attribute_size({kind[0]: item}) for item in raw)
    return 1


def levels(attribute: Attribute) -> int:
    """How deep lists and maps are nested in each other."""
    ((kind, raw),) = attribute.items()
    if kind == "M":
        return 1 + max(map(levels, raw.values()), default=0)
    if kind == "L":
        return 1 + max(map(levels, raw), default=0)
    return 0


def _encode_number(value: float | Decimal) -> tuple[Attribute, Marks | None]:
    text = number_text(value)
    if text is None:
        return {"M": {FAR_FLOAT: {"S": repr(value)}}}, None
    mark = number_mark(value)
    return {"N": text}, None if mark is None else {"S": mark}


def _encode_list(value: list[Value]) -> tuple[Attribute, Marks | None]:
    encoded = [encode(item) for item in value]
    marked = {str(index): marks for index, (_, marks) in enumerate(encoded) if marks is not None}
    attribute = {"L": [item for item, _ in encoded]}
    if not marked:
        return attribute, None
    kinds = {str(marks.get("S")) for marks in marked.values()}
    if len(marked) == len(encoded):
        for mark, all_of in ((FLOAT, _ALL_FLOAT), (DECIMAL, _ALL_DECIMAL)):
            if kinds <= {mark, all_of}:
                return attribute, {"S": all_of}
    return attribute, {"M": marked}


def _encode_dict(value: Mapping[str, Value]) -> tuple[Attribute, Marks | None]:
    attributes: dict[str, Attribute] = {}
    marked: dict[str, Marks] = {}
    for own, item in value.items():
        name = stored_name(own)
        attributes[name], marks = encode(item)
        if marks is not None:
            marked[name] = marks
    return {"M": attributes}, {"M": marked} if marked else None


def _decode_list(raw: list[Attribute], marks: Marks | None) -> list[Value]:
    if marks is None:
        return [decode(item) for item in raw]
    if "S" in marks:
        return [decode(item, marks) for item in raw]
    inner = marks.get("M", {})
    return [decode(item, inner.get(str(index))) for index, item in enumerate(raw)]


def _decode_dict(raw: Mapping[str, Attribute], marks: Marks | None) -> Value:
    if len(raw) == 1:
        tagged = _decode_tagged(*next(iter(raw.items())))
        if tagged is not None:
            return tagged
    inner = {} if marks is None else marks.get("M", {})
    return {
        name[1:] if name.startswith("$$") else name: decode(item, inner.get(name))
        for name, item in raw.items()
    }


def _decode_tagged(name: str, attribute: Attribute) -> Value:
    """The value; None when another program has given the dict such a name."""
    text = attribute.get("S")
    if text is None or name not in TAGS:
        return None
    try:
        return float(text) if name == FAR_FLOAT else _read_datetime(text)
    except ValueError:
        return None


def _read_datetime(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)
