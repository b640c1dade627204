"""Functions on Azure Functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.api.functions import FunctionInfo, Functions, Invocation, InvokeResult
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.paging import Page
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.functions.answers import REFUSALS, invocation_of, result_of
from cloudkit.azure.functions.client import Deployed, FunctionsClient
from cloudkit.azure.rest import checked
from cloudkit.common import FunctionsCapabilities, UnsupportedOperationError, ValidationError
from cloudkit.core.pages import page_of
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

PAGE_SIZE = 100


class AzureFunctions(Functions):
    """The functions of one app.

    A payload is posted as it is, and the answer's body is the result. An answer with a status of 300
    or more is the function's own failure, with what its body tells; statuses that the host answers with
    itself are errors of the call.

    ``invoke_async`` asks the function to answer before it has ended, by the header
    ``Prefer: respond-async``. One that does so answers with 202 and says where its outcome can be asked
    for. With one that knows nothing of that, the call takes as long as the function. A function that
    something else than HTTP triggers is run with the payload, a text, as what triggers it.

    To tell whether a function exists, and which there are, takes the app's master key.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: FunctionsCapabilities, clients: AzureClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients

    async def _invoke(self, op: Invoke) -> InvokeResult:
        return await self._clients.run("functions", _invoke, op)

    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        return await self._clients.run("functions", _begin, op)

    async def _function_exists(self, op: FunctionExists) -> bool:
        return await self._clients.run("functions", _exists, op.function)

    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        # The admin endpoint tells all at once, in no order that is documented.
        found = await self._clients.run("functions", FunctionsClient.all)
        known = {item.name: item for item in found}
        infos = [FunctionInfo(name=name, runtime=item.language) for name, item in known.items()]
        return page_of(infos, op, op.page_size or PAGE_SIZE)


def _invoke(client: FunctionsClient, op: Invoke) -> InvokeResult:
    response = client.call(op.function, op.payload)
    if response.status_code == 404:
        deployed = _told_apart(client, op.function, response)
        if deployed.path is None:
            raise UnsupportedOperationError(
                f"{op.function!r} is not triggered by HTTP: nobody can wait for its answer",
                capability="functions.invoke",
                hint="Use invoke_async.",
            )
    _check_refusal(response)
    return result_of(response)


def _begin(client: FunctionsClient, op: InvokeAsync) -> Invocation:
    response = client.call(op.function, op.payload, asynchronous=True)
    if response.status_code == 404:
        deployed = _told_apart(client, op.function, response)
        if deployed.path is None:
            client.start(op.function, _text(op))
            return Invocation()
    _check_refusal(response)
    return invocation_of(response)


def _told_apart(client: FunctionsClient, function: str, response: HttpResponse) -> Deployed:
    """The function that says of itself that something is missing, or that is not called by HTTP.

    Raises:
        HttpResponseError: There is no such function, as far as can be known.
    """
    deployed = client.find(function, doubtful=True)
    if deployed is None:
        checked(response)
        raise AssertionError("an answer with status 404 is a refusal")
    return deployed


def _check_refusal(response: HttpResponse) -> None:
    if response.status_code in REFUSALS:
        checked(response)


def _text(op: InvokeAsync) -> str:
    try:
        return op.payload.decode()
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"{op.function!r} is not triggered by HTTP, so its payload must be a text"
        ) from error


def _exists(client: FunctionsClient, function: str) -> bool:
    return client.find(function) is not None
