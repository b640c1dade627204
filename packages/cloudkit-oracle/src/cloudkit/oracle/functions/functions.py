"""Functions on Oracle's Functions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from attrs import frozen
from cloudkit.api.functions import (
    FunctionFault,
    FunctionInfo,
    Functions,
    Invocation,
    InvokeResult,
)
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.paging import Page
from cloudkit.common import FunctionsCapabilities
from cloudkit.core.pages import page_of
from cloudkit.oracle.clients import OracleClients, ServiceAt
from cloudkit.oracle.errors import code_of, request_id_of, status_of
from cloudkit.oracle.functions.directory import Directory, Place
from cloudkit.spi import OperationRunner

T = TypeVar("T")

PAGE_SIZE = 50
FAILURES = frozenset(
    {
        "FunctionInvokeExecutionFailed",
        "FunctionInvokeExecutionError",
        "FunctionInvokeInvalidResponse",
        "FunctionInvokeResponseBodyTooLarge",
        "FunctionInvokeResponseHeaderTooLarge",
        "FunctionInvokeTimeout",
    }
)
"""What the service says when it was the function that failed, after it had begun:
https://docs.oracle.com/en-us/iaas/Content/Functions/Tasks/functionstroubleshooting.htm"""

STATUS = "fn-http-status"
"""Header with the status that the function itself gave."""


@frozen
class _Answer:
    body: bytes
    headers: Mapping[str, str]


class OracleFunctions(Functions):
    """Functions by display name, ``application/function`` or OCID.

    Where a function is invoked is asked once and remembered.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: FunctionsCapabilities, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._directory = Directory(clients)

    async def check_invoke(self, function: str, payload: bytes | str | None = None) -> None:
        """Ask whether a function could be invoked like this, without invoking it (a dry run).

        Args:
            function: Its name.
            payload: What it would get.

        Raises:
            NotFoundError: There is no such function.
            PermissionDeniedError: The credentials do not allow it.
            PayloadTooLargeError: The payload is larger than the service takes.
        """
        await self._run(Invoke(function=function, payload=payload), self._dry_run)

    async def _dry_run(self, op: Invoke) -> InvokeResult:
        answer = await self._call(op.function, op.payload, "sync", dry=True)
        return InvokeResult(request_id=answer.headers.get("opc-request-id"))

    async def _invoke(self, op: Invoke) -> InvokeResult:
        try:
            answer = await self._call(op.function, op.payload, "sync")
        except Exception as error:
            if code_of(error) not in FAILURES:
                raise
            return _failed(error)
        status = int(answer.headers.get(STATUS, "200"))
        return InvokeResult(
            payload=answer.body,
            error=_fault(answer.body, status) if status >= 400 else None,
            status=status,
            request_id=answer.headers.get("opc-request-id"),
        )

    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        answer = await self._call(op.function, op.payload, "detached")
        return Invocation(request_id=answer.headers.get("opc-request-id"))

    async def _function_exists(self, op: FunctionExists) -> bool:
        return await self._directory.exists(op.function)

    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        # The names of several applications stand in no order together, so all are fetched.
        found = await self._clients.run("functions_management", self._directory.list_all)
        return page_of(found, op, op.page_size or PAGE_SIZE)

    async def _call(self, name: str, payload: bytes, kind: str, *, dry: bool = False) -> _Answer:
        def call(place: Place) -> Awaitable[_Answer]:
            client = ServiceAt("functions", place.endpoint)
            return self._clients.run(client, _invoke, place.identity, payload, kind, dry)

        return await self._at_place(name, call)

    async def _at_place(self, name: str, call: Callable[[Place], Awaitable[T]]) -> T:
        """Call a function where it was; and once more where it is when it has been made anew."""
        place, remembered = await self._directory.find(name)
        try:
            return await call(place)
        except Exception as error:
            if status_of(error) != 404:
                raise
            self._directory.forget(name)
            if not remembered:
                raise
        place, _ = await self._directory.find(name)
        return await call(place)


def _invoke(client: Any, identity: str, payload: bytes, kind: str, dry: bool) -> _Answer:
    options = {"is_dry_run": True} if dry else {}
    answer = client.invoke_function(
        identity, invoke_function_body=payload, fn_invoke_type=kind, **options
    )
    return _Answer(answer.data.content, answer.headers)


def _failed(error: Exception) -> InvokeResult:
    """A function failed, and the service tells no more than that."""
    message = getattr(error, "message", None)
    return InvokeResult(
        error=FunctionFault(message=str(message or "the function failed"), kind=code_of(error)),
        status=status_of(error),
        request_id=request_id_of(error),
    )


def _fault(body: bytes, status: int) -> FunctionFault:
    """What a function tells of its failure: ``{"message": …, "type": …}``, or any text."""
    text = body.decode(errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("message"), str):
        kind = told.get("type")
        trace = told.get("trace")
        return FunctionFault(
            message=told["message"],
            kind=kind if isinstance(kind, str) else None,
            trace=trace if isinstance(trace, str) else None,
        )
    return FunctionFault(message=text or f"the function answered with the status {status}")
