"""Queries: prepared or not, in pages."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.nosql.ddl import Definition
from emulators.oracle.nosql.rows import read_factor
from emulators.oracle.nosql.sql import Query, complex_query, parsed
from emulators.oracle.nosql.store import Key, Row, Store, Table
from emulators.oracle.nosql.units import units
from emulators.oracle.routing import Call, Route, integer, route
from emulators.web import Response

PREPARATION = 2
"""Units for understanding a statement."""

MAX_READ_KB = 2048
MAX_PAGE = 1000
_MARK = b"prepared:"
_FIELDS = {
    *("compartmentId", "statement", "isPrepared", "consistency", "maxReadInKBs", "variables"),
    "timeoutInMs",
}


class Queries:
    """Operations on statements."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("POST", "/query", self._query),
            route("GET", "/query/prepare", self._prepare),
            route("GET", "/query/summarize", self._summarize),
        ]

    def _prepare(self, call: Call) -> Response:
        query, statement = self._asked(call)
        self._store.usable(query.table, call.request.param("compartmentId"))
        prepared = base64.b64encode(_MARK + statement.encode()).decode()
        usage = {"readUnitsConsumed": PREPARATION, "writeUnitsConsumed": 0}
        return Response.of_json({"statement": prepared, "queryPlan": None, "usage": usage})

    def _summarize(self, call: Call) -> Response:
        try:
            query, _ = self._asked(call)
        except OracleError as error:
            return Response.of_json({"syntaxError": error.message})
        return Response.of_json({"operation": "SELECT", "tableName": query.table})

    def _asked(self, call: Call) -> tuple[Query, str]:
        statement = call.request.param("statement")
        if not statement or not call.request.param("compartmentId"):
            raise invalid("statement and compartmentId must be given")
        return parsed(statement), statement

    def _query(self, call: Call) -> Response:
        details = object_body(call.request)
        if unknown := set(details) - _FIELDS:
            raise invalid(f"Unexpected fields {sorted(unknown)}")
        statement, compartment = details.get("statement"), details.get("compartmentId")
        if not isinstance(statement, str) or not isinstance(compartment, str):
            raise invalid("statement and compartmentId must not be null")
        if details.get("isPrepared"):
            statement = _unprepared(statement)
        query = parsed(statement)
        table = self._store.usable(query.table, compartment)
        given = details.get("variables") or {}
        values = query.bound(given if isinstance(given, dict) else {})
        _check(query, table.definition)
        table.admit(write=False)
        limit = integer(call.request, "limit", 1, MAX_PAGE, MAX_PAGE)
        most = details.get("maxReadInKBs") or MAX_READ_KB
        factor = read_factor(details.get("consistency"))
        digest = hashlib.sha256(statement.encode()).hexdigest()[:16]
        after = _read_token(call.request.param("page"), digest)
        rows = _ordered(table, query, after)
        found, last, read = _matching(rows, query, values, limit, int(str(most)) // factor)
        cost = read * factor + (0 if details.get("isPrepared") else PREPARATION)
        headers = {} if last is None else {"opc-next-page": _token(last, digest)}
        return Response.of_json({"items": found, "usage": table.charge(read=cost)}, headers=headers)


def _check(query: Query, definition: Definition) -> None:
    """The service can answer the query by itself."""
    for term in query.terms:
        if definition.column(term.path[0]) is None:
            raise invalid(f"Error: table {definition.name} has no field {term.path[0]}")
    if not query.order:
        return
    bound = {term.path[0].lower() for term in query.terms if term.sign == "="}
    one_shard = {name.lower() for name in definition.shard} <= bound
    ordered = [column.lower() for column, _ in query.order]
    by_key = ordered == [name.lower() for name in definition.primary[: len(ordered)]]
    if not one_shard or not by_key or len({descending for _, descending in query.order}) > 1:
        raise complex_query()


def _ordered(table: Table, query: Query, after: Key | None) -> list[tuple[Key, Row]]:
    """The rows in the order of the query, behind one of them; of shards in no order."""
    descending = any(way for _, way in query.order)
    shards = len(table.definition.shard)

    def place(key: Key) -> tuple[Any, ...]:
        if query.order:
            return key
        return (hashlib.sha256(repr(key[:shards]).encode()).digest(), key)

    keys = [key for key in list(table.rows) if table.row(key) is not None]
    keys.sort(key=place, reverse=descending)
    if after is not None:
        there = place(after)
        keys = [key for key in keys if (place(key) < there if descending else place(key) > there)]
    return [(key, table.rows[key]) for key in keys]


def _matching(
    rows: list[tuple[Key, Row]], query: Query, values: Mapping[str, Any], limit: int, most: int
) -> tuple[list[dict[str, Any]], Key | None, int]:
    """What is found, where the page ends if not with the table, and units that were read."""
    found: list[dict[str, Any]] = []
    read = 0
    for index, (key, row) in enumerate(rows):
        keys_hold = all(
            term.holds(row.value, values) for term in query.terms if len(term.path) == 1
        )
        if not keys_hold:
            continue
        read += units(row.size)
        if all(term.holds(row.value, values) for term in query.terms):
            found.append(row.value)
        if (len(found) == limit or read >= most) and index + 1 < len(rows):
            return found, key, read
    return found, None, max(1, read)


def _unprepared(statement: str) -> str:
    try:
        decoded = base64.b64decode(statement, validate=True)
    except ValueError:
        decoded = b""
    if not decoded.startswith(_MARK):
        raise invalid("Invalid serialized prepared statement")
    return decoded.removeprefix(_MARK).decode()


def _token(last: Key, digest: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([digest, *last]).encode()).decode()


def _read_token(token: str | None, digest: str) -> Key | None:
    if token is None:
        return None
    try:
        of, *last = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("page is not valid") from None
    if of != digest:
        raise invalid("page is of another query")
    return tuple(last)
