"""KeyValueStore on Firestore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from cloudkit.api.kv import Item, KeyValueStore, TableInfo
from cloudkit.api.kv.operations import (
    BatchGetItems,
    BatchWriteItems,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    ListTables,
    PutItem,
    QueryItems,
    ScanItems,
    Transact,
    UpdateItem,
)
from cloudkit.api.paging import Page
from cloudkit.common import CloudResult, KeyValueCapabilities
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.firestore import batches, pages
from cloudkit.gcp.firestore.carrier import carry_out
from cloudkit.gcp.firestore.items import ItemCodec
from cloudkit.gcp.firestore.keys import Schema
from cloudkit.gcp.firestore.tables import Tables
from cloudkit.gcp.firestore.transactions import Transaction
from cloudkit.gcp.firestore.writes import Writer, Written
from cloudkit.spi import OperationRunner


class FirestoreKeyValueStore(KeyValueStore):
    """Items as documents of Firestore, tables as its collections.

    Args:
        runner: Runs the operations.
        capabilities: What the service can do.
        clients: Google's.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: KeyValueCapabilities, clients: GcpClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._tables = Tables(clients)

    async def _create_table(self, op: CreateTable) -> TableInfo:
        info = TableInfo(name=op.table, partition_key=op.partition_key, sort_key=op.sort_key)
        await self._tables.create(info)
        return info

    async def _delete_table(self, op: DeleteTable) -> None:
        await self._tables.delete(op.table)

    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        return (await self._tables.look_up(op.table)).info

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        most = self.capabilities.max_page_size
        return await self._tables.page(min(op.page_size or most, most), op.page_token)

    async def _get(self, op: GetItem) -> Item | None:
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("firestore", _read, schema, op)
        )

    async def _put(self, op: PutItem) -> str:
        return str((await self._write(op)).version)

    async def _delete(self, op: DeleteItem) -> None:
        await self._write(op)

    async def _update(self, op: UpdateItem) -> Item:
        # Of an update there always is one.
        return cast("Item", (await self._write(op)).item)

    async def _query(self, op: QueryItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("firestore", pages.query, schema, op, most)
        )

    async def _scan(self, op: ScanItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("firestore", pages.scan, schema, op, most)
        )

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("firestore", batches.get, schema, op)
        )

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("firestore", batches.write, schema, op)
        )

    async def _transact(self, op: Transact) -> Sequence[str | None]:
        names = list(dict.fromkeys(op.place(write)[0] for write in op.writes))
        return await self._using_all(names, {}, op)

    async def _using_all(
        self, names: list[str], schemas: dict[str, Schema], op: Transact
    ) -> list[str | None]:
        """Carry a transaction out with the schemas of all its tables."""
        if not names:
            writers = [self._writer(schemas[op.place(write)[0]], write) for write in op.writes]
            return await Transaction(op, writers).carry_out(self._clients)
        first, *others = names
        return await self._tables.using(
            first, lambda schema: self._using_all(others, {**schemas, first: schema}, op)
        )

    async def _write(self, op: PutItem | DeleteItem | UpdateItem) -> Written:
        return await self._tables.using(
            op.table, lambda schema: carry_out(self._clients, self._writer(schema, op.write))
        )

    def _writer(self, schema: Schema, write: Any) -> Writer:
        return Writer(schema, write, self.capabilities)


def _read(client: Any, schema: Schema, op: GetItem) -> Item | None:
    name = client.name(schema.table, schema.document_id(op.key))
    return ItemCodec(schema).image(client.read([name]).get(name)).item
