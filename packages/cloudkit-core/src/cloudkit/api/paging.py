"""Listings: items one after the other, fetched page by page as they are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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

    async def pages(self) -> AsyncIterator[Page[T]]:
        """The pages themselves, with the token that continues after each.

        Raises:
            CloudError: A page could not be fetched. Pages already given stay valid.
        """
        token, left = self._token, self._limit
        while left is None or left > 0:
            page = await self._fetch(token)
            if left is not None:
                page = Page(page.items[:left], page.next_token)
                left -= len(page.items)
            yield page
            token = page.next_token
            if token is None:
                return

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

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
