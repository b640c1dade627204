"""Transactions: several writes, all or none."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from cloudkit.api.kv import (
    Check,
    Delete,
    Item,
    Key,
    KeyValueStore,
    Put,
    TransactWrite,
    Update,
    attr,
)
from cloudkit.common import (
    ConflictError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.failures import FAILING
from cloudkit.testing.kv.samples import VALUES
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, assert_same_items, read, seed
from cloudkit.testing.outcome import behaviour

WORKERS, TIMES = 5, 10


class TransactionBehaviours(KeyValueSuite):
    """A transaction happens as a whole or not at all."""

    __test__ = False

    @behaviour("transactions")
    async def test_all_writes_of_a_transaction_happen(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        put, changed, deleted, checked = (Key(partition, name) for name in "abcd")
        others = (changed, deleted, checked)
        await seed(kv, sorted_table, {key: {"n": 1, "old": 1} for key in others})
        before = await read(kv, sorted_table, checked)
        writes: list[TransactWrite] = [
            Put(key=put, document={"n": 1.0}, if_absent=True),
            Update(key=changed, increment={"n": 1}, remove=["old"], condition=attr("n") == 1),
            Delete(key=deleted, missing_ok=False),
            Check(key=checked, if_version=before.version),
        ]
        versions = await kv.transact(sorted_table, writes)
        after = [item async for item in kv.query(sorted_table, partition)]
        assert [item.key for item in after] == [put, changed, checked]
        assert_same([item.document for item in after[:2]], [{"n": 1.0}, {"n": 2}])
        assert list(versions) == [after[0].version, after[1].version, None, None]
        assert_same_items([after[2]], [before])

    @behaviour("transactions")
    @pytest.mark.parametrize("what", FAILING)
    async def test_a_transaction_with_a_write_that_fails_changes_nothing(
        self, kv: KeyValueStore, sorted_table: str, what: str
    ) -> None:
        partition, (kind, failing) = self.fresh_name("item"), FAILING[what]
        there, missing, first, last = (Key(partition, name) for name in "bcad")
        await seed(kv, sorted_table, {key: {"n": 1, "text": "a"} for key in (there, first, last)})
        before = await kv.query(sorted_table, partition).to_list()
        bad = failing(there, missing)
        good = [
            Put(key=first, document={"n": 2}),
            Put(key=(partition, "new"), document={}),
            bad,
            Delete(key=last),
        ]
        for writes in (good, [bad]):
            with pytest.raises(kind) as caught:
                await kv.transact(sorted_table, writes)
            assert sorted_table in str(caught.value)
            assert_same_items(await kv.query(sorted_table, partition).to_list(), before)

    @behaviour("transactions")
    async def test_checks_that_hold_let_the_rest_happen(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        there, missing, other = (Key(partition, name) for name in "abc")
        version = await kv.put(sorted_table, there, {"n": 1})
        for check in (
            Check(key=there, exists=True),
            Check(key=there, if_version=version),
            Check(key=there, condition=attr("n") == 1, exists=True),
            Check(key=missing, exists=False),
            Check(key=missing, condition=attr("n").not_exists()),
        ):
            put = Put(key=other, document={"check": str(check)})
            versions = await kv.transact(sorted_table, [check, put])
            item = await read(kv, sorted_table, other)
            assert item["check"] == str(check)
            assert list(versions) == [None, item.version]
        assert (await read(kv, sorted_table, there)).version == version
        assert not await kv.exists(sorted_table, missing)

    @behaviour("transactions")
    async def test_a_transaction_keeps_values_exactly(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        documents = {Key(partition, kind): {"v": list(VALUES[kind])} for kind in list(VALUES)[:6]}
        writes = [Put(key=key, document=document) for key, document in documents.items()]
        await kv.transact(sorted_table, writes)
        changes = [
            Update(key=key, set={("new",): document["v"]}) for key, document in documents.items()
        ]
        await kv.transact(sorted_table, changes)
        for key, document in documents.items():
            expected = {**document, "new": document["v"]}
            assert_same((await read(kv, sorted_table, key)).document, expected)

    @behaviour("transactions")
    async def test_the_largest_transaction_happens(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition, count = self.fresh_name("item"), min(100, kv.capabilities.max_transaction_items)
        keys = [Key(partition, f"{n:03}") for n in range(count)]
        writes = [Put(key=key, document={"n": n}) for n, key in enumerate(keys)]
        versions = await kv.transact(sorted_table, writes)
        items = [item async for item in kv.query(sorted_table, partition)]
        assert [item["n"] for item in items] == list(range(count))
        assert [item.version for item in items] == list(versions)

    @behaviour("transactions")
    async def test_a_larger_transaction_is_refused_before_sending(self, watched: Watched) -> None:
        count = watched.kv.capabilities.max_transaction_items + 1
        writes = [Put(key=Key("partition", f"{n}"), document={}) for n in range(count)]
        with pytest.raises(ValidationError):
            await watched.kv.transact(self.fresh_name("table"), writes)
        assert watched.faults.count() == 0

    @behaviour("transactions")
    @pytest.mark.parametrize(
        "writes",
        [[], [Put(key="a", document={}), Delete(key="a")], ["a"], [Put]],
        ids=["none", "an item twice", "a text", "a class"],
    )
    async def test_a_transaction_that_makes_no_sense_is_refused_before_sending(
        self, watched: Watched, writes: list[Any]
    ) -> None:
        with pytest.raises(ValidationError):
            await watched.kv.transact(self.fresh_name("table"), writes)
        assert watched.faults.count() == 0

    @behaviour("transactions", "cross_partition_transactions")
    async def test_a_transaction_spans_partitions(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        keys = [Key(self.fresh_name("item"), "s") for _ in range(3)]
        await kv.transact(sorted_table, [Put(key=key, document={"n": 1}) for key in keys])
        changes = [Update(key=key, increment={"n": 1}) for key in keys[:2]]
        with pytest.raises(PreconditionFailedError):
            await kv.transact(sorted_table, [*changes, Check(key=keys[2], exists=False)])
        assert [(await read(kv, sorted_table, key))["n"] for key in keys] == [1, 1, 1]

    @behaviour("transactions", "cross_table_transactions")
    async def test_a_transaction_spans_tables(
        self, kv: KeyValueStore, sorted_table: str, cleanup: Cleanup
    ) -> None:
        other, key = (
            await self.new_table(kv, cleanup, sort_key="sk"),
            Key(self.fresh_name("p"), "s"),
        )
        writes = [Put(key=key, document={"n": 1}), Put(key=key, document={"n": 2}, table=other)]
        await kv.transact(sorted_table, writes)
        assert [(await read(kv, table, key))["n"] for table in (sorted_table, other)] == [1, 2]
        with pytest.raises(PreconditionFailedError):
            await kv.transact(
                sorted_table, [Delete(key=key), Check(key=key, exists=False, table=other)]
            )
        assert await kv.exists(sorted_table, key)

    @behaviour("transactions")
    async def test_transactions_at_once_lose_nothing(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        purse, bank = Key(partition, "purse"), Key(partition, "bank")
        await seed(kv, sorted_table, {purse: {"n": 0}, bank: {"n": WORKERS * TIMES}})

        async def work() -> None:
            done = 0
            while done < TIMES:
                rich = attr("n") > 0
                writes = [
                    Update(key=bank, increment={"n": -1}, condition=rich),
                    Update(key=purse, increment={"n": 1}),
                ]
                try:
                    await kv.transact(sorted_table, writes)
                except ConflictError:
                    continue
                done += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(WORKERS):
                tasks.start_soon(work)
        moved = [(await read(kv, sorted_table, key))["n"] for key in (bank, purse)]
        assert moved == [0, WORKERS * TIMES]

    @behaviour("transactions")
    async def test_one_of_two_that_read_the_same_is_told_of_the_conflict(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        keys = [Key(partition, name) for name in "ab"]
        await seed(kv, sorted_table, {key: {"by": None} for key in keys})
        seen = [await read(kv, sorted_table, key) for key in keys]
        won: list[int] = []
        await self._race(kv, sorted_table, seen, won)
        assert len(won) == 1
        found = [(await read(kv, sorted_table, key))["by"] for key in keys]
        assert found == won * 2

    async def _race(self, kv: KeyValueStore, table: str, seen: list[Item], won: list[int]) -> None:
        async def replace(me: int) -> None:
            writes = [
                Put(key=item.key, document={"by": me}, if_version=item.version) for item in seen
            ]
            try:
                await kv.transact(table, writes[:: 1 if me % 2 else -1])
            except (ConflictError, PreconditionFailedError):
                return
            won.append(me)

        async with anyio.create_task_group() as tasks:
            for me in range(WORKERS):
                tasks.start_soon(replace, me)
