"""KeyValueStore on DynamoDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
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
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.dynamodb import batches, pages
from cloudkit.aws.dynamodb.answers import code_of
from cloudkit.aws.dynamodb.carrier import Carrier
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.aws.dynamodb.tables import Tables
from cloudkit.aws.dynamodb.transactions import Transaction
from cloudkit.aws.dynamodb.writes import Writer
from cloudkit.common import CloudResult, KeyValueCapabilities, NotFoundError
from cloudkit.spi import OperationRunner

MAX_TABLE_NAMES = 100
_TABLES = ("tables",)


class DynamoKeyValueStore(KeyValueStore):
    """Documents as items of DynamoDB, by the table's own keys.

    Args:
        runner: Runs the operations.
        capabilities: What the service can do.
        clients: boto3's.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: KeyValueCapabilities, clients: AwsClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._carrier = Carrier(clients)
        self._tables = Tables(clients, ttl=capabilities.ttl)

    async def _create_table(self, op: CreateTable) -> TableInfo:
        info = TableInfo(name=op.table, partition_key=op.partition_key, sort_key=op.sort_key)
        await self._tables.create(info)
        return info

    async def _delete_table(self, op: DeleteTable) -> None:
        await self._tables.delete(op.table)

    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        return await self._tables.info(op.table)

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        after = None if op.page_token is None else read_token(op.page_token, _TABLES)[0]
        size = min(op.page_size or MAX_TABLE_NAMES, MAX_TABLE_NAMES)
        names, last = await self._tables.names(size, after)
        names.sort()  # in the order of which the service says nothing
        found: dict[str, TableInfo] = {}
        failures: list[Exception] = []
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(self._look_at, name, found, failures)
        if failures:
            raise failures[0]
        token = None if last is None else make_token(_TABLES, (last,))
        return Page([found[name] for name in names if name in found], token)

    async def _look_at(
        self, table: str, found: dict[str, TableInfo], failures: list[Exception]
    ) -> None:
        try:
            found[table] = await self._tables.info(table)
        except NotFoundError:
            return  # it is being deleted
        except Exception as error:  # noqa: BLE001  # raised by who reads the list
            if code_of(error) != "ResourceNotFoundException":
                failures.append(error)

    async def _get(self, op: GetItem) -> Item | None:
        async def read(schema: Schema) -> Item | None:
            image = await self._carrier.read(schema, op.key, consistent=op.consistent)
            return image.item

        return await self._tables.using(op.table, read)

    async def _put(self, op: PutItem) -> str:
        request = await self._tables.using(
            op.table, lambda schema: self._carrier.write(self._writer(schema, op.write))
        )
        return str(request.version)

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
            op.table,
            lambda schema: self._clients.run("dynamodb", pages.query, schema, op, most),
        )

    async def _scan(self, op: ScanItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("dynamodb", pages.scan, schema, op, most)
        )

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("dynamodb", batches.get, schema, op)
        )

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        return await self._tables.using(
            op.table, lambda schema: self._clients.run("dynamodb", batches.write, schema, op)
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
            return await Transaction(self._clients, self._runner, op, writers).carry_out()
        first, *others = names
        return await self._tables.using(
            first, lambda schema: self._using_all(others, {**schemas, first: schema}, op)
        )

    def _writer(self, schema: Schema, write: Any) -> Writer:
        return Writer(schema, write, self.capabilities)
