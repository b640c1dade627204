"""Functions on Cloud Functions."""

from __future__ import annotations

from cloudkit.api.functions import FunctionInfo, Functions, Invocation, InvokeResult
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.paging import Page
from cloudkit.common import FunctionsCapabilities, UnsupportedOperationError
from cloudkit.core.pages import page_of
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.functions import finding, invoking
from cloudkit.spi import OperationRunner

PAGE_SIZE = 100


class CloudFunctions(Functions):
    """Functions that are called over HTTP, by name or by resource name.

    A payload is the body of a POST. Who calls shows an ID token that is made for the function's URL,
    unless the client is anonymous. The URL is looked up by the first call.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: FunctionsCapabilities, clients: GcpClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients

    async def _invoke(self, op: Invoke) -> InvokeResult:
        return await self._clients.run("functions", invoking.invoke, op)

    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        raise UnsupportedOperationError(
            "functions cannot be called without waiting", capability="functions.invoke_async"
        )

    async def _function_exists(self, op: FunctionExists) -> bool:
        return await self._clients.run("functions", finding.exists, op.function)

    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        # The service lists in no order that it documents, so all are fetched.
        found = await self._clients.run("functions", finding.list_all)
        return page_of(found.values(), op, op.page_size or PAGE_SIZE)
