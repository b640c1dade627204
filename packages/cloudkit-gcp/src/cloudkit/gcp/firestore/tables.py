"""Tables: collections whose schema stands in a document of its own.

Firestore makes a collection with its first document and drops it with its last one, and knows no
schema. So a document in ``_cloudkit_tables`` says that there is a table, and what its keys are called.
It is read when a table is first used, and again after ``REMEMBERED`` seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cloudkit.api.kv import TableInfo
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.common import AlreadyExistsError, NotFoundError, ValidationError
from cloudkit.core.schemas import SchemaCache
from cloudkit.core.writes import with_facts
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import code_of, translate
from cloudkit.gcp.firestore.items import document_id
from cloudkit.gcp.firestore.keys import TABLES, Schema

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient

REMEMBERED: Final = 30.0
"""Seconds for which a schema is believed without another look."""

DELETED_AT_ONCE: Final = 500
_NO_DATABASE = "does not exist for project"
_LISTING = ("tables",)
_PARTITION, _SORT = "partition_key", "sort_key"


class Tables(SchemaCache[Schema]):
    """The tables of one client.

    Args:
        clients: Calls the service.
    """

    def __init__(self, clients: GcpClients) -> None:
        super().__init__(REMEMBERED)
        self._clients = clients

    async def create(self, info: TableInfo) -> None:
        """Create a table.

        Raises:
            AlreadyExistsError: There is one of this name.
        """
        await self._clients.run("firestore", _create, info)
        self.remember(info.name, Schema(info))

    async def delete(self, table: str) -> None:
        """Delete a table's documents and then the table, so that what fails midway can be repeated.

        Raises:
            NotFoundError: There is no such table.
        """
        await self.look_up(table)
        while await self._clients.run("firestore", _delete_some, table):
            pass
        self.forget(table)
        await self._clients.run("firestore", _forget, table)

    async def page(self, size: int, token: str | None) -> Page[TableInfo]:
        """One page of the tables, by name.

        Args:
            size: Most tables in it.
            token: Of the page before; None to begin.

        Raises:
            ValidationError: The token is not of this listing.
        """
        after = None if token is None else read_token(token, _LISTING)[0]
        found = await self._clients.run("firestore", _list, size, after)
        full = len(found) == size
        return Page(found, make_token(_LISTING, (found[-1].name,)) if full else None)

    async def _find(self, table: str) -> Schema:
        return Schema(await self._clients.run("firestore", _describe, table))

    def _is_doubtful(self, error: Exception) -> bool:
        return isinstance(error, ValidationError)


def by_name(client: FirestoreClient, collection: str, after: str | None) -> Mapping[str, Any]:
    """The part of a query that orders by the ids.

    Args:
        client: Knows the names.
        collection: What is listed.
        after: The id after which it begins; None for all.
    """
    order: dict[str, Any] = {
        "order_by": [{"field": {"field_path": "__name__"}, "direction": "ASCENDING"}]
    }
    if after is not None:
        last = {"reference_value": client.name(collection, after)}
        order["start_at"] = {"values": [last], "before": False}
    return order


def _describe(client: FirestoreClient, table: str) -> TableInfo:
    try:
        return _info(client.get(client.name(TABLES, table)))
    except Exception as error:
        # It says the same code of a database that nobody has made; that is not about a table.
        if code_of(error) != "NOT_FOUND" or _NO_DATABASE in str(error):
            raise
        raise with_facts(NotFoundError(f"there is no table {table!r}"), translate(error)) from error


def _create(client: FirestoreClient, info: TableInfo) -> None:
    names = {_PARTITION: info.partition_key, _SORT: info.sort_key}
    fields = {key: {"string_value": name} for key, name in names.items() if name is not None}
    document = {"name": client.name(TABLES, info.name), "fields": fields}
    try:
        client.commit([{"update": document, "current_document": {"exists": False}}])
    except Exception as error:
        if code_of(error) != "ALREADY_EXISTS":
            raise
        failure = AlreadyExistsError(f"there is a table {info.name!r} already")
        raise with_facts(failure, translate(error)) from error


def _delete_some(client: FirestoreClient, table: str) -> bool:
    """Delete documents; tells whether there may be more."""
    names = {"fields": [{"field_path": "__name__"}]}
    found = client.query(table, select=names, limit={"value": DELETED_AT_ONCE})
    writes = [{"delete": raw.name} for raw in found]
    if writes:
        client.commit(writes)
    return len(writes) == DELETED_AT_ONCE


def _forget(client: FirestoreClient, table: str) -> None:
    client.commit([{"delete": client.name(TABLES, table)}])


def _list(client: FirestoreClient, size: int, after: str | None) -> list[TableInfo]:
    order = by_name(client, TABLES, after)
    return [_info(raw) for raw in client.query(TABLES, limit={"value": size}, **order)]


def _info(raw: Any) -> TableInfo:
    partition, sort = (raw.fields[key].string_value for key in (_PARTITION, _SORT))
    return TableInfo(name=document_id(raw), partition_key=partition, sort_key=sort or None)
