"""Single rows: got, put, deleted."""

from __future__ import annotations

import json
from typing import Any

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.nosql.ddl import Definition
from emulators.oracle.nosql.store import Key, Row, Store, Table, end_of, moment
from emulators.oracle.nosql.units import units
from emulators.oracle.routing import Call, Route, route
from emulators.web import Request, Response

MAX_KEY_BYTES = 64
MAX_ROW_BYTES = 512 * 1024
_FIELDS = {
    *("compartmentId", "value", "option", "isGetReturnRow", "timeoutInMs", "ttl"),
    *("isTtlUseTableDefault", "identityCacheSize", "isExactMatch"),
}
_PYTHON: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "INTEGER": (int,),
    "LONG": (int,),
    "DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "JSON": (str, int, float, bool, list, dict),
}


class Rows:
    """Operations on rows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        path = "/tables/{tableNameOrId}/rows"
        self.routes: list[Route] = [
            route("GET", path, self._get),
            route("PUT", path, self._put),
            route("DELETE", path, self._delete),
        ]

    def _get(self, call: Call, name: str) -> Response:
        table = self._store.usable(name, call.request.param("compartmentId"))
        key = _key(table.definition, call.request)
        table.admit(write=False)
        row = table.row(key)
        cost = units(row.size if row else 0) * read_factor(call.request.param("consistency"))
        answer = {
            "value": None if row is None else row.value,
            "timeOfExpiration": moment(row.expires) if row and row.expires else None,
            "usage": table.charge(read=cost),
        }
        return Response.of_json(answer, headers={} if row is None else {"ETag": row.version})

    def _put(self, call: Call, name: str) -> Response:
        details = object_body(call.request)
        if unknown := set(details) - _FIELDS:
            raise invalid(f"Unexpected fields {sorted(unknown)}")
        table = self._store.usable(name, _text(details.get("compartmentId")))
        value = _value(table.definition, details)
        key = tuple(value[column] for column in table.definition.primary)
        _check_sizes(table.definition, value)
        table.admit(write=True)
        existing = table.row(key)
        wanted = call.request.headers.get("if-match")
        if wanted is not None and (existing is None or existing.version != wanted):
            raise _mismatch()
        option = details.get("option")
        if option not in {None, "IF_ABSENT", "IF_PRESENT"}:
            raise invalid(f"{option} is no option")
        failing = "IF_ABSENT" if existing else "IF_PRESENT"
        if wanted is None and option == failing:
            return _refused(table, existing, bool(details.get("isGetReturnRow")), option)
        row = Row(value, _expiry(table, existing, details))
        table.rows[key] = row
        cost = units(row.size) + (units(existing.size) if existing else 0)
        answer = {"version": row.version, "usage": table.charge(write=cost)}
        return Response.of_json(answer, headers={"ETag": row.version})

    def _delete(self, call: Call, name: str) -> Response:
        table = self._store.usable(name, call.request.param("compartmentId"))
        key = _key(table.definition, call.request)
        table.admit(write=True)
        existing = table.row(key)
        wanted = call.request.headers.get("if-match")
        if wanted is not None and (existing is None or existing.version != wanted):
            raise _mismatch()
        if existing is not None:
            del table.rows[key]
        cost = units(existing.size) if existing else 0
        usage = table.charge(read=1, write=cost)
        return Response.of_json({"isSuccess": existing is not None, "usage": usage})


def read_factor(consistency: object) -> int:
    """Units for what one unit is enough to read where old values will do."""
    if consistency not in {None, "EVENTUAL", "ABSOLUTE"}:
        raise invalid(f"{consistency} is no consistency")
    return 2 if consistency == "ABSOLUTE" else 1


def _refused(table: Table, existing: Row | None, shown: bool, option: object) -> Response:
    answer: dict[str, Any] = {"version": None, "usage": table.charge(read=1)}
    if existing is not None and shown and option == "IF_ABSENT":
        answer |= {"existingVersion": existing.version, "existingValue": existing.value}
    return Response.of_json(answer)


def _expiry(table: Table, existing: Row | None, details: Any) -> float | None:
    """When a row is to end. Where nothing is asked for, one that is there keeps its end."""
    ttl = details.get("ttl") or 0
    if not isinstance(ttl, int) or ttl < 0:
        raise invalid("ttl must not be negative")
    default = table.definition.ttl
    if details.get("isTtlUseTableDefault"):
        ttl = default
    if ttl:
        return end_of(ttl)
    if existing is not None:
        return existing.expires
    return end_of(default) if default else None


def _value(definition: Definition, details: Any) -> dict[str, Any]:
    """A row's value by the columns' own names; what is missing is null."""
    given = details.get("value")
    if not isinstance(given, dict) or not given:
        raise invalid("value must not be empty")
    value = dict.fromkeys(definition.columns)
    for name, each in given.items():
        column = definition.column(name)
        if column is None:
            if details.get("isExactMatch"):
                raise invalid(f"{name} is no field of the table")
            continue
        kind = definition.columns[column]
        if each is not None and not isinstance(each, _PYTHON[kind]):
            raise invalid(f"Invalid value for the {kind} {column}")
        value[column] = each
    for column in definition.primary:
        if value[column] is None:
            raise invalid(f"Primary key field is missing: {column}")
    return value


def _key(definition: Definition, request: Request) -> Key:
    """The key of a query: ``key=column:value`` for each column."""
    given: dict[str, str] = {}
    for name, pair in request.query:
        if name == "key":
            column, colon, value = pair.partition(":")
            own = definition.column(column)
            if not colon or own not in definition.primary:
                raise invalid(f"Invalid key: {pair}")
            given[own] = value
    if set(given) != set(definition.primary):
        raise invalid("The primary key is not complete")
    return tuple(_typed(definition.columns[name], given[name]) for name in definition.primary)


def _typed(kind: str, value: str) -> Any:
    try:
        return value if kind == "STRING" else int(value)
    except ValueError:
        raise invalid(f"{value!r} is no {kind}") from None


def _check_sizes(definition: Definition, value: dict[str, Any]) -> None:
    key = sum(len(str(value[column]).encode()) for column in definition.primary)
    if key > MAX_KEY_BYTES:
        raise OracleError(
            400,
            "KeySizeLimitExceeded",
            f"Primary key of {key} exceeded the limit of {MAX_KEY_BYTES}",
        )
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_ROW_BYTES:
        raise OracleError(
            400, "RowSizeLimitExceeded", f"Row size of {size} exceeded the limit of {MAX_ROW_BYTES}"
        )


def _mismatch() -> OracleError:
    return OracleError(
        412,
        "ETagMismatch",
        "The version does not match the existing row or the row is not present.",
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
