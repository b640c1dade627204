"""Conditions: every operator on every kind of value, as a filter and as what a write asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
from cloudkit.api.kv import Condition, Item, Key, KeyValueStore, attr
from cloudkit.common import (
    NotFoundError,
    PreconditionFailedError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.expressions import CONDITIONS, DOCUMENTS
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, assert_unchanged, read, seed
from cloudkit.testing.outcome import behaviour

NOT_CONDITIONS: list[Any] = ["age >= 18", True, 1, attr("a"), {"a": 1}, lambda document: True]


def keys_in(partition: str) -> list[Key]:
    """A key for each of the documents."""
    return [Key(partition, f"{index:03}") for index in range(len(DOCUMENTS))]


def matching(condition: Condition) -> list[int]:
    """The documents for which a condition holds, by the reference."""
    return [index for index, document in enumerate(DOCUMENTS) if condition.matches(document)]


async def found(items: AsyncIterator[Item], partition: str) -> list[int]:
    """The documents that came back, exactly as they were written."""
    indexes = []
    async for item in items:
        if item.key.partition == partition:
            indexes.append(int(item.key.sort or ""))
            assert_same(item.document, DOCUMENTS[indexes[-1]])
    return indexes


class ConditionBehaviours(KeyValueSuite):
    """A condition holds where ``Condition.matches`` says so, whoever evaluates it."""

    __test__ = False

    @pytest.fixture
    async def varied(self, kv: KeyValueStore, sorted_table: str) -> str:
        """A partition with all the documents."""
        partition = self.fresh_name("item")
        await seed(kv, sorted_table, dict(zip(keys_in(partition), DOCUMENTS, strict=True)))
        return partition

    @pytest.mark.parametrize("operator", CONDITIONS)
    async def test_a_query_finds_what_the_filter_describes(
        self, kv: KeyValueStore, sorted_table: str, varied: str, operator: str
    ) -> None:
        for condition in CONDITIONS[operator]:
            items = aiter(kv.query(sorted_table, varied, filter=condition))
            assert await found(items, varied) == matching(condition), condition

    @behaviour("scan")
    async def test_a_scan_finds_what_the_filter_describes(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        table = await self.new_table(kv, cleanup, sort_key="sk")  # a scan reads all that is there
        await seed(kv, table, dict(zip(keys_in("p"), DOCUMENTS, strict=True)))
        for condition in (one for several in CONDITIONS.values() for one in several):
            items = aiter(kv.scan(table, filter=condition))
            assert sorted(await found(items, "p")) == matching(condition), condition

    @behaviour("conditions")
    @pytest.mark.parametrize("operator", CONDITIONS)
    async def test_a_put_happens_just_where_its_condition_holds(
        self, kv: KeyValueStore, sorted_table: str, varied: str, operator: str
    ) -> None:
        keys = keys_in(varied)
        for condition in CONDITIONS[operator]:
            for index in _some(matching(condition)):
                await kv.put(sorted_table, keys[index], DOCUMENTS[index], condition=condition)
            for index in _some(_others(matching(condition))):
                with pytest.raises(PreconditionFailedError):
                    await kv.put(sorted_table, keys[index], {"lost": 1}, condition=condition)
        unchanged = await found(aiter(kv.query(sorted_table, varied)), varied)
        assert unchanged == list(range(len(DOCUMENTS)))

    @behaviour("conditions")
    async def test_a_condition_that_fails_changes_nothing(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1, "b": {"c": 1}})
        before = await read(kv, table, key)
        wrong = (attr("a") == 2) | (attr("b.c") > 1)
        for call in (
            partial(kv.put, table, key, {"a": 2}, condition=wrong),
            partial(kv.delete, table, key, condition=wrong),
            partial(kv.update, table, key, set={"a": 2}, remove=["b"], condition=wrong),
        ):
            with pytest.raises(PreconditionFailedError) as caught:
                await call()
            assert key in str(caught.value)
            await assert_unchanged(kv, table, before)

    @behaviour("conditions")
    async def test_a_condition_that_holds_lets_the_write_happen(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        await kv.put(table, key, {"a": 1, "b": {"c": 1}})
        right = (attr("a") == 1) & (attr("b.c") <= 1)
        await kv.update(table, key, increment={"b.c": -1}, condition=right)
        await kv.put(table, key, {"a": 1, "b": {"c": 0.5}}, condition=right)
        assert_same((await read(kv, table, key)).document, {"a": 1, "b": {"c": 0.5}})
        await kv.delete(table, key, condition=right)
        assert not await kv.exists(table, key)

    @behaviour("conditions")
    async def test_a_missing_item_counts_as_an_empty_document(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        for condition in (attr("a") == 1, attr("a").exists(), attr("a") < 2):
            with pytest.raises(PreconditionFailedError):
                await kv.put(table, key, {"a": 1}, condition=condition)
            with pytest.raises(PreconditionFailedError):
                await kv.delete(table, key, condition=condition)
        assert not await kv.exists(table, key)
        for condition in (attr("a").not_exists(), attr("a") != 1, ~(attr("a") > 1)):
            await kv.delete(table, key, condition=condition)
            await kv.put(table, key, {"b": 1}, condition=condition)
            await kv.delete(table, key)

    @behaviour("conditions")
    async def test_a_version_and_a_condition_must_both_hold(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        stale = await kv.put(table, key, {"a": 1})
        version = await kv.put(table, key, {"a": 1})
        before = await read(kv, table, key)
        right, wrong = attr("a") == 1, attr("a") == 2
        for if_version, condition in ((stale, right), (version, wrong), (stale, wrong)):
            with pytest.raises(PreconditionFailedError):
                await kv.put(table, key, {}, if_version=if_version, condition=condition)
            with pytest.raises(PreconditionFailedError):
                await kv.delete(table, key, if_version=if_version, condition=condition)
            with pytest.raises(PreconditionFailedError):
                await kv.update(
                    table, key, set={"a": 3}, if_version=if_version, condition=condition
                )
        await assert_unchanged(kv, table, before)
        await kv.put(table, key, {"a": 2}, if_version=version, condition=right)
        assert (await read(kv, table, key)).document == {"a": 2}

    @behaviour("conditions")
    async def test_creation_may_ask_for_a_condition_too(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {}, if_absent=True, condition=attr("a").exists())
        await kv.put(table, key, {}, if_absent=True, condition=attr("a").not_exists())
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {}, if_absent=True, condition=attr("a").not_exists())

    @behaviour("conditions")
    async def test_a_conditional_delete_that_must_find_an_item_says_what_failed(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        with pytest.raises(NotFoundError):
            await kv.delete(table, key, condition=attr("a").not_exists(), missing_ok=False)
        await kv.put(table, key, {"a": 1})
        with pytest.raises(PreconditionFailedError):
            await kv.delete(table, key, condition=attr("a").not_exists(), missing_ok=False)
        assert await kv.exists(table, key)

    @pytest.mark.parametrize("wrong", NOT_CONDITIONS, ids=lambda wrong: type(wrong).__name__)
    async def test_what_is_no_condition_is_refused_before_sending(
        self, watched: Watched, wrong: Any
    ) -> None:
        kv, table = watched.kv, self.fresh_name("table")
        for call in (
            partial(kv.put, table, "key", {}, condition=wrong),
            partial(kv.delete, table, "key", condition=wrong),
            partial(kv.update, table, "key", set={"a": 1}, condition=wrong),
        ):
            with pytest.raises(ValidationError):
                await call()
        with pytest.raises(ValidationError):
            kv.query(table, "partition", filter=wrong)
        with pytest.raises((ValidationError, UnsupportedOperationError)):
            kv.scan(table, filter=wrong)
        assert watched.faults.count() == 0


def _some(indexes: Sequence[int]) -> set[int]:
    """The first, one from the middle and the last: trying all would be thousands of writes."""
    return {indexes[0], indexes[len(indexes) // 2], indexes[-1]} if indexes else set()


def _others(indexes: Sequence[int]) -> list[int]:
    return [index for index in range(len(DOCUMENTS)) if index not in indexes]
