"""Tables: created, described, listed, changed, deleted. All but asking is work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.nosql.ddl import Definition, altered, created
from emulators.oracle.nosql.store import Store, Table, moment
from emulators.oracle.pages import page
from emulators.oracle.queue.works import Works
from emulators.oracle.routing import Call, Route, route
from emulators.web import Response

MAX_TABLES = 30
MAX_ON_DEMAND_TABLES = 3
LIMITS = {"maxReadUnits": 40_000, "maxWriteUnits": 20_000, "maxStorageInGBs": 5_000}


class Tables:
    """Operations on tables."""

    def __init__(self, store: Store, works: Works) -> None:
        self._store = store
        self._works = works
        self.routes: list[Route] = [
            route("GET", "/tables", self._list),
            route("POST", "/tables", self._create),
            route("GET", "/tables/{tableNameOrId}", self._get),
            route("PUT", "/tables/{tableNameOrId}", self._update),
            route("DELETE", "/tables/{tableNameOrId}", self._delete),
            route("GET", "/tables/{tableNameOrId}/usage", self._usage),
        ]

    def _list(self, call: Call) -> Response:
        request = call.request
        compartment = request.param("compartmentId")
        if not compartment:
            raise invalid("compartmentId must be given")
        found = [table.summary for table in self._store.live(compartment)]
        pattern, state = request.param("name"), request.param("lifecycleState")
        if pattern:
            head, star, tail = pattern.lower().partition("*")
            found = [each for each in found if _fits(each["name"].lower(), head, star, tail)]
        if state:
            found = [each for each in found if each["lifecycleState"] == state]
        key = request.param("sortBy") or "timeCreated"
        if key not in {"timeCreated", "name"}:
            raise invalid("sortBy must be timeCreated or name")
        found.sort(key=lambda each: each[key].lower())
        if request.param("sortOrder") == "DESC":
            found.reverse()
        shown, headers = page(request, found)
        return Response.of_json({"items": list(shown)}, headers=headers)

    def _create(self, call: Call) -> Response:
        details = object_body(call.request)
        for name in ("name", "compartmentId", "ddlStatement", "tableLimits"):
            if not details.get(name):
                raise invalid(f"{name} must not be null")
        definition = created(str(details["ddlStatement"]))
        if definition.name.lower() != str(details["name"]).lower():
            raise invalid("The table name in the statement is another than that in the request")
        limits = _limits(details["tableLimits"])
        compartment = str(details["compartmentId"])
        existing = self._store.named(definition.name, compartment)
        if existing is not None and not definition.if_absent:
            raise OracleError(409, "TableAlreadyExists", f"Table {definition.name} already exists")
        self._check_room(compartment, limits)
        ddl, tags = str(details["ddlStatement"]), details.get("freeformTags") or {}
        table = existing or self._store.add(compartment, definition, ddl, tags)
        if existing is None:
            table.limit(limits)
        return self._start("CREATE_TABLE", table, lambda: table.become("ACTIVE"))

    def _get(self, call: Call, name: str) -> Response:
        table = self._store.find(name, call.request.param("compartmentId"))
        return Response.of_json(table.description, headers={"ETag": table.etag})

    def _update(self, call: Call, name: str) -> Response:
        details = object_body(call.request)
        table = self._active(call, name, _text(details.get("compartmentId")))
        given = [each for each in ("ddlStatement", "tableLimits") if details.get(each)]
        if len(given) != 1:
            raise invalid("One of ddlStatement and tableLimits must be given")
        changed: Definition | None = None
        limits: Mapping[str, Any] | None = None
        if given == ["ddlStatement"]:
            changed = altered(str(details["ddlStatement"]), table.definition)
        else:
            limits = _limits(details["tableLimits"])

        def finish() -> None:
            if changed is not None:
                table.definition = changed
            if limits is not None:
                table.limit(limits)
            table.become("ACTIVE")

        table.become("UPDATING")
        return self._start("UPDATE_TABLE", table, finish)

    def _delete(self, call: Call, name: str) -> Response:
        table = self._active(call, name, call.request.param("compartmentId"))

        def finish() -> None:
            table.rows.clear()
            table.become("DELETED")

        table.become("DELETING")
        return self._start("DELETE_TABLE", table, finish)

    def _usage(self, call: Call, name: str) -> Response:
        table = self._store.find(name, call.request.param("compartmentId"))
        read, write, slow_reads, slow_writes = table.usage
        size = sum(row.size for row in table.rows.values())
        entry = {
            "secondsInPeriod": 60,
            "readUnits": read,
            "writeUnits": write,
            "storageInGBs": size // 1024**3,
            "readThrottleCount": slow_reads,
            "writeThrottleCount": slow_writes,
            "storageThrottleCount": 0,
            "timeStarted": moment(table.created),
        }
        return Response.of_json({"items": [entry]})

    def _active(self, call: Call, name: str, compartment: str | None) -> Table:
        table = self._store.find(name, compartment)
        wanted = call.request.headers.get("if-match")
        if wanted is not None and wanted != table.etag:
            raise OracleError(412, "ETagMismatch", "The ETag does not match")
        if table.state != "ACTIVE":
            raise OracleError(409, "IncorrectState", f"The table is {table.state}")
        return table

    def _check_room(self, compartment: str, limits: Mapping[str, Any]) -> None:
        tables = self._store.live(compartment)
        if len(tables) >= MAX_TABLES:
            raise OracleError(400, "TableLimitExceeded", f"There are {MAX_TABLES} tables already")
        if limits["capacityMode"] == "ON_DEMAND":
            on_demand = [table for table in tables if table.limits["capacityMode"] == "ON_DEMAND"]
            if len(on_demand) >= MAX_ON_DEMAND_TABLES:
                raise OracleError(400, "TableLimitExceeded", "Too many tables are on demand")

    def _start(self, kind: str, table: Table, finish: Callable[[], None]) -> Response:
        return self._works.start(kind, table.id, table.compartment, finish)


def _limits(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise invalid("tableLimits must be an object")
    mode = given.get("capacityMode") or "PROVISIONED"
    if mode not in {"PROVISIONED", "ON_DEMAND"}:
        raise invalid(f"{mode} is no capacity mode")
    limits = {"capacityMode": mode}
    for name, most in LIMITS.items():
        value = given.get(name) or 0
        wanted = name == "maxStorageInGBs" or mode == "PROVISIONED"
        if not isinstance(value, int) or value > most or wanted != (value > 0):
            raise invalid(f"TableLimits: {name} is {value}")
        limits[name] = value
    return limits


def _fits(name: str, head: str, star: str, tail: str) -> bool:
    if not star:
        return name == head
    return name.startswith(head) and name.endswith(tail)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
