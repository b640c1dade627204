"""Tables: creating, describing, listing, deleting, and calls about one that is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from cloudkit.api.kv import BatchWrite, Delete, Key, KeyValueStore, Put
from cloudkit.common import AlreadyExistsError, CloudResult, NotFoundError, ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, read
from cloudkit.testing.outcome import require

INVALID_NAMES = ["", "a/b", "../up", "two words", "nul\x00", "x" * 2000, "-", "ümlaut"]

Call = Callable[[KeyValueStore, str], Awaitable[Any]]


async def _first(items: AsyncIterator[Any]) -> None:
    async for _ in items:
        return


CALLS: dict[str, Call] = {
    "describe_table": lambda kv, table: kv.describe_table(table),
    "delete_table": lambda kv, table: kv.delete_table(table),
    "get": lambda kv, table: kv.get(table, "key"),
    "exists": lambda kv, table: kv.exists(table, "key"),
    "put": lambda kv, table: kv.put(table, "key", {}),
    "delete": lambda kv, table: kv.delete(table, "key"),
    "update": lambda kv, table: kv.update(table, "key", set={"a": 1}),
    "query": lambda kv, table: _first(aiter(kv.query(table, "key"))),
    "scan": lambda kv, table: _first(aiter(kv.scan(table))),
    "transact": lambda kv, table: kv.transact(table, [Put(key="key", document={})]),
}
NEEDS = {"scan": "kv.scan", "transact": "kv.transactions"}

# Calls with a sort key for a table without one, and the other way round.
WRITES: dict[str, Callable[[KeyValueStore, str, Any], Awaitable[Any]]] = {
    "get": lambda kv, table, key: kv.get(table, key),
    "put": lambda kv, table, key: kv.put(table, key, {}),
    "delete": lambda kv, table, key: kv.delete(table, key),
    "update": lambda kv, table, key: kv.update(table, key, set={"a": 1}),
}


class TableBehaviours(KeyValueSuite):
    """Tables come and go, and keep their items apart."""

    __test__ = False

    async def test_a_created_table_has_the_schema_that_was_asked_for(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        name = self.fresh_name("table")
        cleanup.later(kv.delete_table, name)
        created = await kv.create_table(name, partition_key="owner", sort_key="at")
        assert (created.name, created.partition_key, created.sort_key) == (name, "owner", "at")
        assert await kv.describe_table(name) == created

    async def test_a_table_without_sort_key_says_so(self, kv: KeyValueStore, table: str) -> None:
        assert (await kv.describe_table(table)).sort_key is None

    async def test_a_table_exists_from_create_to_delete(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        name = self.fresh_name("table")
        assert not await kv.table_exists(name)
        cleanup.later(kv.delete_table, name)
        await kv.create_table(name)
        assert await kv.table_exists(name)
        await kv.delete_table(name)
        assert not await kv.table_exists(name)

    async def test_creating_a_table_twice_fails_and_loses_nothing(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("key")
        await kv.put(table, key, {"a": 1})
        for sort_key in (None, "sk"):
            with pytest.raises(AlreadyExistsError) as caught:
                await kv.create_table(table, sort_key=sort_key)
            assert table in str(caught.value)
        assert (await kv.describe_table(table)).sort_key is None
        assert await kv.exists(table, key)

    async def test_a_table_created_again_is_empty(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        name = await self.new_table(kv, cleanup)
        await kv.put(name, "key", {"a": 1})
        await kv.delete_table(name)
        cleanup.later(kv.delete_table, name)
        await kv.create_table(name, sort_key="sk")
        assert await kv.query(name, "key").to_list() == []

    async def test_tables_are_listed_by_name(self, kv: KeyValueStore, cleanup: Cleanup) -> None:
        mine = {await self.new_table(kv, cleanup, sort_key=sort) for sort in ("sk", None, "at")}
        whole = [info async for info in kv.list_tables()]
        assert [info.name for info in whole] == sorted({info.name for info in whole})
        assert mine <= {info.name for info in whole}
        paged = [info.name async for info in kv.list_tables(page_size=2)]
        assert mine <= set(paged)
        assert len(paged) == len(set(paged))
        for info in whole:
            if info.name in mine:
                assert info == await kv.describe_table(info.name)

    async def test_listing_continues_after_the_page_of_a_token(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        for _ in range(2):
            await self.new_table(kv, cleanup)
        first = await anext(kv.list_tables(page_size=1).pages())
        assert len(first.items) == 1
        assert first.next_token is not None
        rest = [info.name async for info in kv.list_tables(page_token=first.next_token)]
        assert rest
        assert first.items[0].name not in rest

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_missing_table_is_not_found_and_named(
        self, cloud: Any, kv: KeyValueStore, call: str
    ) -> None:
        if call in NEEDS:
            require(cloud.capabilities, NEEDS[call])
        name = self.fresh_name("table")
        with pytest.raises(NotFoundError) as caught:
            await CALLS[call](kv, name)
        assert name in str(caught.value)
        assert not await kv.table_exists(name)

    async def test_batches_about_a_missing_table_fail_item_by_item(self, kv: KeyValueStore) -> None:
        name = self.fresh_name("table")
        writes: list[BatchWrite] = [Put(key="a", document={}), Delete(key="b")]
        results: list[CloudResult[Any]] = [
            *await kv.batch_get(name, ["a", "b"]),
            *await kv.batch_write(name, writes),
        ]
        assert len(results) == 4
        for result in results:
            assert isinstance(result.error, NotFoundError)
            assert name in str(result.error)

    @pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
    async def test_an_invalid_table_name_is_refused_before_sending(
        self, watched: Watched, name: str
    ) -> None:
        kv = watched.kv
        for call in (
            partial(kv.create_table, name),
            partial(kv.table_exists, name),
            partial(kv.get, name, "key"),
        ):
            with pytest.raises(ValidationError):
                await call()
        with pytest.raises(ValidationError):
            kv.query(name, "key")
        assert watched.faults.count() == 0

    async def test_the_same_key_in_two_tables_names_two_items(
        self, kv: KeyValueStore, table: str, cleanup: Cleanup
    ) -> None:
        other, key = await self.new_table(kv, cleanup), self.fresh_name("key")
        await kv.put(table, key, {"here": table})
        assert not await kv.exists(other, key)
        await kv.put(other, key, {"here": other})
        await kv.delete(other, key)
        assert (await read(kv, table, key)).document == {"here": table}
        assert await kv.query(other, key).to_list() == []

    @pytest.mark.parametrize("call", WRITES)
    async def test_a_table_without_sort_key_refuses_one(
        self, kv: KeyValueStore, table: str, call: str
    ) -> None:
        with pytest.raises(ValidationError):
            await WRITES[call](kv, table, Key(self.fresh_name("key"), "sort"))

    @pytest.mark.parametrize("call", WRITES)
    async def test_a_table_with_sort_key_wants_one(
        self, kv: KeyValueStore, sorted_table: str, call: str
    ) -> None:
        with pytest.raises(ValidationError):
            await WRITES[call](kv, sorted_table, self.fresh_name("key"))

    async def test_partition_and_sort_key_of_a_table_need_different_names(
        self, kv: KeyValueStore
    ) -> None:
        name = self.fresh_name("table")
        for partition_key, sort_key in (("a", "a"), ("", None), ("a", "")):
            with pytest.raises(ValidationError):
                await kv.create_table(name, partition_key=partition_key, sort_key=sort_key)
        assert not await kv.table_exists(name)
