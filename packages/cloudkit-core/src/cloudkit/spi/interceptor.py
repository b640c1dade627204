"""Code of the user's around every operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cloudkit.spi.operation import AnyOperation


class Interceptor:
    """Sees every operation and its outcome. Override one or both methods.

    Interceptors nest: the first of the list is the outermost. Each may look at the operation, hand
    on another one of the same class, look at or replace the result, raise, or not proceed at all.
    """

    async def around_operation(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Around an operation with all its retries.

        Args:
            operation: What was asked for.
            proceed: Carries it out.

        Returns:
            The result of the operation.
        """
        return await proceed(operation)

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Around one attempt; what it raises is subject to the retry policy.

        Args:
            operation: What is attempted.
            proceed: Makes the attempt.

        Returns:
            The result of the attempt.
        """
        return await proceed(operation)
