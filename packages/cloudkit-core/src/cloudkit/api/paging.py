"""Listings: items one after the other, fetched page by page as they are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")
U = TypeVar("U")


@frozen
class Page(Generic[T]):
    """A part of a listing.

    Attributes:
        items: The items, in order. A page may be empty although others follow.
        next_token: Opaque token to continue after this page; None on the last page.
    """

    items: Sequence[T]
    next_token: str | None = None


class Pager(Generic[T]):
    """An async iterable over items that fetches a page when the one before is used up.

    Args:
        fetch: Fetches the page that a token stands for; None stands for the first.
        token: Where to begin.
        limit: Most items in all, or None.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Awaitable[Page[T]]],
        *,
        token: str | None = None,
        limit: int | None = None,
    ) -> None:
        self._fetch = fetch
        self._token = token
        self._limit = limit

    def pages(self) -> AsyncIterator[Page[T]]:
        """The pages themselves, with the token that continues after each.

        A last page that a limit cut short has none.

        The iteration may be left at any time. After an error it can be gone on with: the next step
        fetches the same page again.

        Raises:
            CloudError: A page could not be fetched. Pages already given stay valid.
        """
        return _Pages(self._fetch, self._token, self._limit)

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(self.pages())

    def map_pages(self, change: Callable[[Page[T]], Page[U]]) -> Pager[U]:
        """The same listing with each page changed as it comes; tokens stay valid."""

        async def fetch(token: str | None) -> Page[U]:
            return change(await self._fetch(token))

        return Pager(fetch, token=self._token, limit=self._limit)

    async def to_list(self) -> list[T]:
        """All items at once.

        Raises:
            CloudError: A page could not be fetched.
        """
        return [item async for item in self]


# Classes and not generators: a generator that is left early on trio must be closed by hand.


class _Pages(AsyncIterator[Page[T]]):
    def __init__(
        self,
        fetch: Callable[[str | None], Awaitable[Page[T]]],
        token: str | None,
        left: int | None,
    ) -> None:
        self._fetch = fetch
        self._token = token
        self._left = left
        self._ended = left is not None and left <= 0

    async def __anext__(self) -> Page[T]:
        if self._ended:
            raise StopAsyncIteration
        page = await self._fetch(self._token)
        if self._left is not None:
            if len(page.items) > self._left:
                # The service's token would go on behind the items that are left out here.
                page = Page(page.items[: self._left])
            self._left -= len(page.items)
        self._token = page.next_token
        self._ended = page.next_token is None or self._left == 0
        return page


class _Items(AsyncIterator[T]):
    def __init__(self, pages: AsyncIterator[Page[T]]) -> None:
        self._pages = pages
        self._items: Iterator[T] = iter(())

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            page = await anext(self._pages)
            self._items = iter(page.items)
