"""The least that is a KeyValueStore: dicts. The suite is tried on it, and on mutants of it."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import cached_property
from typing import Any

import anyio.lowlevel
from attrs import define, evolve, field
from cloudkit.api.kv import (
    KEEP,
    Check,
    Delete,
    Item,
    Key,
    KeyValueStore,
    Put,
    TableInfo,
    Update,
    Write,
    apply_update,
)
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
from cloudkit.common import (
    AlreadyExistsError,
    Capabilities,
    CloudConfig,
    CloudError,
    CloudResult,
    NotFoundError,
    PreconditionFailedError,
    utc_now,
)
from cloudkit.core import BaseCloud

PAGE = 100
WRITES = itertools.count(1)


@define
class Table:
    """A table: its schema and its items."""

    info: TableInfo
    items: dict[Any, Item] = field(factory=dict)


class MemoryStore(KeyValueStore):
    """Documents in dicts. What a provider may get wrong has a method of its own, for the mutants."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tables: dict[str, Table] = {}

    def stored(self, document: dict[str, Any]) -> dict[str, Any]:
        return copy.deepcopy(document)

    def loaded(self, document: dict[str, Any]) -> dict[str, Any]:
        return copy.deepcopy(document)

    def place(self, key: Key) -> Any:
        return key

    def order(self, key: Key) -> Any:
        return (key.sort or "").encode()

    def belongs(self, key: Key, op: QueryItems) -> bool:
        return key.partition == op.partition and (
            op.sort is None or op.sort.matches(key.sort or "")
        )

    def matches(self, condition: Any, document: dict[str, Any]) -> bool:
        return bool(condition.matches(document))

    def version_matches(self, wanted: str, there: Item | None) -> bool:
        return there is not None and there.version == wanted

    def new_version(self, table: Table, write: Write) -> str:
        return f"v{next(WRITES)}"

    def alive(self, item: Item | None, operation: str) -> bool:
        return item is not None and not item.expired

    def updated(self, document: dict[str, Any], write: Update) -> dict[str, Any]:
        changes = {"set": write.set, "increment": write.increment, "remove": write.remove}
        return apply_update(document, **changes)  # type: ignore[arg-type]  # the three as they are

    def end(self, write: Put | Update, there: Item | None) -> Any:
        if write.expires_in is KEEP:
            return there.expires_at if there is not None else None
        if write.expires_in is None:
            return None
        return utc_now() + timedelta(seconds=write.expires_in)

    def next_token(self, looked_at: list[Item], found: list[Item]) -> str:
        key = looked_at[-1].key
        return json.dumps([key.partition, key.sort])

    # Tables

    async def _create_table(self, op: CreateTable) -> TableInfo:
        await anyio.lowlevel.checkpoint()
        if op.table in self.tables:
            raise AlreadyExistsError(f"there is a table {op.table!r}")
        info = TableInfo(name=op.table, partition_key=op.partition_key, sort_key=op.sort_key)
        self.tables[op.table] = Table(info)
        return info

    async def _delete_table(self, op: DeleteTable) -> None:
        await anyio.lowlevel.checkpoint()
        self.table(op.table)
        del self.tables[op.table]

    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        await anyio.lowlevel.checkpoint()
        return self.table(op.table).info

    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        await anyio.lowlevel.checkpoint()
        names = sorted(name for name in self.tables if name > (op.page_token or ""))
        some = names[: op.page_size or PAGE]
        return Page(
            [self.tables[n].info for n in some], some[-1] if len(some) < len(names) else None
        )

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise NotFoundError(f"there is no table {name!r}")
        return self.tables[name]

    # Items

    def find(self, table: Table, key: Key, operation: str) -> Item | None:
        table.info.check_key(key)
        item = table.items.get(self.place(key))
        return item if self.alive(item, operation) else None

    def shown(self, item: Item) -> Item:
        return evolve(item, document=self.loaded(item.document))

    def write(self, table: Table, write: Write) -> Item | None:
        """Carry a write out; returns what stands there then."""
        there = self.find(table, write.key, "write")
        self.check(write, there)
        if isinstance(write, Check):
            return there
        if isinstance(write, Delete):
            table.items.pop(self.place(write.key), None)
            return None
        assert isinstance(write, (Put, Update))
        if isinstance(write, Put):
            document = dict(write.document)
        else:
            assert there is not None
            document = self.updated(there.document, write)
        item = Item(
            key=write.key,
            document=self.stored(document),
            version=self.new_version(table, write),
            expires_at=self.end(write, there),
        )
        table.items[self.place(write.key)] = item
        return item

    def check(self, write: Write, there: Item | None) -> None:
        strict = isinstance(write, Delete) and not write.missing_ok
        if there is None and (strict or isinstance(write, Update)):
            raise NotFoundError(f"there is no item {write.key}")
        if isinstance(write, Put) and write.if_absent and there is not None:
            raise PreconditionFailedError("there is one")
        if isinstance(write, Check) and write.exists not in {None, there is not None}:
            raise PreconditionFailedError("there is one, or none")
        if write.if_version is not None and not self.version_matches(write.if_version, there):
            raise PreconditionFailedError("it has another version")
        document = there.document if there is not None else {}
        if write.condition is not None and not self.matches(write.condition, document):
            raise PreconditionFailedError("the condition does not hold")

    async def _get(self, op: GetItem) -> Item | None:
        await anyio.lowlevel.checkpoint()
        item = self.find(self.table(op.table), op.key, "get")
        return None if item is None else self.shown(item)

    async def _put(self, op: PutItem) -> str:
        await anyio.lowlevel.checkpoint()
        item = self.write(self.table(op.table), op.write)
        assert item is not None
        return item.version

    async def _delete(self, op: DeleteItem) -> None:
        await anyio.lowlevel.checkpoint()
        self.write(self.table(op.table), op.write)

    async def _update(self, op: UpdateItem) -> Item:
        await anyio.lowlevel.checkpoint()
        item = self.write(self.table(op.table), op.write)
        assert item is not None
        return self.shown(item)

    # Many items

    def listed(
        self, op: QueryItems | ScanItems, items: Iterable[Item], order: Callable[[Key], Any]
    ) -> Page[Item]:
        backwards = isinstance(op, QueryItems) and op.descending
        ordered = sorted(items, key=lambda item: order(item.key), reverse=backwards)
        if op.page_token is not None:
            last = order(Key(*json.loads(op.page_token)))
            ordered = [
                item
                for item in ordered
                if (order(item.key) < last if backwards else order(item.key) > last)
            ]
        looked_at = ordered[: op.page_size or PAGE]
        found = [
            self.shown(item)
            for item in looked_at
            if op.filter is None or self.matches(op.filter, item.document)
        ]
        more = len(ordered) > len(looked_at)
        return Page(found, self.next_token(looked_at, found) if more else None)

    async def _query(self, op: QueryItems) -> Page[Item]:
        await anyio.lowlevel.checkpoint()
        there = [item for item in self.table(op.table).items.values() if self.alive(item, "query")]
        return self.listed(op, [item for item in there if self.belongs(item.key, op)], self.order)

    async def _scan(self, op: ScanItems) -> Page[Item]:
        await anyio.lowlevel.checkpoint()
        there = [item for item in self.table(op.table).items.values() if self.alive(item, "scan")]
        return self.listed(op, there, lambda key: (key.partition, self.order(key)))

    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        await anyio.lowlevel.checkpoint()
        table = self.table(op.table)
        return [result_of(lambda key=key: self.batch_item(table, key)) for key in op.keys]

    def batch_item(self, table: Table, key: Key) -> Item | None:
        item = self.find(table, key, "batch_get")
        return None if item is None else self.shown(item)

    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        await anyio.lowlevel.checkpoint()
        table = self.table(op.table)
        return [
            result_of(lambda write=write: self.batch_version(table, write)) for write in op.writes
        ]

    def batch_version(self, table: Table, write: Write) -> str | None:
        item = self.write(table, write)
        return None if item is None else item.version

    async def _transact(self, op: Transact) -> Sequence[str | None]:
        await anyio.lowlevel.checkpoint()
        before = {name: dict(table.items) for name, table in self.tables.items()}
        try:
            items = [self.write(self.table(op.place(w)[0]), w) for w in op.writes]
        except CloudError:
            self.roll_back(before)
            raise
        return [
            None if item is None or isinstance(write, Check) else item.version
            for item, write in zip(items, op.writes, strict=True)
        ]

    def roll_back(self, before: dict[str, dict[Any, Item]]) -> None:
        for name, items in before.items():
            self.tables[name].items = items


def result_of(call: Callable[[], Any]) -> CloudResult[Any]:
    try:
        return CloudResult.success(call())
    except CloudError as error:
        return CloudResult.failure(error)


class MemoryCloud(BaseCloud[CloudConfig]):
    """A cloud that has a key-value store and nothing else."""

    provider = "memory"
    config_type = CloudConfig
    store: type[MemoryStore] = MemoryStore

    def __init__(self, **options: Any) -> None:
        super().__init__(options)

    @cached_property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    @cached_property
    def kv(self) -> MemoryStore:
        return self.store(self._runner, self.capabilities.kv)

    @property
    def native(self) -> None:
        return None


def maker(store: type[MemoryStore]) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """What a suite's ``make_cloud`` gives, for a kind of store."""

    def make(**options: Any) -> AbstractAsyncContextManager[Any]:
        cloud = MemoryCloud(**options)
        cloud.store = store
        return cloud

    return make
