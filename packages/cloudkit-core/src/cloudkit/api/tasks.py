"""Task groups whose errors come out one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def flat_task_group() -> AsyncIterator[TaskGroup]:
    """A task group that raises the first error of its tasks instead of a group of them.

    The other tasks are cancelled, as always; what they raise while they are is of no use to a caller
    who asked for one thing.
    """
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        error = _first(group)
        raise error from error.__cause__  # the native error stays where it is


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
