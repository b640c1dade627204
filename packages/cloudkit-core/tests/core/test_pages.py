"""Pages of listings that are fetched whole."""

from __future__ import annotations

import pytest
from attrs import frozen
from cloudkit.api.paging import Page
from cloudkit.common import NotFoundError
from cloudkit.core.pages import described, page_of

pytestmark = pytest.mark.anyio


@frozen
class Wanted:
    """What an operation asks for."""

    page_size: int | None = None
    page_token: str | None = None


def test_pages_are_in_order_and_leave_nothing_out():
    names, token = [], None
    for _ in range(3):
        page = page_of(["d", "b", "a", "e", "c"], Wanted(2, token), 100, name=str)
        names.append(list(page.items))
        token = page.next_token
    assert names == [["a", "b"], ["c", "d"], ["e"]]
    assert token is None


def test_a_page_that_ends_with_the_last_is_the_last():
    assert page_of(["a", "b"], Wanted(2), 100, name=str).next_token is None
    assert page_of([], Wanted(), 100, name=str) == Page([])


def test_no_page_is_larger_than_there_may_be():
    page = page_of(["c", "b", "a"], Wanted(10), 2, name=str)
    assert (list(page.items), page.next_token) == (["a", "b"], "b")
    assert len(page_of(["c", "b", "a"], Wanted(), 2, name=str).items) == 2


def test_what_goes_between_two_pages_is_not_missed():
    page = page_of(["a", "d"], Wanted(1), 100, name=str)
    rest = page_of(["b", "c", "d"], Wanted(None, page.next_token), 100, name=str)
    assert list(rest.items) == ["b", "c", "d"]


async def test_what_was_deleted_meanwhile_is_left_out():
    async def describe(name: str) -> str | None:
        return None if name == "b" else name.upper()

    page = await described(Page(["a", "b", "c"], "c"), describe)
    assert (list(page.items), page.next_token) == (["A", "C"], "c")


async def test_a_failure_is_raised_as_it_is():
    async def describe(name: str) -> str | None:
        if name == "b":
            raise NotFoundError("gone")
        return name

    with pytest.raises(NotFoundError, match="gone"):
        await described(Page(["a", "b"]), describe)
