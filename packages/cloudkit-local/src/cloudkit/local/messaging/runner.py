"""Runs what the provider does on its own account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import anyio
from cloudkit.common import CloudError
from cloudkit.spi import AnyOperation, OperationRunner

T = TypeVar("T")
OperationT = TypeVar("OperationT", bound=AnyOperation)

_PAUSE = 0.5
_ATTEMPTS = 5


class InlineRunner(OperationRunner):
    """Runs hooks as they are: nobody asked for these operations, so nobody counts or logs them.

    Args:
        translate: Turns errors of SQLite into CloudErrors; None for what is none.
    """

    def __init__(self, translate: Callable[[Exception], CloudError | None]) -> None:
        self._translate = translate

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return "local"

    async def run(self, operation: OperationT, hook: Callable[[OperationT], Awaitable[T]]) -> T:
        """Run the hook once.

        Raises:
            CloudError: It failed.
        """
        try:
            return await hook(operation)
        except Exception as error:
            translated = self.translate(error, operation)
            if translated is error:
                raise
            raise translated from error

    def translate(self, error: Exception, operation: AnyOperation) -> Exception:
        """The CloudError of the provider's own translation."""
        return error if isinstance(error, CloudError) else self._translate(error) or error

    async def wait_to_retry(self, error: CloudError, attempt: int, operation: AnyOperation) -> bool:
        """A few attempts, for what may pass."""
        if not error.retryable or attempt >= _ATTEMPTS:
            return False
        await anyio.sleep(_PAUSE)
        return True

    def deadline(self, operation: AnyOperation) -> AbstractContextManager[None]:
        """There is none."""
        return nullcontext()
