"""Listings fetch pages as they are needed, and may be left at any time."""

from __future__ import annotations

import pytest
from cloudkit.api.paging import Page, Pager

pytestmark = pytest.mark.anyio

PAGES = {None: Page([0, 1, 2], "a"), "a": Page([], "b"), "b": Page([3], "c"), "c": Page([4, 5])}


class Listing:
    def __init__(self) -> None:
        self.fetched: list[str | None] = []
        self.failures = 0

    async def fetch(self, token: str | None) -> Page[int]:
        self.fetched.append(token)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("try again")
        return PAGES[token]


@pytest.fixture
def listing() -> Listing:
    return Listing()


async def test_items_come_in_order(listing):
    assert await Pager(listing.fetch).to_list() == [0, 1, 2, 3, 4, 5]
    assert listing.fetched == [None, "a", "b", "c"]


async def test_empty_pages_are_shown_as_pages(listing):
    pages = [page async for page in Pager(listing.fetch).pages()]
    assert pages == list(PAGES.values())


@pytest.mark.parametrize(
    ("limit", "fetched"),
    [(0, []), (1, [None]), (3, [None]), (4, [None, "a", "b"]), (99, [None, "a", "b", "c"])],
)
async def test_limit(listing, limit, fetched):
    assert await Pager(listing.fetch, limit=limit).to_list() == list(range(min(limit, 6)))
    assert listing.fetched == fetched


async def test_a_pager_begins_at_its_token_and_anew_each_time(listing):
    pager = Pager(listing.fetch, token="b")
    assert await pager.to_list() == [3, 4, 5]
    assert await pager.to_list() == [3, 4, 5]


async def test_leaving_early_leaves_nothing_behind(listing):
    # A generator that is not closed would warn on trio, and a warning is an error here.
    async for item in Pager(listing.fetch):
        if item == 1:
            break
    assert await anext(Pager(listing.fetch).pages()) == PAGES[None]
    assert listing.fetched == [None, None]


async def test_pages_go_on_after_an_error(listing):
    pages = Pager(listing.fetch).pages()
    await anext(pages)
    listing.failures = 1
    with pytest.raises(ConnectionError):
        await anext(pages)
    assert [page async for page in pages] == [PAGES["a"], PAGES["b"], PAGES["c"]]
    with pytest.raises(StopAsyncIteration):
        await anext(pages)


async def test_pages_can_be_changed_as_they_come(listing):
    pager = Pager(listing.fetch, token="b", limit=2)
    doubled = pager.map_pages(lambda page: Page([n * 2 for n in page.items], page.next_token))
    assert await doubled.to_list() == [6, 8]


@pytest.mark.anyio
async def test_a_page_that_a_limit_cut_short_gives_no_token_that_would_skip_items() -> None:
    async def fetch(token: str | None) -> Page[int]:
        first = int(token or 0)
        return Page(list(range(first, first + 4)), str(first + 4))

    pages = [page async for page in Pager(fetch, limit=6).pages()]
    assert [list(page.items) for page in pages] == [[0, 1, 2, 3], [4, 5]]
    assert [page.next_token for page in pages] == ["4", None]
    exact = [page async for page in Pager(fetch, limit=4).pages()]
    assert exact[-1].next_token == "4"
