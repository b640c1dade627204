"""Single items and their versions: reading, writing, deleting, and writing only what one has read."""

from __future__ import annotations

import anyio
import pytest
from cloudkit.api.kv import KeyValueStore
from cloudkit.common import (
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, assert_unchanged, read

WORKERS, TIMES = 5, 10


class VersionBehaviours(KeyValueSuite):
    """Every write gives the item a new version, and a write can ask for the one it knows."""

    __test__ = False

    async def test_a_missing_item_is_none(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        assert await kv.get(table, key) is None
        assert not await kv.exists(table, key)

    async def test_an_item_exists_from_put_to_delete(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1})
        assert await kv.exists(table, key)
        await kv.delete(table, key)
        assert not await kv.exists(table, key)
        assert await kv.get(table, key) is None

    async def test_an_inconsistent_read_sees_a_write_in_the_end(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, {"a": 1})

        async def seen() -> bool:
            item = await kv.get(table, key, consistent=False)
            return item is not None and item.version == version

        await self.eventually(seen)

    async def test_deleting_a_missing_item_is_fine(self, kv: KeyValueStore, table: str) -> None:
        await kv.delete(table, self.fresh_name("item"))

    async def test_deleting_a_missing_item_can_be_an_error_that_names_it(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        with pytest.raises(NotFoundError) as caught:
            await kv.delete(table, key, missing_ok=False)
        assert key in str(caught.value)
        assert table in str(caught.value)
        await kv.put(table, key, {})
        await kv.delete(table, key, missing_ok=False)
        assert not await kv.exists(table, key)

    async def test_deleting_an_item_leaves_the_others(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        for sort in ("a", "b", "c"):
            await kv.put(sorted_table, (partition, sort), {"sort": sort})
        await kv.delete(sorted_table, (partition, "b"))
        assert [item["sort"] async for item in kv.query(sorted_table, partition)] == ["a", "c"]

    async def test_every_write_gives_a_new_version(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        versions = []
        for _ in range(3):  # also where nothing changes
            versions.append(await kv.put(table, key, {"a": 1}))
            assert (await read(kv, table, key)).version == versions[-1]
        for _ in range(3):
            updated = await kv.update(table, key, set={"a": 1})
            versions.append(updated.version)
            assert (await read(kv, table, key)).version == versions[-1]
        await kv.delete(table, key)
        versions.append(await kv.put(table, key, {"a": 1}))
        assert len(set(versions)) == len(versions)
        assert all(isinstance(version, str) and version for version in versions)

    async def test_reading_leaves_the_version(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, {"a": 1})
        assert {(await read(kv, table, key)).version for _ in range(3)} == {version}

    async def test_put_with_the_right_version_replaces(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, {"a": 1})
        version = await kv.put(table, key, {"a": 2}, if_version=version)
        version = await kv.put(table, key, {"a": 3}, if_version=version)
        item = await read(kv, table, key)
        assert (item.document, item.version) == ({"a": 3}, version)

    async def test_put_with_a_stale_version_changes_nothing(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        stale = await kv.put(table, key, {"a": 1})
        await kv.put(table, key, {"a": 2})
        before = await read(kv, table, key)
        with pytest.raises(PreconditionFailedError) as caught:
            await kv.put(table, key, {"a": 3}, if_version=stale)
        assert key in str(caught.value)
        await assert_unchanged(kv, table, before)

    async def test_a_version_of_a_missing_item_never_matches(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        version = await kv.put(table, key, {"a": 1})
        await kv.delete(table, key)
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"a": 2}, if_version=version)
        with pytest.raises(PreconditionFailedError):
            await kv.delete(table, key, if_version=version)
        with pytest.raises(NotFoundError):
            await kv.update(table, key, set={"a": 2}, if_version=version)
        assert not await kv.exists(table, key)

    async def test_an_item_created_again_is_not_the_one_before(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        old = await kv.put(table, key, {"a": 1})
        await kv.delete(table, key)
        await kv.put(table, key, {"a": 1})
        before = await read(kv, table, key)
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"a": 2}, if_version=old)
        await assert_unchanged(kv, table, before)

    async def test_a_version_of_another_item_or_none_at_all_never_matches(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key, other = self.fresh_name("item"), self.fresh_name("item")
        foreign = await kv.put(table, other, {"a": 1})
        foreign = await kv.put(table, other, {"a": 1})
        await kv.put(table, key, {"a": 1})
        before = await read(kv, table, key)
        for version in (foreign, "no version", '"quoted"', "0", " "):
            with pytest.raises(PreconditionFailedError):
                await kv.put(table, key, {"a": 2}, if_version=version)
        await assert_unchanged(kv, table, before)

    async def test_update_asks_for_the_version(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        stale = await kv.put(table, key, {"a": 1})
        updated = await kv.update(table, key, set={"a": 2}, if_version=stale)
        before = await read(kv, table, key)
        assert before.version == updated.version
        with pytest.raises(PreconditionFailedError) as caught:
            await kv.update(table, key, increment={"a": 1}, if_version=stale)
        assert key in str(caught.value)
        await assert_unchanged(kv, table, before)

    async def test_delete_asks_for_the_version(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        stale = await kv.put(table, key, {"a": 1})
        version = await kv.put(table, key, {"a": 2})
        before = await read(kv, table, key)
        with pytest.raises(PreconditionFailedError) as caught:
            await kv.delete(table, key, if_version=stale)
        assert key in str(caught.value)
        await assert_unchanged(kv, table, before)
        await kv.delete(table, key, if_version=version)
        assert not await kv.exists(table, key)

    async def test_creating_twice_fails_and_changes_nothing(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1}, if_absent=True)
        before = await read(kv, table, key)
        with pytest.raises(PreconditionFailedError) as caught:
            await kv.put(table, key, {"a": 2}, if_absent=True)
        assert key in str(caught.value)
        await assert_unchanged(kv, table, before)
        await kv.delete(table, key)
        await kv.put(table, key, {"a": 3}, if_absent=True)
        assert (await read(kv, table, key)).document == {"a": 3}

    async def test_absent_and_a_version_exclude_each_other(self, watched: Watched) -> None:
        with pytest.raises(ValidationError):
            await watched.kv.put("table", "key", {}, if_absent=True, if_version="1")
        assert watched.faults.count() == 0

    async def test_one_of_many_creators_wins(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        won: list[int] = []

        async def create(me: int) -> None:
            try:
                await kv.put(table, key, {"by": me}, if_absent=True)
            except (PreconditionFailedError, ConflictError):
                return
            won.append(me)

        async with anyio.create_task_group() as tasks:
            for me in range(20):
                tasks.start_soon(create, me)
        assert len(won) == 1
        assert (await read(kv, table, key)).document == {"by": won[0]}

    async def test_workers_that_compare_and_swap_lose_no_increment(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"count": 0})

        async def work() -> None:
            done = 0
            while done < TIMES:
                item = await read(kv, table, key)
                changed = {"count": item["count"] + 1}
                try:
                    await kv.put(table, key, changed, if_version=item.version)
                except (PreconditionFailedError, ConflictError):
                    continue
                done += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(WORKERS):
                tasks.start_soon(work)
        assert (await read(kv, table, key)).document == {"count": WORKERS * TIMES}

    async def test_workers_that_increment_lose_none(self, kv: KeyValueStore, table: str) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"inner": {"count": 0}})

        async def work() -> None:
            for _ in range(TIMES):
                await kv.update(table, key, increment={"inner.count": 1, "absent": 1})

        async with anyio.create_task_group() as tasks:
            for _ in range(WORKERS):
                tasks.start_soon(work)
        total = WORKERS * TIMES
        expected = {"inner": {"count": total}, "absent": total}
        assert (await read(kv, table, key)).document == expected

    async def test_workers_on_different_attributes_do_not_undo_each_other(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {})

        async def work(me: int) -> None:
            for turn in range(TIMES):
                await kv.update(table, key, set={f"worker-{me}": turn, f"turn-{me}-{turn}": True})

        async with anyio.create_task_group() as tasks:
            for me in range(WORKERS):
                tasks.start_soon(work, me)
        document = (await read(kv, table, key)).document
        assert len(document) == WORKERS + WORKERS * TIMES
        assert all(document[f"worker-{me}"] == TIMES - 1 for me in range(WORKERS))
