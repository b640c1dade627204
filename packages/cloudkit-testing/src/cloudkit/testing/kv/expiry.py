"""Time to live: an item whose time is over is gone, at once and for every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from functools import partial
from typing import Any, ClassVar

import pytest
from cloudkit.api.kv import Check, Item, Key, KeyValueStore, Put, Update, attr
from cloudkit.common import (
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
    utc_now,
)
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, read, seed
from cloudkit.testing.outcome import behaviour, require

HOUR = 3600.0
SLACK = timedelta(seconds=30)  # clocks of two machines, and rounding to seconds

Look = Callable[[KeyValueStore, str, Key], Awaitable[bool]]


async def _query(kv: KeyValueStore, table: str, key: Key) -> bool:
    return any([item.key == key async for item in kv.query(table, key.partition)])


async def _query_with_filter(kv: KeyValueStore, table: str, key: Key) -> bool:
    items = kv.query(table, key.partition, filter=attr("n").exists(), descending=True)
    return any([item.key == key async for item in items])


async def _scan(kv: KeyValueStore, table: str, key: Key) -> bool:
    return any([item.key == key async for item in kv.scan(table)])


async def _batch_get(kv: KeyValueStore, table: str, key: Key) -> bool:
    (result,) = await kv.batch_get(table, [key])
    return result.value is not None


async def _get(kv: KeyValueStore, table: str, key: Key) -> bool:
    return await kv.get(table, key) is not None


async def _inconsistent_get(kv: KeyValueStore, table: str, key: Key) -> bool:
    return await kv.get(table, key, consistent=False) is not None


LOOKS: dict[str, Look] = {
    "get": _get,
    "inconsistent get": _inconsistent_get,
    "exists": lambda kv, table, key: kv.exists(table, key),
    "query": _query,
    "query with a filter": _query_with_filter,
    "scan": _scan,
    "batch_get": _batch_get,
}


class ExpiryBehaviours(KeyValueSuite):
    """An item with an end is there until then, and not a moment longer.

    Attributes:
        short_life: Seconds that an item gets which is to expire.
        renewable_life: Seconds that an item gets whose life is changed before it is over; longer
            than two calls ever take.
    """

    __test__ = False

    short_life: ClassVar[float] = 0.3
    renewable_life: ClassVar[float] = 2.0

    async def outlive(self, item: Item) -> None:
        """Wait until the time of an item is over, without asking the service for it."""
        assert item.expires_at is not None
        await self.eventually(lambda: item.expired)

    async def expired(self, kv: KeyValueStore, table: str, key: Key) -> None:
        """Write an item and wait until its time is over."""
        await kv.put(table, key, {"n": 1}, expires_in=self.short_life)
        end = utc_now() + timedelta(seconds=self.short_life)
        await self.eventually(lambda: utc_now() > end)

    @behaviour("ttl")
    async def test_an_item_says_when_it_ends(self, kv: KeyValueStore, table: str) -> None:
        key, day = self.fresh_name("item"), timedelta(days=1)
        for given, length in ((HOUR, timedelta(hours=1)), (day, day), (90, timedelta(seconds=90))):
            before = utc_now()
            await kv.put(table, key, {"n": 1}, expires_in=given)
            after = utc_now()
            end = (await read(kv, table, key)).expires_at
            assert end is not None
            assert end.tzinfo is UTC
            assert before + length - SLACK <= end <= after + length + SLACK

    async def test_an_item_without_an_end_says_so(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"n": 1})
        item = await read(kv, table, key)
        assert item.expires_at is None
        assert not item.expired

    @behaviour("ttl")
    @pytest.mark.parametrize("way", LOOKS)
    async def test_an_expired_item_is_gone_at_once(
        self, cloud: Any, kv: KeyValueStore, sorted_table: str, way: str
    ) -> None:
        if way == "scan":
            require(cloud.capabilities, "kv.scan")
        partition, look = self.fresh_name("item"), LOOKS[way]
        short, long, endless = (Key(partition, name) for name in "abc")
        await kv.put(sorted_table, long, {"n": 1}, expires_in=HOUR)
        await kv.put(sorted_table, endless, {"n": 1})
        await self.expired(kv, sorted_table, short)
        assert not await look(kv, sorted_table, short)
        assert await look(kv, sorted_table, long)
        assert await look(kv, sorted_table, endless)

    @behaviour("ttl")
    async def test_expired_items_do_not_count_for_a_limit(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        await seed(kv, sorted_table, {(partition, f"{n}"): {"n": n} for n in range(4)})
        await self.expired(kv, sorted_table, Key(partition, "1"))
        for size in (None, 1, 2):
            items = kv.query(sorted_table, partition, limit=2, page_size=size)
            assert [item["n"] async for item in items] == [0, 2]

    @behaviour("ttl")
    async def test_writes_take_an_expired_item_for_missing(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        table, key = sorted_table, Key(self.fresh_name("item"), "a")
        version = await kv.put(table, key, {"n": 1}, expires_in=self.short_life)
        end = utc_now() + timedelta(seconds=self.short_life)
        await self.eventually(lambda: utc_now() > end)
        with pytest.raises(NotFoundError):
            await kv.update(table, key, increment={"n": 1})
        with pytest.raises(NotFoundError):
            await kv.delete(table, key, missing_ok=False)
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"n": 2}, if_version=version)
        with pytest.raises(PreconditionFailedError):
            await kv.delete(table, key, if_version=version)
        if kv.capabilities.conditions:
            with pytest.raises(PreconditionFailedError):
                await kv.put(table, key, {"n": 2}, condition=attr("n") == 1)
        await kv.delete(table, key)
        await self.expired(kv, table, key)
        await kv.put(table, key, {"n": 3}, if_absent=True)
        item = await read(kv, table, key)
        assert (item.document, item.expires_at) == ({"n": 3}, None)

    @behaviour("ttl", "conditions")
    async def test_a_condition_sees_an_expired_item_as_empty(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        key = Key(self.fresh_name("item"), "a")
        await self.expired(kv, sorted_table, key)
        await kv.put(sorted_table, key, {"n": 2}, condition=attr("n").not_exists())
        assert (await read(kv, sorted_table, key))["n"] == 2

    @behaviour("ttl", "transactions")
    async def test_a_transaction_takes_an_expired_item_for_missing(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        key, other = Key(partition, "a"), Key(partition, "b")
        await self.expired(kv, sorted_table, key)
        with pytest.raises(PreconditionFailedError):
            await kv.transact(sorted_table, [Check(key=key, exists=True)])
        with pytest.raises(NotFoundError):
            await kv.transact(sorted_table, [Update(key=key, set={"n": 2})])
        put = Put(key=other, document={"n": 2}, expires_in=HOUR)
        await kv.transact(sorted_table, [Check(key=key, exists=False), put])
        assert (await read(kv, sorted_table, other)).expires_at is not None

    @behaviour("ttl")
    async def test_an_item_can_be_renewed(self, kv: KeyValueStore, table: str) -> None:
        by_update, by_put = self.fresh_name("item"), self.fresh_name("item")
        for key in (by_update, by_put):
            await kv.put(table, key, {"n": 1}, expires_in=self.renewable_life)
        old = await read(kv, table, by_put)
        renewed = await kv.update(table, by_update, expires_in=HOUR)
        await kv.put(table, by_put, {"n": 2}, expires_in=timedelta(hours=1))
        assert old.expires_at is not None
        assert renewed.expires_at is not None
        assert renewed.expires_at > old.expires_at + timedelta(seconds=HOUR / 2)
        assert renewed.document == {"n": 1}
        await self.outlive(old)
        for key in (by_update, by_put):
            end = (await read(kv, table, key)).expires_at
            assert end is not None
            assert end > utc_now()

    @behaviour("ttl")
    async def test_the_end_of_an_item_can_be_taken_away(
        self, kv: KeyValueStore, table: str
    ) -> None:
        by_update, by_put, by_batch = keys = [self.fresh_name("item") for _ in range(3)]
        for key in keys:
            await kv.put(table, key, {"n": 1}, expires_in=self.renewable_life)
        last = await read(kv, table, by_batch)
        assert (await kv.update(table, by_update, expires_in=None)).expires_at is None
        await kv.put(table, by_put, {"n": 2})
        await seed(kv, table, {by_batch: {"n": 3}})
        await self.outlive(last)
        items = [await read(kv, table, key) for key in keys]
        assert [(item["n"], item.expires_at) for item in items] == [(1, None), (2, None), (3, None)]

    @behaviour("ttl")
    async def test_an_update_of_values_leaves_the_end(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"n": 1}, expires_in=HOUR)
        before = await read(kv, table, key)
        updated = await kv.update(table, key, increment={"n": 1})
        assert updated.expires_at == before.expires_at
        assert (await read(kv, table, key)).expires_at == before.expires_at

    @behaviour("ttl")
    async def test_an_end_can_be_given_later(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"n": 1})
        updated = await kv.update(table, key, set={"n": 2}, expires_in=self.short_life)
        await self.outlive(updated)
        assert await kv.get(table, key) is None

    @behaviour("ttl")
    async def test_items_of_a_batch_have_ends_of_their_own(
        self, kv: KeyValueStore, table: str
    ) -> None:
        keys = [self.fresh_name("item") for _ in range(3)]
        lives = (self.short_life, HOUR, None)
        writes = [
            Put(key=key, document={"n": 1}, expires_in=life)
            for key, life in zip(keys, lives, strict=True)
        ]
        for result in await kv.batch_write(table, writes):
            assert result.value
        end = utc_now() + timedelta(seconds=self.short_life)
        await self.eventually(lambda: utc_now() > end)
        gone, ending, endless = (result.value for result in await kv.batch_get(table, keys))
        assert gone is None
        assert ending is not None
        assert ending.expires_at is not None
        assert endless is not None
        assert endless.expires_at is None

    @pytest.mark.parametrize(
        "length", [0, -1, float("nan"), float("inf"), timedelta(-1), "60", True], ids=repr
    )
    async def test_what_is_no_time_to_live_is_refused_before_sending(
        self, watched: Watched, length: Any
    ) -> None:
        kv, table = watched.kv, self.fresh_name("table")
        for call in (
            partial(kv.put, table, "key", {}, expires_in=length),
            partial(kv.update, table, "key", expires_in=length),
        ):
            with pytest.raises(ValidationError):
                await call()
        assert watched.faults.count() == 0
