"""Items as feeds: read all, queries, and their plans."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from emulators.cosmos.containers import Container, Item
from emulators.cosmos.errors import CosmosError, errors_of, invalid, unsupported
from emulators.cosmos.parser import parse_query
from emulators.cosmos.partitions import RANGES, Key, Range, key_of_header
from emulators.cosmos.plans import is_simple, not_servable, plan_of
from emulators.cosmos.queries import DEFAULT_PAGE, Row, identity, run
from emulators.cosmos.syntax import Query
from emulators.cosmos.values import UNDEFINED, at, parse
from emulators.web import Request, Response


@dataclass(frozen=True)
class Page:
    """A page of results, and the token for the next."""

    results: list[Any]
    token: str | None = None

    def response(self, owner: str, kind: str) -> Response:
        """The answer.

        Args:
            owner: Resource id of what was asked.
            kind: How the results are called: ``"Documents"``.
        """
        headers = {"x-ms-item-count": str(len(self.results))}
        if self.token:
            headers["x-ms-continuation"] = self.token
        body = {"_rid": owner, kind: self.results, "_count": len(self.results)}
        return Response.of_json(body, headers=headers)


@dataclass(frozen=True)
class Asked:
    """A query as it was sent.

    Attributes:
        query: What is asked.
        name: Its identity.
    """

    query: Query
    name: str

    @classmethod
    def by(cls, request: Request) -> Asked:
        """The query of a request.

        Raises:
            CosmosError: It has none, or a wrong one (400).
        """
        body = parse(request.body)
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise invalid("The query of the request is missing.")
        given = body.get("parameters") or []
        try:
            parameters = {parameter["name"]: parameter["value"] for parameter in given}
        except (KeyError, TypeError) as error:
            raise invalid("A parameter of a query has a name and a value.") from error
        query = parse_query(body["query"], parameters)
        return cls(query, identity(body["query"], given))

    def page(self, rows: list[Row], request: Request) -> Page:
        """A page of what is asked."""
        size = int(request.headers.get("x-ms-max-item-count", -1))
        token = request.headers.get("x-ms-continuation")
        return Page(*run(self.query, rows, self.name, token, DEFAULT_PAGE if size < 1 else size))


_ALL = Asked(Query("root"), identity("", None))


def small_feed(request: Request, resources: list[dict[str, Any]], *, query: bool) -> Page:
    """Databases, containers or offers, or a query of them."""
    rows = [Row(("", number), resource) for number, resource in enumerate(resources)]
    return (Asked.by(request) if query else _ALL).page(rows, request)


def read_items(request: Request, container: Container) -> Page:
    """All items, of one partition or of all of them."""
    if "a-im" in request.headers:
        raise unsupported("the change feed of items")
    return _ALL.page(_Scope(request, container).rows(), request)


def query_items(request: Request, container: Container) -> Page:
    """A query of items.

    Raises:
        CosmosError: 400, also when the client has to carry it out.
    """
    asked = Asked.by(request)
    query = asked.query
    _check_index(query, container)
    scope = _Scope(request, container)
    if scope.is_whole:
        if request.headers.get("x-ms-documentdb-query-enablecrosspartition", "").lower() != "true":
            raise invalid(
                "Cross partition query is required but disabled. Please set "
                "x-ms-documentdb-query-enablecrosspartition to true, specify "
                "x-ms-documentdb-partitionkey, or revise your query to avoid this exception."
            )
        if not is_simple(query):
            raise not_servable(query)
    return asked.page(_sortable(query, container, scope.rows()), request)


def query_plan(request: Request) -> Response:
    """How the client has to carry out a query."""
    return Response.of_json(plan_of(Asked.by(request).query))


class _Scope:
    """The items that a request is about."""

    def __init__(self, request: Request, container: Container) -> None:
        self._container = container
        header = request.headers.get("x-ms-documentdb-partitionkey")
        count = len(container.paths)
        self._key: Key | None = None if header is None else key_of_header(header, count)
        self._partition = self._range(request.headers.get("x-ms-documentdb-partitionkeyrangeid"))
        self._low = request.headers.get("x-ms-start-epk")
        self._high = request.headers.get("x-ms-end-epk")

    @property
    def is_whole(self) -> bool:
        """Whether it crosses partitions."""
        return self._key is None and self._partition is None

    def rows(self) -> list[Row]:
        return [
            Row((item.partition.id, item.number), item.body)
            for key, item in self._container.alive()
            if self._key in {None, key} and self._holds(item)
        ]

    def _holds(self, item: Item) -> bool:
        if self._partition is not None and item.partition != self._partition:
            return False
        if self._low is None or self._high is None:
            return True
        return self._low <= item.hashed < self._high

    def _range(self, name: str | None) -> Range | None:
        if name is None:
            return None
        found = next((part for part in RANGES if part.id == name.split(",")[-1]), None)
        if found is None:
            raise CosmosError(410, "The partition key range is gone.", 1002)
        return found


def _check_index(query: Query, container: Container) -> None:
    """Refuse to sort by several paths without the index for it."""
    if len(query.order) < 2:
        return
    wanted = [(_path(order.path.steps), order.descending) for order in query.order]
    for index in container.properties["indexingPolicy"].get("compositeIndexes", []):
        paths = [(part["path"], part.get("order") == "descending") for part in index]
        if wanted in (paths, [(path, not descending) for path, descending in paths]):
            return
    raise invalid(
        errors_of(
            "The order by query does not have a corresponding composite index that it can be "
            "served from."
        )
    )


def _sortable(query: Query, container: Container, rows: list[Row]) -> list[Row]:
    """Without the items that an index of everything does not list under a path they lack."""
    named = [path["path"] for path in container.properties["indexingPolicy"]["includedPaths"]]
    for order in query.order if len(query.order) == 1 else ():
        path = _path(order.path.steps)
        if f"{path}/?" not in named and f"{path}/*" not in named:
            rows = [row for row in rows if at(row.item, order.path.steps) is not UNDEFINED]
    return rows


def _path(steps: tuple[str | int, ...]) -> str:
    plain = (str(step) for step in steps)
    return "".join(f"/{step}" if step.isidentifier() else f"/{json.dumps(step)}" for step in plain)
