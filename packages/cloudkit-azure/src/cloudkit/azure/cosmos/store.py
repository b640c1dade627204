"""KeyValueStore on Cosmos DB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudkit.api.kv import Item, KeyValueStore, Put, TableInfo
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
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.cosmos import pages
from cloudkit.azure.cosmos.answers import is_stale
from cloudkit.azure.cosmos.carrier import Carrier
from cloudkit.azure.cosmos.schema import Schema
from cloudkit.azure.cosmos.tables import Tables
from cloudkit.azure.cosmos.transactions import Transaction
from cloudkit.azure.cosmos.writes import Writer
from cloudkit.common import CloudResult, KeyValueCapabilities
from cloudkit.core.batches import call_each
from cloudkit.spi import AnyOperation, OperationRunner

MAX_TABLES = 100
_TABLES = ("tables",)


class CosmosKeyValueStore(KeyValueStore):
    """Documents as items of Cosmos DB for NoSQL, in the containers of one database.

    Args:
        runner: Runs the operations.
        capabilities: What the service can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: KeyValueCapabilities, clients: AzureClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._carrier = Carrier(clients)
        self._tables = Tables(clients)

    async def _create_table(self, op: CreateTable) -> TableInfo:
        info = TableInfo(name=op.table, partition_key=op.partition_key, sort_key=op.sort_key)
        await self._tables.create(info)
        return info

    async def _delete_table(self, op: DeleteTable) -> None:
        await self._tables.delete(op.table)

    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        return await self._tables.info(op.table)

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        after = "" if op.page_token is None else read_token(op.page_token, _TABLES)[0]
        size = min(op.page_size or MAX_TABLES, MAX_TABLES)
        # The service lists them by no order; a database has some hundreds at most.
        found = [info for info in await self._tables.all() if info.name > after]
        last = found[size - 1].name if len(found) > size else None
        return Page(found[:size], None if last is None else make_token(_TABLES, (last,)))

    async def _get(self, op: GetItem) -> Item | None:
        async def read(schema: Schema) -> Item | None:
            return (await self._carrier.read(schema, op.key)).item

        return await self._tables.using(op.table, read)

    async def _put(self, op: PutItem) -> str:
        version = await self._tables.using(
            op.table, lambda schema: self._carrier.write(self._writer(schema, op.write))
        )
        return str(version)

    async def _delete(self, op: DeleteItem) -> None:
        await self._tables.using(
            op.table, lambda schema: self._carrier.write(self._writer(schema, op.write))
        )

    async def _update(self, op: UpdateItem) -> Item:
        return await self._tables.using(
            op.table, lambda schema: self._carrier.update(self._writer(schema, op.write))
        )

    async def _query(self, op: QueryItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("cosmos", pages.query, schema, op, most)
        )

    async def _scan(self, op: ScanItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("cosmos", pages.scan, schema, op, most)
        )

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        async def read(schema: Schema) -> list[CloudResult[Item | None]]:
            async def one(key: Any) -> Item | None:
                return (await self._carrier.read(schema, key)).item

            return await call_each(op.keys, one, lambda error: self._outcome(error, op))

        return await self._tables.using(op.table, read)

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        async def write(schema: Schema) -> list[CloudResult[str | None]]:
            async def one(wanted: Any) -> str | None:
                version = await self._carrier.write(self._writer(schema, wanted))
                return version if isinstance(wanted, Put) else None

            return await call_each(op.writes, one, lambda error: self._outcome(error, op))

        return await self._tables.using(op.table, write)

    async def _transact(self, op: Transact) -> Sequence[str | None]:
        async def carry_out(schema: Schema) -> list[str | None]:
            writers = [self._writer(schema, write) for write in op.writes]
            return await Transaction(self._clients, op, writers).carry_out()

        # All are of one table, which may be named by the writes alone.
        return await self._tables.using(op.place(op.writes[0])[0], carry_out)

    def _outcome(self, error: Exception, op: AnyOperation) -> Exception:
        """The outcome of one item; what says that the table is another one now is nobody's own."""
        return error if is_stale(error) else self._runner.translate(error, op)

    def _writer(self, schema: Schema, write: Any) -> Writer:
        return Writer(schema, write, self.capabilities)
