"""Batches for services that have no request for several items: a call each, with an outcome each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
from cloudkit.common import ClientClosedError, CloudError, CloudResult

T = TypeVar("T")
ItemT = TypeVar("ItemT")


async def call_each(
    items: Sequence[ItemT],
    call: Callable[[ItemT], Awaitable[T]],
    translate: Callable[[Exception], Exception],
) -> list[CloudResult[T]]:
    """Make a call for each of several items, all at once. None fails for another.

    Args:
        items: What it is made for.
        call: Makes it.
        translate: Makes a CloudError of a native error that is an item's own outcome.

    Returns:
        What came of each, in order.

    Raises:
        Exception: One that is no item's own: what ``translate`` gives that is no CloudError, or
            that the client is closed. The other calls have ended by then.
    """
    results: dict[int, CloudResult[T]] = {}
    general: list[Exception] = []

    async def one(index: int) -> None:
        try:
            results[index] = CloudResult.success(await call(items[index]))
        except Exception as error:  # noqa: BLE001  # it is the item's outcome, or raised below
            failure = translate(error)
            if isinstance(failure, CloudError) and not isinstance(failure, ClientClosedError):
                results[index] = CloudResult.failure(failure)
            else:
                general.append(failure)

    async with anyio.create_task_group() as tasks:
        for index in range(len(items)):
            tasks.start_soon(one, index)
    if general:
        raise general[0]
    return [results[index] for index in range(len(items))]
