"""Batches: many items at once, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from cloudkit.api.kv import BatchWrite, Check, Delete, Item, Key, KeyValueStore, Put, Update, attr
from cloudkit.common import (
    CloudResult,
    NetworkError,
    PayloadTooLargeError,
    ValidationError,
)
from cloudkit.spi import FixedDelay
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.samples import VALUES
from cloudkit.testing.kv.suite import (
    KeyValueSuite,
    Watched,
    assert_same_items,
    assert_unchanged,
    read,
    seed,
)
from cloudkit.testing.outcome import unsupported

# What batch_write does not take: it makes no promises that need one request.
CONDITIONAL: dict[str, Any] = {
    "version": Put(key="key", document={}, if_version="1"),
    "absent": Put(key="key", document={}, if_absent=True),
    "condition": Put(key="key", document={}, condition=attr("a") == 1),
    "delete by version": Delete(key="key", if_version="1"),
    "delete on condition": Delete(key="key", condition=attr("a") == 1),
    "delete that must find": Delete(key="key", missing_ok=False),
    "other table": Put(key="key", document={}, table="other"),
    "update": Update(key="key", set={"a": 1}),
    "check": Check(key="key", exists=True),
    "text": "key",
}


def numbers(results: Sequence[CloudResult[Item | None]]) -> list[int | None]:
    """The number in each item found, None where there is none."""
    return [None if result.value is None else result.value["n"] for result in results]


class BatchBehaviours(KeyValueSuite):
    """A batch of any size does what its single calls would do, with one result for each, in order."""

    __test__ = False

    @pytest.mark.parametrize("count", [1, 2, 101, 250])
    async def test_batch_get_keeps_the_order_and_has_none_for_what_is_missing(
        self, kv: KeyValueStore, sorted_table: str, count: int
    ) -> None:
        start = self.fresh_name("item")
        keys = [Key(f"{start}-{n % 3}", f"{n * 7919 % 1000:04}") for n in range(count)]
        there = {key: {"n": n} for n, key in enumerate(keys) if n % 4 != 1}
        await seed(kv, sorted_table, there)
        results = await kv.batch_get(sorted_table, keys)
        assert numbers(results) == [None if n % 4 == 1 else n for n in range(count)]

    async def test_batch_get_gives_a_key_that_is_asked_for_twice_twice(
        self, kv: KeyValueStore, table: str
    ) -> None:
        first, second = self.fresh_name("item"), self.fresh_name("item")
        await seed(kv, table, {first: {"n": 1}})
        results = await kv.batch_get(table, [first, second, first, Key(first), second])
        assert numbers(results) == [1, None, 1, 1, None]

    async def test_empty_batches_do_nothing(self, watched: Watched) -> None:
        table = self.fresh_name("table")
        assert await watched.kv.batch_get(table, []) == []
        assert await watched.kv.batch_write(table, []) == []
        assert watched.faults.count() == 0

    async def test_batch_get_gives_items_as_get_does(self, kv: KeyValueStore, table: str) -> None:
        keys = [self.fresh_name("item") for _ in range(3)]
        await seed(kv, table, {key: {"n": n, "float": 1.0} for n, key in enumerate(keys)})
        results = await kv.batch_get(table, keys)
        items = [result.value for result in results if result.value is not None]
        assert_same_items(items, [await read(kv, table, key) for key in keys])

    @pytest.mark.parametrize("count", [1, 26, 120])
    async def test_batch_write_puts_and_deletes(
        self, kv: KeyValueStore, sorted_table: str, count: int
    ) -> None:
        partition = self.fresh_name("item")
        keys = [Key(partition, f"{n:04}") for n in range(count)]
        await seed(kv, sorted_table, {key: {"n": -1} for key in keys[::2]})
        writes = [
            Delete(key=key) if n % 3 == 2 else Put(key=key, document={"n": n})
            for n, key in enumerate(keys)
        ]
        results = await kv.batch_write(sorted_table, writes)
        assert len(results) == count
        left = {item.key: item async for item in kv.query(sorted_table, partition)}
        assert {key: item["n"] for key, item in left.items()} == {
            key: n for n, key in enumerate(keys) if n % 3 != 2
        }
        for key, result in zip(keys, results, strict=True):
            assert result.value == (left[key].version if key in left else None)

    async def test_batch_write_keeps_values_exactly(self, kv: KeyValueStore, table: str) -> None:
        start = self.fresh_name("item")
        documents = {f"{start}-{kind}": {"list": list(values)} for kind, values in VALUES.items()}
        await seed(kv, table, documents)
        for result in await kv.batch_get(table, documents):
            assert result.value is not None
            assert_same(result.value.document, documents[result.value.key.partition])

    async def test_writes_of_one_item_happen_in_their_order(
        self, kv: KeyValueStore, table: str
    ) -> None:
        a, b, c = (self.fresh_name("item") for _ in range(3))
        writes: list[BatchWrite] = [
            *(Put(key=a, document={"n": 1}), Put(key=b, document={"n": 1}), Delete(key=c)),
            *(Put(key=a, document={"n": 2}), Delete(key=b), Put(key=c, document={"n": 2})),
            Put(key=a, document={"n": 3}),
        ]
        results = await kv.batch_write(table, writes)
        assert len({result.value for result in results}) == 6  # of five puts, and None
        found = await kv.batch_get(table, [a, b, c])
        assert numbers(found) == [3, None, 2]
        last = [item.value and item.value.version for item in found]
        assert last == [results[6].value, None, results[5].value]

    async def test_the_versions_of_a_batch_can_be_asked_for(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        (result,) = await kv.batch_write(table, [Put(key=key, document={"n": 1})])
        version = await kv.put(table, key, {"n": 2}, if_version=result.value)
        assert (await read(kv, table, key)).version == version

    @pytest.mark.parametrize("what", CONDITIONAL)
    async def test_batch_write_refuses_what_is_not_plain_before_sending(
        self, watched: Watched, what: str
    ) -> None:
        good = Put(key="other", document={})
        with pytest.raises(ValidationError):
            await watched.kv.batch_write(self.fresh_name("table"), [good, CONDITIONAL[what]])
        assert watched.faults.count() == 0

    async def test_a_write_that_cannot_be_sent_fails_alone(
        self, kv: KeyValueStore, table: str
    ) -> None:
        limits = kv.capabilities
        good, other = self.fresh_name("item"), self.fresh_name("item")
        deep: Any = 1
        for _ in range(limits.max_depth):
            deep = [deep]
        writes: list[BatchWrite] = [
            Put(key=good, document={"n": 1}),
            Put(key=other, document={"n": deep}),
            Delete(key="x" * (limits.max_partition_key_bytes + 1)),
            Put(key=other, document={"n": 2}),
        ]
        results = await kv.batch_write(table, writes)
        kinds = [type(result.error) for result in results]
        assert kinds == [type(None), ValidationError, ValidationError, type(None)]
        assert numbers(await kv.batch_get(table, [good, other])) == [1, 2]

    async def test_an_item_that_is_too_large_fails_alone(
        self, kv: KeyValueStore, table: str
    ) -> None:
        limit = kv.capabilities.max_item_bytes
        if limit is None:
            unsupported("kv.max_item_bytes", "items of any size are taken")
        good, large = self.fresh_name("item"), self.fresh_name("item")
        await kv.put(table, large, {"n": 1})
        before = await read(kv, table, large)
        document = {"n": 2, "text": "x" * limit}
        writes = [Put(key=large, document=document), Put(key=good, document={"n": 3})]
        failed, done = await kv.batch_write(table, writes)
        assert isinstance(failed.error, PayloadTooLargeError)
        assert (await read(kv, table, good)).version == done.value
        await assert_unchanged(kv, table, before)

    async def test_a_key_that_cannot_be_sent_fails_alone(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key, long = self.fresh_name("item"), "x" * (kv.capabilities.max_partition_key_bytes + 1)
        await kv.put(table, key, {"n": 1})
        bad, found = await kv.batch_get(table, [long, key])
        assert isinstance(bad.error, ValidationError)
        assert numbers([found]) == [1]

    async def test_a_key_that_does_not_fit_the_table_is_refused(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        key = self.fresh_name("item")
        (got,) = await kv.batch_get(sorted_table, [key])
        (put,) = await kv.batch_write(sorted_table, [Put(key=key, document={})])
        assert isinstance(got.error, ValidationError)
        assert isinstance(put.error, ValidationError)

    async def test_a_batch_comes_through_a_link_that_breaks(self, workbench: Workbench) -> None:
        faults = Faults()
        options = {"retry": FixedDelay(max_attempts=3, delay=0), "interceptors": [faults]}
        async with workbench(**options) as (kv, table):
            documents = {f"item-{n}": {"n": n} for n in range(60)}
            faults.lose_request("batch_write", lambda: NetworkError("the test lost it"))
            faults.lose_answer("batch_write", lambda: NetworkError("the test lost its answer"))
            faults.lose_answer("batch_get", lambda: NetworkError("the test lost its answer"))
            await seed(kv, table, documents)
            assert numbers(await kv.batch_get(table, documents)) == list(range(60))
            assert faults.count("batch_write") >= 3
