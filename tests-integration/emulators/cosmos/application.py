"""The routes of Cosmos DB."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any
from urllib.parse import quote

from emulators.cosmos.account import Account
from emulators.cosmos.batches import run_batch
from emulators.cosmos.containers import Container
from emulators.cosmos.errors import CosmosError, invalid, no_owner, too_large
from emulators.cosmos.faults import Faults
from emulators.cosmos.feeds import Page, query_items, query_plan, read_items, small_feed
from emulators.cosmos.items import MAX_ITEM_BYTES, Conditions, Items, Outcome
from emulators.cosmos.partitions import RANGES, Key, effective, key_of_header
from emulators.cosmos.signatures import check_signature
from emulators.cosmos.values import parse
from emulators.web import Request, Response, segment

_KINDS = ("dbs", "colls", "docs")


class Cosmos:
    """An account, as an application for the server.

    Args:
        key: Its primary key, in base64.
        token: One of Microsoft Entra ID that is valid for its data.
    """

    def __init__(self, key: str, token: str) -> None:
        self._key = key
        self._token = token
        self._account = Account()
        self._faults = Faults()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        if request.path == "/_double/faults":
            return self._faults.plan(request.json())
        headers = {
            "x-ms-activity-id": request.headers.get("x-ms-activity-id") or str(uuid.uuid4()),
            "x-ms-request-charge": "1.0",
            "x-ms-gatewayversion": "version=2.14.0",
            "x-ms-serviceversion": "version=2.14.0.0",
        }
        try:
            with self._lock:
                response = self._answer(request)
        except CosmosError as error:
            return error.response(headers)
        return Response(response.status, response.body, {**headers, **response.headers})

    def _answer(self, request: Request) -> Response:
        check_signature(request, self._key, self._token)
        parts = [segment(part) for part in request.path.strip("/").split("/") if part]
        if not parts:
            return Response.of_json(self._account.description(request.base_url))
        if parts[0] == "offers":
            return self._offers(request, parts[1:])
        kinds, names = parts[::2], parts[1::2]
        if kinds[-1] == "pkranges" and len(parts) == 5:
            return _ranges(request, self._account.container(names[0], names[1]))
        if tuple(kinds) != _KINDS[: len(kinds)]:
            raise CosmosError(404, f"The double of Cosmos DB does not know {request.path}.")
        if len(kinds) == 1:
            return self._databases(request, names)
        if len(kinds) == 2:
            return self._containers(request, names)
        return self._faults.meet(lambda: self._items(request, names))

    def _offers(self, request: Request, names: list[str]) -> Response:
        if names and request.method == "PUT":
            return Response.of_json(self._account.replace_offer(names[0], _object(request)))
        if names:
            raise _not_allowed(request)
        offers = list(self._account.offers.values())
        return small_feed(request, offers, query=request.method == "POST").response("", "Offers")

    def _databases(self, request: Request, names: list[str]) -> Response:
        account = self._account
        if names and request.method == "DELETE":
            account.delete_database(names[0])
            return Response(204)
        if names and request.method == "GET":
            return _resource(account.database(names[0]).properties)
        if not names and request.method == "POST" and not _is_query(request):
            throughput = request.headers.get("x-ms-offer-throughput")
            return _resource(account.create_database(_object(request), throughput).properties, 201)
        if names or request.method not in {"GET", "POST"}:
            raise _not_allowed(request)
        found = [database.properties for database in account.databases.values()]
        return small_feed(request, found, query=_is_query(request)).response("", "Databases")

    def _containers(self, request: Request, names: list[str]) -> Response:
        account = self._account
        if len(names) == 2:
            return self._container(request, names[0], names[1])
        if request.method == "POST" and not _is_query(request):
            throughput = request.headers.get("x-ms-offer-throughput")
            made = account.create_container(names[0], _object(request), throughput)
            return _resource(made.properties, 201)
        if request.method not in {"GET", "POST"}:
            raise _not_allowed(request)
        if names[0] not in account.databases:
            raise no_owner()
        database = account.databases[names[0]]
        found = [container.properties for container in database.containers.values()]
        page = small_feed(request, found, query=_is_query(request))
        return page.response(database.properties["_rid"], "DocumentCollections")

    def _container(self, request: Request, database: str, name: str) -> Response:
        container = self._account.container(database, name)
        if request.method == "DELETE":
            self._account.delete_container(database, name)
            return Response(204)
        if request.method == "PUT":
            self._account.replace_container(container, _object(request))
        elif request.method != "GET":
            raise _not_allowed(request)
        return _resource(container.properties)

    def _items(self, request: Request, names: list[str]) -> Response:
        container = self._owner(request, names)
        if len(names) == 3:
            key = _key(request, container)
            response = _answered(request, _point(request, Items(container, key), names[2]))
            return _with(request, response, container)
        if request.method == "POST" and not _is_feed(request):
            return _with(request, _written(request, container), container)
        if request.headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true":
            return query_plan(request)
        if request.method not in {"GET", "POST"}:
            raise _not_allowed(request)
        page = query_items if request.method == "POST" else read_items
        found: Page = page(request, container)
        response = found.response(container.properties["_rid"], "Documents")
        return _with(request, response, container)

    def _owner(self, request: Request, names: list[str]) -> Container:
        try:
            container = self._account.container(names[0], names[1])
        except CosmosError as error:
            raise no_owner() from error
        intended = request.headers.get("x-ms-cosmos-intended-collection-rid")
        if intended not in {None, container.properties["_rid"]}:
            raise invalid("Collection rid in the request does not match.", 1024)
        return container


def _written(request: Request, container: Container) -> Response:
    """Create, upsert, or a batch."""
    if len(request.body) > MAX_ITEM_BYTES:
        raise too_large()
    key, body = _key(request, container), parse(request.body)
    if request.headers.get("x-ms-cosmos-is-batch-request", "").lower() == "true":
        done, results = run_batch(container, key, body)
        return Response.of_json(results, 200 if done else 207)
    items = Items(container, key)
    if request.headers.get("x-ms-documentdb-is-upsert", "").lower() == "true":
        return _answered(request, items.upsert(body, _conditions(request)))
    return _answered(request, items.create(body))


def _point(request: Request, items: Items, name: str) -> Outcome:
    if len(request.body) > MAX_ITEM_BYTES:
        raise too_large()
    conditions = _conditions(request)
    if request.method == "GET":
        return items.read(name, conditions)
    if request.method == "DELETE":
        return items.delete(name, conditions)
    if request.method == "PUT":
        return items.replace(name, parse(request.body), conditions)
    if request.method == "PATCH":
        return items.patch(name, parse(request.body), conditions)
    raise _not_allowed(request)


def _answered(request: Request, outcome: Outcome) -> Response:
    if outcome.item is None:
        return Response(outcome.status)
    headers = {"etag": outcome.item.body["_etag"]}
    minimal = request.method != "GET" and request.headers.get("prefer") == "return=minimal"
    if outcome.status == 304 or minimal:
        return Response(outcome.status, headers=headers)
    return Response.of_json(outcome.item.body, outcome.status, headers)


def _with(request: Request, response: Response, container: Container) -> Response:
    """The answer with what those about items have: the session tokens of the partitions met."""
    writes = container.writes
    header = request.headers.get("x-ms-documentdb-partitionkey")
    own: dict[str, str] = {}
    if header is not None:
        hashed = effective(key_of_header(header, len(container.paths)))
        met = next(part.id for part in RANGES if part.holds(hashed))
        writes = {met: writes[met]}
        own["x-ms-documentdb-partitionkeyrangeid"] = met
    own |= {
        "x-ms-alt-content-path": quote("/".join(request.path.strip("/").split("/")[:4]), safe="/%"),
        "x-ms-session-token": ",".join(f"{part}:-1#{count}" for part, count in writes.items()),
        "lsn": str(sum(writes.values())),
    }
    return Response(response.status, response.body, {**own, **response.headers})


def _key(request: Request, container: Container) -> Key:
    header = request.headers.get("x-ms-documentdb-partitionkey")
    if header is None:
        raise invalid("PartitionKey value must be supplied for this operation.")
    return key_of_header(header, len(container.paths))


def _conditions(request: Request) -> Conditions:
    return Conditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _is_query(request: Request) -> bool:
    return request.headers.get("x-ms-documentdb-isquery", "").lower() == "true"


def _is_feed(request: Request) -> bool:
    plan = request.headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true"
    return plan or _is_query(request)


def _object(request: Request) -> dict[str, Any]:
    body = parse(request.body)
    if not isinstance(body, dict):
        raise invalid("The input content is invalid: a resource is a JSON object.")
    return body


def _resource(properties: dict[str, Any], status: int = 200) -> Response:
    return Response.of_json(properties, status, {"etag": properties["_etag"]})


def _ranges(request: Request, container: Container) -> Response:
    etag = f'"{len(RANGES)}"'
    if request.headers.get("if-none-match") == etag:
        return Response(304, headers={"etag": etag})
    rid, link = container.properties["_rid"], container.properties["_self"]
    ranges = [
        {
            "_rid": f"{rid}{part.id}",
            "id": part.id,
            "_etag": etag,
            "minInclusive": part.low,
            "maxExclusive": part.high,
            "ridPrefix": int(part.id),
            "_self": f"{link}pkranges/{part.id}/",
            "throughputFraction": 1 / len(RANGES),
            "status": "online",
            "parents": [],
            "_ts": int(time.time()),
        }
        for part in RANGES
    ]
    body = {"_rid": rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}
    return Response.of_json(body, headers={"etag": etag})


def _not_allowed(request: Request) -> CosmosError:
    return CosmosError(405, f"{request.method} is not allowed here.")
