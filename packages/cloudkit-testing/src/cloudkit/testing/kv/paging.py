"""Long listings: pages, tokens and limits, for queries and scans alike."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.kv import Key, KeyValueStore, Put, attr
from cloudkit.common import ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.kv.suite import KeyValueSuite, Watched, seed
from cloudkit.testing.outcome import behaviour

SOME, MANY = 7, 300
KIB = 1024


def keys_in(partition: str, count: int) -> list[Key]:
    """Keys in order."""
    return [Key(partition, f"{index:04}") for index in range(count)]


class PagingBehaviours(KeyValueSuite):
    """A listing is complete and gives nothing twice, however it is cut."""

    __test__ = False

    @pytest.fixture
    async def several(self, kv: KeyValueStore, sorted_table: str) -> str:
        """A partition with a few items."""
        partition = self.fresh_name("item")
        documents = {k: {"n": n, "odd": n % 2 == 1} for n, k in enumerate(keys_in(partition, SOME))}
        await seed(kv, sorted_table, documents)
        return partition

    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    @pytest.mark.parametrize("size", [1, 2, 3, SOME, SOME + 1])
    async def test_a_query_comes_in_pages(
        self, kv: KeyValueStore, sorted_table: str, several: str, size: int, descending: bool
    ) -> None:
        pager = kv.query(sorted_table, several, page_size=size, descending=descending)
        pages = [page async for page in pager.pages()]
        assert all(len(page.items) <= size for page in pages)
        expected = list(range(SOME))[:: -1 if descending else 1]
        assert [item["n"] for page in pages for item in page.items] == expected
        assert [page.next_token is None for page in pages] == [False] * (len(pages) - 1) + [True]

    @pytest.mark.parametrize("size", [1, 2, 3])
    async def test_a_filtered_query_comes_in_pages(
        self, kv: KeyValueStore, sorted_table: str, several: str, size: int
    ) -> None:
        pager = kv.query(sorted_table, several, filter=attr("odd") == True, page_size=size)  # noqa: E712
        pages = [page async for page in pager.pages()]
        assert all(len(page.items) <= size for page in pages)
        assert [item["n"] for page in pages for item in page.items] == [1, 3, 5]

    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    async def test_a_query_continues_after_the_page_of_a_token(
        self, kv: KeyValueStore, sorted_table: str, several: str, descending: bool
    ) -> None:
        found: list[int] = []
        token = None
        for _ in range(SOME + 1):
            pager = kv.query(
                sorted_table, several, page_size=2, page_token=token, descending=descending
            )
            page = await anext(pager.pages())
            found += [item["n"] for item in page.items]
            token = page.next_token
            if token is None:
                break
        assert found == list(range(SOME))[:: -1 if descending else 1]

    async def test_a_token_survives_writes_to_pages_already_read(
        self, kv: KeyValueStore, sorted_table: str, several: str
    ) -> None:
        first = await anext(kv.query(sorted_table, several, page_size=3).pages())
        seen = [item["n"] for item in first.items]
        assert seen == list(range(len(seen)))
        assert first.next_token is not None
        await kv.delete(sorted_table, first.items[-1].key)
        await kv.put(sorted_table, (several, "000"), {"n": -1})
        rest = kv.query(sorted_table, several, page_size=3, page_token=first.next_token)
        assert [item["n"] async for item in rest] == list(range(len(seen), SOME))

    @pytest.mark.parametrize("size", [None, 1, 2, 100])
    async def test_a_query_ends_at_its_limit(
        self, kv: KeyValueStore, sorted_table: str, several: str, size: int | None
    ) -> None:
        for limit in (1, 2, SOME, SOME + 5):
            items = kv.query(sorted_table, several, limit=limit, page_size=size)
            assert [item["n"] async for item in items] == list(range(min(limit, SOME)))

    @pytest.mark.parametrize("size", [None, 1, 2])
    async def test_a_limit_counts_what_the_filter_lets_through(
        self, kv: KeyValueStore, sorted_table: str, several: str, size: int | None
    ) -> None:
        late = attr("n") >= 3
        items = kv.query(sorted_table, several, filter=late, limit=2, page_size=size)
        assert [item["n"] async for item in items] == [3, 4]

    async def test_300_items_of_a_partition_come_once_and_in_order(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition = self.fresh_name("item")
        keys = keys_in(partition, MANY)
        await seed(kv, sorted_table, {key: {"n": n} for n, key in enumerate(keys)})
        everything = list(range(MANY))
        assert [item["n"] async for item in kv.query(sorted_table, partition)] == everything
        backwards = kv.query(sorted_table, partition, descending=True)
        assert [item["n"] async for item in backwards] == everything[::-1]
        paged = kv.query(sorted_table, partition, page_size=47)
        assert [item["n"] async for item in paged] == everything
        few = kv.query(sorted_table, partition, filter=attr("n").is_in(0, 150, 299))
        assert [item["n"] async for item in few] == [0, 150, 299]
        last = kv.query(sorted_table, partition, filter=attr("n") > 290, limit=3)
        assert [item["n"] async for item in last] == [291, 292, 293]

    async def test_a_partition_larger_than_one_answer_comes_whole(
        self, kv: KeyValueStore, sorted_table: str
    ) -> None:
        partition, text = self.fresh_name("item"), "x" * 60 * KIB
        keys = keys_in(partition, 40)
        writes = [Put(key=key, document={"n": n, "text": text}) for n, key in enumerate(keys)]
        for start in range(0, len(writes), 10):
            for result in await kv.batch_write(sorted_table, writes[start : start + 10]):
                assert result.value
        found = [item async for item in kv.query(sorted_table, partition)]
        assert [item.key for item in found] == keys
        assert all(item["text"] == text for item in found)
        results = await kv.batch_get(sorted_table, keys)
        assert [result.value and result.value["n"] for result in results] == list(range(40))

    @behaviour("scan")
    async def test_a_scan_gives_every_item_once(self, kv: KeyValueStore, cleanup: Cleanup) -> None:
        table = await self.new_table(kv, cleanup, sort_key="sk")
        assert await kv.scan(table).to_list() == []
        keys = [Key(f"p{n % 9}", f"{n:03}") for n in range(120)]
        await seed(kv, table, {key: {"n": n} for n, key in enumerate(keys)})
        for size in (None, 1, 7, 1000):
            pages = [page async for page in kv.scan(table, page_size=size).pages()]
            assert all(len(page.items) <= (size or MANY) for page in pages)
            items = [item for page in pages for item in page.items]
            assert sorted(item["n"] for item in items) == list(range(120))
            assert {item["n"]: item.key for item in items} == dict(enumerate(keys))

    @behaviour("scan")
    async def test_a_scan_of_a_table_without_sort_key_gives_every_item_once(
        self, kv: KeyValueStore, cleanup: Cleanup
    ) -> None:
        table = await self.new_table(kv, cleanup)
        await seed(kv, table, {f"key-{n}": {"n": n} for n in range(30)})
        items = await kv.scan(table, page_size=4).to_list()
        assert {item.key: item["n"] for item in items} == {Key(f"key-{n}"): n for n in range(30)}

    @behaviour("scan")
    @pytest.mark.parametrize("size", [None, 1, 3])
    async def test_a_scan_filters_pages_and_ends_at_its_limit(
        self, kv: KeyValueStore, sorted_table: str, several: str, size: int | None
    ) -> None:
        mark = self.fresh_name("mark")
        keys = [Key(f"{several}-{n}", "s") for n in range(6)]
        await seed(kv, sorted_table, {key: {"mark": mark, "n": n} for n, key in enumerate(keys)})
        mine = attr("mark") == mark
        items = [item async for item in kv.scan(sorted_table, filter=mine, page_size=size)]
        assert sorted(item["n"] for item in items) == list(range(6))
        some = mine & (attr("n") < 4)
        items = await kv.scan(sorted_table, filter=some, limit=3, page_size=size).to_list()
        assert len({item["n"] for item in items} & {0, 1, 2, 3}) == len(items) == 3
        assert len(await kv.scan(sorted_table, limit=2, page_size=size).to_list()) == 2

    @behaviour("scan")
    async def test_a_scan_continues_after_the_page_of_a_token(
        self, kv: KeyValueStore, sorted_table: str, several: str
    ) -> None:
        first = await anext(kv.scan(sorted_table, page_size=2).pages())
        assert first.next_token is not None
        rest = await kv.scan(sorted_table, page_token=first.next_token).to_list()
        keys = [item.key for item in (*first.items, *rest)]
        assert len(keys) == len(set(keys))
        assert set(keys_in(several, SOME)) <= set(keys)

    @pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": -1}, {"page_size": 0}], ids=str)
    async def test_sizes_below_one_are_refused_before_sending(
        self, watched: Watched, arguments: dict[str, Any]
    ) -> None:
        kv, table = watched.kv, self.fresh_name("table")
        with pytest.raises(ValidationError):
            kv.query(table, "partition", **arguments)
        if kv.capabilities.scan:
            with pytest.raises(ValidationError):
                kv.scan(table, **arguments)
        assert watched.faults.count() == 0
