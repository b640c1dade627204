"""KeyValueStore on NoSQL Database."""

from __future__ import annotations

from collections.abc import Sequence

from cloudkit.api.kv import Delete, Item, Key, KeyValueStore, Put, TableInfo, Update
from cloudkit.api.kv.models import BatchWrite
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
from cloudkit.common import CloudResult, KeyValueCapabilities, UnsupportedOperationError
from cloudkit.core.batches import call_each
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.nosql import pages
from cloudkit.oracle.nosql.answers import is_missing
from cloudkit.oracle.nosql.carrier import carry_out
from cloudkit.oracle.nosql.items import ItemCodec
from cloudkit.oracle.nosql.schema import Schema
from cloudkit.oracle.nosql.session import Session, run
from cloudkit.oracle.nosql.tables import Tables
from cloudkit.oracle.nosql.writes import Writer
from cloudkit.spi import AnyOperation, OperationRunner

MAX_TABLES = 30
_TABLES = ("tables",)


class NosqlKeyValueStore(KeyValueStore):
    """Documents as rows of tables in NoSQL Database.

    Args:
        runner: Runs the operations.
        capabilities: What the service can do.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: KeyValueCapabilities, clients: OracleClients
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
        return await self._tables.info(op.table)

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        after = "" if op.page_token is None else read_token(op.page_token, _TABLES)[0]
        infos, last = await self._tables.page(after, min(op.page_size or MAX_TABLES, MAX_TABLES))
        return Page(infos, None if last is None else make_token(_TABLES, (last,)))

    async def _get(self, op: GetItem) -> Item | None:
        return await self._tables.using(
            op.table, lambda schema: run(self._clients, _get, schema, op.key, op.consistent)
        )

    async def _put(self, op: PutItem) -> str:
        return str(await self._tables.using(op.table, lambda schema: self._write(schema, op.write)))

    async def _delete(self, op: DeleteItem) -> None:
        await self._tables.using(op.table, lambda schema: self._write(schema, op.write))

    async def _update(self, op: UpdateItem) -> Item:
        item = await self._tables.using(
            op.table, lambda schema: carry_out(self._clients, self._writer(schema, op.write))
        )
        if item is None:
            raise TypeError("an update leaves an item")
        return item

    async def _query(self, op: QueryItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: run(self._clients, pages.query, schema, op, most)
        )

    async def _scan(self, op: ScanItems) -> Page[Item]:
        most = self.capabilities.max_page_size
        return await self._tables.using(
            op.table, lambda schema: run(self._clients, pages.scan, schema, op, most)
        )

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        async def read(schema: Schema) -> list[CloudResult[Item | None]]:
            async def one(key: Key) -> Item | None:
                return await run(self._clients, _get, schema, key, op.consistent)

            return await call_each(op.keys, one, lambda error: self._outcome(error, op))

        return await self._tables.using(op.table, read)

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        async def write(schema: Schema) -> list[CloudResult[str | None]]:
            async def one(wanted: BatchWrite) -> str | None:
                return await self._write(schema, wanted)

            return await call_each(op.writes, one, lambda error: self._outcome(error, op))

        return await self._tables.using(op.table, write)

    async def _transact(self, op: Transact) -> Sequence[str | None]:
        raise UnsupportedOperationError(self.capabilities.reasons["transactions"])

    def _outcome(self, error: Exception, op: AnyOperation) -> Exception:
        """The outcome of one item; that there is no such table is nobody's own."""
        return error if is_missing(error) else self._runner.translate(error, op)

    async def _write(self, schema: Schema, write: Put | Delete) -> str | None:
        item = await carry_out(self._clients, self._writer(schema, write))
        return None if item is None else item.version

    def _writer(self, schema: Schema, write: Put | Delete | Update) -> Writer:
        return Writer(schema, write, self.capabilities)


def _get(session: Session, schema: Schema, key: Key, consistent: bool) -> Item | None:
    found = session.get(schema.table, schema.columns(key), consistent=consistent)
    return ItemCodec(schema).image(found, key).item
