"""Functions: code that runs elsewhere."""

from __future__ import annotations

from typing import Any, TypeAlias

from cloudkit.api.functions.hooks import FunctionsHooks
from cloudkit.api.functions.models import FunctionInfo, Invocation, InvokeResult
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.json import to_json
from cloudkit.api.paging import Pager

Payload: TypeAlias = bytes | bytearray | memoryview | str | None
"""Bytes, a text that is sent as UTF-8, or None for nothing."""


class Functions(FunctionsHooks):
    """Functions that are deployed already, by name.

    A function that fails gives a result with ``error``; only a call that fails raises. Invocations
    are not repeated after a failure that leaves open whether the function ran.

    Every method may raise AuthenticationError, PermissionDeniedError, NetworkError,
    OperationTimeoutError, RateLimitedError and ServiceUnavailableError besides those it lists. An
    invocation that is cancelled may still run to its end.
    """

    async def invoke(
        self,
        function: str,
        payload: Payload = None,
        *,
        qualifier: str | None = None,
        logs: bool = False,
    ) -> InvokeResult:
        """Call a function and wait for its answer.

        Args:
            function: Its name.
            payload: What it gets.
            qualifier: A version or alias.
            logs: Whether to fetch the tail of its log.

        Raises:
            NotFoundError: There is no such function.
            PayloadTooLargeError: The payload is larger than the service takes.
            OperationTimeoutError: It took longer than the client's ``timeout``.
        """
        operation = Invoke(function=function, payload=payload, qualifier=qualifier, logs=logs)
        return await self._run(operation, self._invoke)

    async def invoke_json(
        self, function: str, value: Any = None, *, qualifier: str | None = None, logs: bool = False
    ) -> InvokeResult:
        """Call a function with a value as JSON; ``result.json()`` is its answer.

        Raises:
            SerializationError: JSON cannot say the value.
            CloudError: As for ``invoke``.
        """
        return await self.invoke(function, to_json(value), qualifier=qualifier, logs=logs)

    async def invoke_async(
        self, function: str, payload: Payload = None, *, qualifier: str | None = None
    ) -> Invocation:
        """Have a function called, and do not wait for it.

        Args:
            function: Its name.
            payload: What it gets.
            qualifier: A version or alias.

        Raises:
            NotFoundError: There is no such function.
            PayloadTooLargeError: The payload is larger than the service takes.
        """
        operation = InvokeAsync(function=function, payload=payload, qualifier=qualifier)
        return await self._run(operation, self._invoke_async)

    async def function_exists(self, function: str) -> bool:
        """Whether a function exists."""
        return await self._run(FunctionExists(function=function), self._function_exists)

    def list_functions(
        self, *, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[FunctionInfo]:
        """The functions, by name.

        Args:
            page_size: Most functions fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListFunctions(page_size=page_size, page_token=token),
            self._list_functions,
            token=page_token,
        )
