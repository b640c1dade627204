"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import anyio

POLL_SECONDS = 0.02


async def eventually(
    condition: Callable[[], Any],
    timeout: float = 10.0,
    *,
    poll: float = POLL_SECONDS,
) -> Any:
    """Wait until something is true; for what a service does in its own time.

    Args:
        condition: Asked again and again, a plain or an async function. Errors pass through.
        timeout: Seconds until the test fails.
        poll: Seconds between two questions; a slow or costly service wants more.

    Returns:
        The first true value.

    Raises:
        AssertionError: It was not true in time; the message shows the last value.
    """
    deadline = anyio.current_time() + timeout
    while True:
        answer = condition()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if anyio.current_time() >= deadline:
            raise AssertionError(f"not true within {timeout:g} s; the last value was {value!r}")
        await anyio.sleep(poll)
