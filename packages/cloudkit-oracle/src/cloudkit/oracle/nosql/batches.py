"""Batches: many items at once, each by a request of its own, with an outcome of its own.

The REST interface of NoSQL Database has no request for several rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
from cloudkit.common import ClientClosedError, CloudError, CloudResult
from cloudkit.oracle.nosql.answers import is_missing

T = TypeVar("T")
WantedT = TypeVar("WantedT")


async def each(
    wanted: Sequence[WantedT],
    call: Callable[[WantedT], Awaitable[T]],
    translate: Callable[[Exception], Exception],
) -> list[CloudResult[T]]:
    """Make a call for each of several, at once.

    Args:
        wanted: What it is made for.
        call: Makes it.
        translate: Makes a CloudError of a native error.

    Returns:
        What came of each, in order.

    Raises:
        Exception: An error that is nobody's own: the table is not what it was, the client is closed.
    """
    results: dict[int, CloudResult[T]] = {}
    general: list[Exception] = []

    async def one(index: int) -> None:
        try:
            results[index] = CloudResult.success(await call(wanted[index]))
        except Exception as error:  # noqa: BLE001  # it is the item's outcome, or raised below
            failure = error if is_missing(error) else translate(error)
            if isinstance(failure, CloudError) and not isinstance(failure, ClientClosedError):
                results[index] = CloudResult.failure(failure)
            else:
                general.append(failure)

    async with anyio.create_task_group() as tasks:
        for index in range(len(wanted)):
            tasks.start_soon(one, index)
    if general:
        raise general[0]
    return [results[index] for index in range(len(wanted))]
