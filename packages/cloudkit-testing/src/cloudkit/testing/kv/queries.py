"""Queries: the items of one partition, in order and by their sort keys."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.kv import Key, KeyValueStore, SortCondition, attr, sort
from cloudkit.common import ValidationError
from cloudkit.testing.kv.suite import (
    KeyValueSuite,
    Watched,
    assert_same_items,
    read,
    seed,
)

# In the order of their UTF-8 bytes; by UTF-16 the last two come the other way round.
SORTS = [
    *("\x01", " ", "#", "%", "*", "1", "10", "2", "?", "A", "Ab", "B", "[", "\\", "_", "a", "a%"),
    *("a/b", "aB", "a_", "aa", "ab", "abc", "b", "~", "\x7f", "ä", "日本", "\uffff", "\U00010000"),
]
CONDITIONS: dict[str, list[SortCondition]] = {
    "equal": [sort == value for value in (*SORTS, "missing")],
    "less": [sort < value for value in ("\x01", "2", "a", "ab", "aba", "ä", "\U00010000")],
    "less or equal": [sort <= value for value in ("\x01", "2", "a", "ab", "aba", "\uffff")],
    "greater": [sort > value for value in ("\x01", "2", "a", "ab", "aba", "\uffff", "\U00010000")],
    "greater or equal": [sort >= value for value in ("\x01", "2", "a", "ab", "aba", "\U00010000")],
    "between": [
        sort.between(low, high)
        for low, high in (
            ("a", "b"),
            ("a", "a"),
            ("A", "Z"),
            ("a%", "aa"),
            ("\uffff", "\U0010ffff"),
        )
    ],
    "begins with": [
        sort.begins_with(prefix)
        for prefix in ("a", "A", "ab", "1", "%", "a%", "_", "a_", "*", "[", "?", "\\", "ä", "日")
    ]
    + [sort.begins_with("\uffff"), sort.begins_with("\U00010000"), sort.begins_with("missing")],
}


class QueryBehaviours(KeyValueSuite):
    """A query gives a partition's items in the order of their sort keys, and nobody else's."""

    __test__ = False

    @pytest.fixture
    async def shuffled(self, kv: KeyValueStore, sorted_table: str) -> str:
        """A partition with an item for each of the sort keys, written in no order."""
        partition = self.fresh_name("item")
        mixed = SORTS[1::2] + SORTS[::2][::-1]
        assert sorted(mixed) == SORTS
        documents = {
            Key(partition, value): {"sort": value, "place": SORTS.index(value)} for value in mixed
        }
        await seed(kv, sorted_table, documents)
        return partition

    async def test_all_items_come_in_the_order_of_their_sort_keys(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str
    ) -> None:
        items = await kv.query(sorted_table, shuffled).to_list()
        assert [item.key.sort for item in items] == SORTS
        assert {item.key.partition for item in items} == {shuffled}
        assert [item["place"] for item in items] == list(range(len(SORTS)))

    async def test_descending_turns_the_order_round(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str
    ) -> None:
        items = await kv.query(sorted_table, shuffled, descending=True).to_list()
        assert [item.key.sort for item in items] == SORTS[::-1]

    @pytest.mark.parametrize("operator", CONDITIONS)
    async def test_a_condition_on_the_sort_key_selects(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str, operator: str
    ) -> None:
        for condition in CONDITIONS[operator]:
            expected = [value for value in SORTS if condition.matches(value)]
            for descending in (False, True):
                items = kv.query(sorted_table, shuffled, sort=condition, descending=descending)
                found = [item.key.sort async for item in items]
                assert found == (expected[::-1] if descending else expected), condition

    async def test_an_item_comes_as_get_gives_it(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str
    ) -> None:
        await kv.update(sorted_table, (shuffled, "a"), set={"more": [1.0, None]})
        (item,) = await kv.query(sorted_table, shuffled, sort=sort == "a").to_list()
        assert_same_items([item], [await read(kv, sorted_table, item.key)])

    async def test_a_filter_selects_by_attributes(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str
    ) -> None:
        condition = (attr("place") >= 3) & (attr("place") != 5) & (attr("place") < 8)
        items = kv.query(sorted_table, shuffled, filter=condition)
        assert [item["place"] async for item in items] == [3, 4, 6, 7]
        nothing = kv.query(sorted_table, shuffled, filter=attr("place") > len(SORTS))
        assert await nothing.to_list() == []

    async def test_sort_condition_filter_order_and_limit_work_together(
        self, kv: KeyValueStore, sorted_table: str, shuffled: str
    ) -> None:
        items = kv.query(
            sorted_table,
            shuffled,
            sort=sort.between("A", "b"),
            filter=attr("place").is_in(*range(0, len(SORTS), 2)),
            descending=True,
            limit=3,
            page_size=2,
        )
        expected = [p for p, value in enumerate(SORTS) if "A" <= value <= "b" and p % 2 == 0]
        assert [item["place"] async for item in items] == expected[::-1][:3]

    async def test_an_empty_partition_has_no_items(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        assert await kv.query(sorted_table, partition).to_list() == []
        pages = [page async for page in kv.query(sorted_table, partition, page_size=1).pages()]
        assert [list(page.items) for page in pages if page.items] == []
        await kv.put(sorted_table, (partition, "a"), {})
        await kv.delete(sorted_table, (partition, "a"))
        assert await kv.query(sorted_table, partition).to_list() == []

    async def test_the_items_of_another_partition_never_show(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        name = self.fresh_name("item")
        partitions = [name, f"{name}a", f"{name}/", f"{name}%", name.upper(), f"a{name}", name[:-1]]
        keys = [Key(partition, value) for partition in partitions for value in ("a", "b", "a/b")]
        await seed(kv, sorted_table, {key: {"in": key.partition} for key in keys})
        for partition in partitions:
            items = await kv.query(sorted_table, partition).to_list()
            assert [(item["in"], item.key.sort) for item in items] == [
                (partition, value) for value in ("a", "a/b", "b")
            ]

    async def test_a_table_without_sort_key_has_one_item_a_partition(
        self, kv: KeyValueStore, table: str
    ) -> None:
        key = self.fresh_name("item")
        assert await kv.query(table, key).to_list() == []
        await kv.put(table, key, {"a": 1})
        item = await read(kv, table, key)
        assert_same_items(await kv.query(table, key).to_list(), [item])
        assert_same_items(await kv.query(table, key, filter=attr("a") == 1).to_list(), [item])
        assert await kv.query(table, key, filter=attr("a") == 2).to_list() == []

    async def test_a_query_sees_what_was_written_before_it(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        for turn in range(5):
            await kv.put(sorted_table, (partition, f"{turn}"), {"turn": turn})
            await kv.update(sorted_table, (partition, "0"), set={"turn": turn * 10})
            items = await kv.query(sorted_table, partition).to_list()
            assert [item["turn"] for item in items] == [turn * 10, *range(1, turn + 1)]
        await kv.delete(sorted_table, (partition, "2"))
        items = await kv.query(sorted_table, partition).to_list()
        assert [item.key.sort for item in items] == ["0", "1", "3", "4"]

    @pytest.mark.parametrize("wrong", ["a", ("=", "a"), 1, attr("a").exists()], ids=repr)
    async def test_what_is_no_sort_condition_is_refused_before_sending(
        self, watched: Watched, wrong: Any
    ) -> None:
        with pytest.raises(ValidationError):
            watched.kv.query(self.fresh_name("table"), "partition", sort=wrong)
        assert watched.faults.count() == 0

    async def test_a_sort_condition_that_makes_no_sense_is_refused(self) -> None:
        for make in (
            lambda: sort.between("b", "a"),
            lambda: sort.begins_with(""),
            lambda: sort == 1,
            lambda: sort != "a",
        ):
            with pytest.raises(ValidationError):
                make()
