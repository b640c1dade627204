"""Removing what a test created, whatever became of the test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from cloudkit.common import NotFoundError

SECONDS = 60.0


class Cleanup:
    """Calls to make at the end of a test, the last first. What is gone already is fine."""

    def __init__(self) -> None:
        self._calls: list[tuple[Callable[..., Awaitable[Any]], tuple[Any, ...]]] = []

    def later(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Note a call.

        Args:
            function: For example ``storage.delete_bucket``.
            *args: Its arguments.
        """
        self._calls.append((function, args))

    async def run(self) -> None:
        """Make all calls, also when some of them fail.

        Raises:
            ExceptionGroup: What failed, but for NotFoundErrors.
        """
        errors: list[Exception] = []
        with anyio.move_on_after(SECONDS, shield=True):
            while self._calls:
                function, args = self._calls.pop()
                try:
                    await function(*args)
                except NotFoundError:
                    continue
                except Exception as error:  # noqa: BLE001  (the other calls must still be made)
                    errors.append(error)
        if self._calls:
            errors.append(TimeoutError(f"{len(self._calls)} calls were not made in {SECONDS:g} s"))
        if errors:
            raise ExceptionGroup("not everything that the test created could be removed", errors)
