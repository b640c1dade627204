"""Keys: strange ones, long ones, empty ones, and ones that look alike."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from cloudkit.api.kv import Delete, Key, KeyValueStore, Put
from cloudkit.common import ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.samples import KEYS
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, read, seed

NOT_KEYS: list[Any] = [
    "",
    ("", "sort"),
    ("partition", ""),
    "\ud800",
    None,
    1,
    b"key",
    ("a", "b", "c"),
]


def by_utf8(key: Key) -> bytes:
    """The order of sort keys."""
    assert key.sort is not None
    return key.sort.encode()


class KeyBehaviours(KeyValueSuite):
    """Any text is a key, and different texts are different keys."""

    __test__ = False

    async def test_strange_partition_keys_work_in_every_call(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        table = await self.new_table(kv, cleanup)  # of its own: these keys are anybody's
        await seed(kv, table, {key: {"key": key} for key in KEYS})
        results = await kv.batch_get(table, KEYS)
        assert [result.value and result.value.key for result in results] == [Key(k) for k in KEYS]
        for key in KEYS:
            item = await read(kv, table, key)
            assert (item.key, item.document) == (Key(key), {"key": key}), key
            assert [item.key for item in await kv.query(table, key).to_list()] == [Key(key)], key
            updated = await kv.update(table, key, set={"seen": True})
            assert (updated.key, updated["key"]) == (Key(key), key)
            await kv.put(table, key, {"key": key}, if_version=updated.version)
        if kv.capabilities.scan:
            assert sorted([item["key"] async for item in kv.scan(table)]) == sorted(KEYS)
        for key in KEYS[::2]:
            await kv.delete(table, key, missing_ok=False)
        left = await kv.batch_get(table, KEYS)
        assert [bool(result.value) for result in left] == [i % 2 == 1 for i in range(len(KEYS))]

    async def test_strange_sort_keys_work_in_every_call(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        table, partition = sorted_table, self.fresh_name("item")
        keys = [Key(partition, key) for key in KEYS]
        await seed(kv, table, {key: {"sort": key.sort} for key in keys})
        results = await kv.batch_get(table, keys)
        assert [result.value and result.value.key for result in results] == keys
        for key in keys:
            assert (await read(kv, table, key)).document == {"sort": key.sort}, key
            updated = await kv.update(table, key, set={"seen": True})
            assert updated.key == key
            await kv.put(table, key, {"sort": key.sort}, if_version=updated.version)
        found = await kv.query(table, partition).to_list()
        assert [item.key for item in found] == sorted(keys, key=by_utf8)
        assert [item["sort"] for item in found] == [item.key.sort for item in found]
        await kv.batch_write(table, [Delete(key=key) for key in keys[:10]])
        left = {item.key for item in await kv.query(table, partition).to_list()}
        assert left == set(keys[10:])

    async def test_partition_and_sort_key_are_not_run_together(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        name = self.fresh_name("item")
        glue = ("/", "|", "#", ":", "\x00", "-", "_", ",", '","', ".", "%2F")
        pairs = [(f"{name}a{g}b", "c") for g in glue] + [(f"{name}a", f"b{g}c") for g in glue]
        keys = [Key(*pair) for pair in pairs]
        await seed(kv, sorted_table, {key: {"key": str(key)} for key in keys})
        for key in keys:
            assert (await read(kv, sorted_table, key)).document == {"key": str(key)}
        for glued in glue:
            found = await kv.query(sorted_table, f"{name}a{glued}b").to_list()
            assert [item.key for item in found] == [Key(f"{name}a{glued}b", "c")], glued

    @pytest.mark.parametrize("size", [255, 512, 1024])
    async def test_a_long_key_works_or_is_refused_with_the_limit(
        self, kv: KeyValueStore, sorted_table: str, size: int
    ) -> None:
        start = self.fresh_name("item")
        partition, sort = start + "ä" * ((size - len(start)) // 2), "ö" * (size // 2)
        limits = kv.capabilities
        for limit, key in (
            (limits.max_partition_key_bytes, Key(partition, "sort")),
            (limits.max_sort_key_bytes, Key(start, sort)),
        ):
            if size > limit:
                with pytest.raises(ValidationError) as caught:
                    await kv.put(sorted_table, key, {"a": 1})
                assert f"{limit:,}" in str(caught.value)
            else:
                await kv.put(sorted_table, key, {"a": 1})
                assert (await read(kv, sorted_table, key)).key == key

    async def test_keys_at_the_limit_work_together(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        limits, start = kv.capabilities, self.fresh_name("item")
        partition = start.ljust(limits.max_partition_key_bytes, "x")
        key = Key(partition, "y" * limits.max_sort_key_bytes)
        await kv.put(sorted_table, key, {"a": 1})
        assert (await read(kv, sorted_table, key)).key == key
        assert [item.key async for item in kv.query(sorted_table, partition)] == [key]

    async def test_a_key_beyond_the_limit_is_refused_before_sending(self, watched: Watched) -> None:
        kv, table = watched.kv, self.fresh_name("table")
        limits = kv.capabilities
        for key in (
            Key("x" * (limits.max_partition_key_bytes + 1)),
            Key("ä" * (limits.max_partition_key_bytes // 2 + 1)),
            Key("x", "x" * (limits.max_sort_key_bytes + 1)),
        ):
            for call in (
                partial(kv.get, table, key),
                partial(kv.put, table, key, {}),
                partial(kv.delete, table, key),
            ):
                with pytest.raises(ValidationError):
                    await call()
        assert watched.faults.count() == 0

    @pytest.mark.parametrize("key", NOT_KEYS, ids=ascii)
    async def test_what_is_no_key_is_refused_before_sending(
        self, watched: Watched, key: Any
    ) -> None:
        kv, table = watched.kv, self.fresh_name("table")
        for call in (
            partial(kv.get, table, key),
            partial(kv.exists, table, key),
            partial(kv.put, table, key, {}),
            partial(kv.delete, table, key),
            partial(kv.update, table, key, set={"a": 1}),
            partial(kv.batch_get, table, [key]),
        ):
            with pytest.raises(ValidationError):
                await call()
        with pytest.raises(ValidationError):
            Put(key=key, document={})
        assert watched.faults.count() == 0

    async def test_an_empty_partition_is_refused_before_sending(self, watched: Watched) -> None:
        with pytest.raises(ValidationError):
            watched.kv.query(self.fresh_name("table"), "")
        assert watched.faults.count() == 0

    async def test_a_key_may_be_given_in_any_form(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        await kv.put(sorted_table, (partition, "sort"), {"a": 1})
        assert (await read(kv, sorted_table, Key(partition, "sort")))["a"] == 1
        await kv.delete(sorted_table, Key(partition, "sort"))
        assert not await kv.exists(sorted_table, (partition, "sort"))
