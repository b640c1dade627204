"""A time limit that ends in an error of CloudKit's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

import anyio
from cloudkit.common import CloudError
from cloudkit.spi import AnyOperation


class Deadline(AbstractContextManager[None]):
    """Cancels a block that takes too long, and raises in its place.

    A cancellation that comes from outside, and limits of scopes around this one, are left alone.

    Args:
        limit: Seconds the block may take.
        operation: What it belongs to.
        expired: Makes the error from these two.
    """

    __slots__ = ("_expired", "_limit", "_operation", "_scope")

    def __init__(
        self,
        limit: float,
        operation: AnyOperation,
        expired: Callable[[float, AnyOperation], CloudError],
    ) -> None:
        self._limit = limit
        self._operation = operation
        self._expired = expired

    def __enter__(self) -> None:
        self._scope = anyio.CancelScope(deadline=anyio.current_time() + self._limit)
        self._scope.__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        swallowed = bool(self._scope.__exit__(exc_type, exc, traceback))
        if self._scope.cancelled_caught:
            raise self._expired(self._limit, self._operation) from None
        return swallowed
