"""Pages of what a service lists in no order that it documents, so that all of it is fetched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from operator import attrgetter
from typing import Protocol, TypeVar

from cloudkit.api.paging import Page
from cloudkit.api.tasks import flat_task_group

T = TypeVar("T")
InfoT = TypeVar("InfoT")

_NAME: Callable[[object], str] = attrgetter("name")


class Listing(Protocol):
    """An operation that asks for one page."""

    @property
    def page_size(self) -> int | None:
        """Most items of the page; None for as many as there may be."""

    @property
    def page_token(self) -> str | None:
        """Where the page before has ended; None to begin."""


def page_of(
    items: Iterable[T], op: Listing, most: int, *, name: Callable[[T], str] = _NAME
) -> Page[T]:
    """One page, in the order of names. A token is the last name of the page before.

    Args:
        items: All of them, each of another name.
        op: What is asked for.
        most: Most items of a page.
        name: Tells an item's name; its attribute ``name`` does when not given.
    """
    after = op.page_token or ""
    left = sorted((item for item in items if name(item) > after), key=name)
    size = min(op.page_size or most, most)
    return Page(left[:size], name(left[size - 1]) if len(left) > size else None)


async def described(
    names: Page[str], describe: Callable[[str], Awaitable[InfoT | None]]
) -> Page[InfoT]:
    """A page of names with what stands behind each; all are asked for at once.

    Args:
        names: The names.
        describe: Asks for one; None when it was deleted meanwhile, which leaves it out.

    Raises:
        Exception: What the first one that failed has raised.
    """
    infos: dict[str, InfoT] = {}

    async def look(name: str) -> None:
        info = await describe(name)
        if info is not None:
            infos[name] = info

    async with flat_task_group() as tasks:
        for name in names.items:
            tasks.start_soon(look, name)
    return Page([infos[name] for name in names.items if name in infos], names.next_token)
