"""The part of a filter that Firestore is asked to see to, in scans.

Only what its automatic indexes of single fields answer is asked for: equality. It finds too much
rather than too little, and what it finds is looked at again. Ranges are not asked for: they would
miss numbers that are Decimals, and order the documents otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cloudkit.api.kv import Value
from cloudkit.api.kv.conditions import And, Compare, Condition, In
from cloudkit.api.kv.paths import Path
from cloudkit.gcp.firestore.changes import field_path
from cloudkit.gcp.firestore.values import MAX_PATH_BYTES, Stored, encode

MAX_ALTERNATIVES: Final = 30
"""Most combinations of values in one query: https://cloud.google.com/firestore/docs/query-data/queries"""

_INDEXED_BYTES: Final = 1500
"""Longer values are cut off in an index."""

_EXACT_INT: Final = 2**53


def equality_filter(condition: Condition | None) -> Mapping[str, Any] | None:
    """A filter for the field ``where`` of a query; None when the service can be asked for nothing.

    Args:
        condition: What documents are to meet.
    """
    filters = []
    combinations = 1
    for path, values in _equalities(condition):
        alternatives = _alternatives(values)
        name = field_path(path)
        combinations *= max(1, len(alternatives))
        if combinations > MAX_ALTERNATIVES:
            break
        if alternatives and len(name.encode()) <= MAX_PATH_BYTES:
            filters.append({"field_filter": _among(name, alternatives)})
    if len(filters) > 1:
        return {"composite_filter": {"op": "AND", "filters": filters}}
    return filters[0] if filters else None


def _equalities(condition: Condition | None) -> Iterator[tuple[Path, Sequence[Value]]]:
    """Paths of which a document that meets the condition has one of some values."""
    if isinstance(condition, And):
        yield from _equalities(condition.left)
        yield from _equalities(condition.right)
    elif isinstance(condition, Compare) and condition.operator == "=":
        yield condition.path, (condition.value,)
    elif isinstance(condition, In):
        yield condition.path, condition.values


def _alternatives(values: Sequence[Value]) -> list[Stored]:
    """All forms in which the values can be stored; none when that is not sure of one of them."""
    result: list[Stored] = []
    for value in values:
        forms = _forms(value)
        if not forms:
            return []
        result += (form for form in forms if form not in result)
    return result


def _forms(value: Value) -> list[Stored]:
    if isinstance(value, (bool, datetime)):
        return [encode(value)]
    if isinstance(value, str):
        return [encode(value)] if len(value.encode()) <= _INDEXED_BYTES else []
    if isinstance(value, bytes):
        return [encode(value)] if len(value) <= _INDEXED_BYTES else []
    if isinstance(value, (int, float)) and 0 < abs(value) <= _EXACT_INT:
        return [encode(value), encode(Decimal(value))]
    return []


def _among(name: str, alternatives: Sequence[Stored]) -> Mapping[str, Any]:
    field = {"field_path": name}
    if len(alternatives) == 1:
        return {"field": field, "op": "EQUAL", "value": alternatives[0]}
    return {"field": field, "op": "IN", "value": {"array_value": {"values": alternatives}}}
