"""KeyValueStore on SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from cloudkit.api.kv import Item, KeyValueStore, TableInfo, Value
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
    check_document,
)
from cloudkit.api.paging import Page
from cloudkit.common import CloudError, CloudResult, KeyValueCapabilities
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.kv.items import Items, sweep_expired
from cloudkit.local.kv.pages import query_page, scan_page
from cloudkit.local.kv.tables import (
    SCHEMA,
    create_table,
    drop_table,
    find_table,
    list_tables,
    sweep_dropped,
)
from cloudkit.spi import OperationRunner

T = TypeVar("T")
WantedT = TypeVar("WantedT")

_SWEEP_EVERY = 32
"""Items written between two sweeps. Each sweep takes twice as many, so that what expires cannot pile
up; the first write of a client sweeps too, or processes that write little would never do it."""


class LocalKeyValueStore(KeyValueStore):
    """Documents as JSON in a table of SQLite, which everybody who uses the folder shares.

    Every operation is one transaction, so reads always see what was acknowledged before, and
    ``transact`` knows no limits of scope.

    Args:
        runner: Runs the operations.
        capabilities: Limits.
        database: Where the documents are.
        clock: Tells the seconds since the epoch.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: KeyValueCapabilities,
        database: Database,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(runner, capabilities)
        self._database = database
        self._clock = clock
        self._unswept = _SWEEP_EVERY - 1
        database.register(SCHEMA)

    async def _create_table(self, op: CreateTable) -> TableInfo:
        info = TableInfo(name=op.table, partition_key=op.partition_key, sort_key=op.sort_key)
        await self._database.write(lambda connection: create_table(connection, info))
        return info

    async def _delete_table(self, op: DeleteTable) -> None:
        await self._database.write(lambda connection: drop_table(connection, op.table))
        # In portions, so that others can write meanwhile. Whatever is left when this is cancelled
        # or killed goes with later writes.
        while await self._database.write(sweep_dropped):
            pass

    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        return await self._database.read(lambda connection: find_table(connection, op.table).info)

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        size = self._page_size(op.page_size)
        return await self._database.read(
            lambda connection: list_tables(connection, size, op.page_token)
        )

    async def _get(self, op: GetItem) -> Item | None:
        return await self._read(op.table, lambda items: items.get(op.key))

    async def _put(self, op: PutItem) -> str:
        return await self._write(op.table, lambda items: items.put(op.write))

    async def _delete(self, op: DeleteItem) -> None:
        await self._write(op.table, lambda items: items.delete(op.write))

    async def _update(self, op: UpdateItem) -> Item:
        return await self._write(op.table, lambda items: items.update(op.write))

    async def _query(self, op: QueryItems) -> Page[Item]:
        size = self._page_size(op.page_size)
        return await self._read(op.table, lambda items: query_page(items, op, size))

    async def _scan(self, op: ScanItems) -> Page[Item]:
        size = self._page_size(op.page_size)
        return await self._read(op.table, lambda items: scan_page(items, op, size))

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        return await self._read(
            op.table, lambda items: [_result(items.get, key) for key in op.keys]
        )

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        return await self._write(
            op.table,
            lambda items: [_result(items.write, write) for write in op.writes],
            count=len(op.writes),
        )

    async def _transact(self, op: Transact) -> Sequence[str | None]:
        def carry_out(connection: Connection) -> list[str | None]:
            tables: dict[str, Items] = {}
            for name in {op.place(write)[0] for write in op.writes}:
                tables[name] = self._items(connection, name)
            return [_step(op, index, tables) for index in range(len(op.writes))]

        return await self._database.write(self._sweeping(carry_out, len(op.writes)))

    async def _read(self, table: str, func: Callable[[Items], T]) -> T:
        return await self._database.read(lambda connection: func(self._items(connection, table)))

    async def _write(self, table: str, func: Callable[[Items], T], count: int = 1) -> T:
        return await self._database.write(
            self._sweeping(lambda connection: func(self._items(connection, table)), count)
        )

    def _sweeping(self, func: Callable[[Connection], T], count: int) -> Callable[[Connection], T]:
        """The function, which now and then clears away a little of what nobody can see any more."""

        def change(connection: Connection) -> T:
            result = func(connection)
            self._unswept += count
            if self._unswept >= _SWEEP_EVERY:
                sweep_expired(connection, self._clock(), 2 * self._unswept)
                sweep_dropped(connection)
                self._unswept = 0
            return result

        return change

    def _items(self, connection: Connection, table: str) -> Items:
        found = find_table(connection, table)
        return Items(connection, found, self._clock(), self._check_document)

    def _check_document(self, document: Mapping[str, Value]) -> None:
        check_document(document, self.capabilities)

    def _page_size(self, wanted: int | None) -> int:
        most = self.capabilities.max_page_size
        return most if wanted is None else min(wanted, most)


def _result(func: Callable[[WantedT], T], wanted: WantedT) -> CloudResult[T]:
    try:
        return CloudResult.success(func(wanted))
    except CloudError as error:
        return CloudResult.failure(error)


def _step(op: Transact, index: int, tables: Mapping[str, Items]) -> str | None:
    write = op.writes[index]
    table, key = op.place(write)
    try:
        return tables[table].write(write)
    except CloudError as error:
        raise type(error)(
            f"write {index} of the transaction, {type(write).__name__} of {table}/{key}: "
            f"{error.message}; nothing was changed"
        ) from error
