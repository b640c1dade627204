"""Functions on Lambda."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloudkit.api.functions import (
    FunctionFault,
    FunctionInfo,
    Functions,
    Invocation,
    InvokeResult,
)
from cloudkit.api.functions.operations import FunctionExists, Invoke, InvokeAsync, ListFunctions
from cloudkit.api.paging import Page
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of
from cloudkit.common import FunctionsCapabilities, PayloadTooLargeError
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient

PAGE_SIZE = 50
MARK, BODY = "isBase64Encoded", "body"
NOTHING = base64.b64encode(b'{"custom":{"cloudkit.payload":"none"}}').decode()
"""Client context of a call without payload, which a function could not tell from ``{}``."""


class LambdaFunctions(Functions):
    """Functions of Lambda, by name or ARN.

    A payload of Lambda is JSON. What is JSON is sent as it is. No payload is none, of which Lambda
    makes ``{}``. Anything else is sent as ``{"isBase64Encoded": true, "body": "…"}``, the form that
    AWS itself uses for bytes, and an answer of that form is taken as the bytes in it.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: boto3's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: FunctionsCapabilities, clients: AwsClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients

    async def check_invoke(
        self, function: str, payload: bytes | str | None = None, *, qualifier: str | None = None
    ) -> None:
        """Ask whether a function could be invoked like this, without invoking it (``DryRun``).

        Args:
            function: Its name.
            payload: What it would get.
            qualifier: A version or alias.

        Raises:
            NotFoundError: There is no such function.
            PermissionDeniedError: The credentials do not allow it.
            PayloadTooLargeError: The payload is larger than the service takes.
        """
        operation = Invoke(function=function, payload=payload, qualifier=qualifier)
        await self._run(operation, self._dry_run)

    async def _dry_run(self, op: Invoke) -> InvokeResult:
        await self._clients.run("lambda", _call, op, "DryRun", self.capabilities.max_payload_bytes)
        return InvokeResult(status=204)

    async def _invoke(self, op: Invoke) -> InvokeResult:
        limit = self.capabilities.max_payload_bytes
        return await self._clients.run("lambda", _invoke, op, limit)

    async def _invoke_async(self, op: InvokeAsync) -> Invocation:
        limit = self.capabilities.max_async_payload_bytes
        answer = await self._clients.run("lambda", _call, op, "Event", limit)
        return Invocation(request_id=_request_id(answer))

    async def _function_exists(self, op: FunctionExists) -> bool:
        return await self._clients.run("lambda", _exists, op.function)

    async def _list_functions(self, op: ListFunctions) -> Page[FunctionInfo]:
        # Lambda lists in no order that it documents, so all are fetched, fifty at a time.
        found = await self._clients.run("lambda", _list_all)
        left = [name for name in sorted(found) if name > (op.page_token or "")]
        size = min(op.page_size or PAGE_SIZE, 10_000)
        page = [found[name] for name in left[:size]]
        return Page(page, page[-1].name if len(left) > size else None)


def _invoke(client: LambdaClient, op: Invoke, limit: int) -> InvokeResult:
    answer = _call(client, op, "RequestResponse", limit)
    payload: bytes = answer["Payload"].read()
    log = answer.get("LogResult")
    fault = _fault(payload) if answer.get("FunctionError") else None
    return InvokeResult(
        payload=payload if fault else _decode(payload),
        error=fault,
        status=answer["StatusCode"],
        request_id=_request_id(answer),
        logs=base64.b64decode(log).decode(errors="replace") if op.logs and log else None,
    )


def _call(client: LambdaClient, op: Invoke | InvokeAsync, kind: str, limit: int) -> Any:
    parameters: dict[str, Any] = {"FunctionName": op.function, "InvocationType": kind}
    payload = _encode(op.payload)
    if len(payload) > limit:
        raise PayloadTooLargeError(
            f"the payload has {len(payload):,} bytes in the service's form; the limit is {limit:,}"
        )
    if payload:
        parameters["Payload"] = payload
    elif kind == "RequestResponse":
        parameters["ClientContext"] = NOTHING
    if op.qualifier is not None:
        parameters["Qualifier"] = op.qualifier
    if isinstance(op, Invoke) and op.logs:
        parameters["LogType"] = "Tail"
    return client.invoke(**parameters)


def _exists(client: LambdaClient, function: str) -> bool:
    try:
        client.get_function(FunctionName=function)
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def _list_all(client: LambdaClient) -> dict[str, FunctionInfo]:
    pages = client.get_paginator("list_functions").paginate(
        PaginationConfig={"PageSize": PAGE_SIZE}
    )
    functions = (_info(raw) for page in pages for raw in page["Functions"])
    return {function.name: function for function in functions}


def _info(raw: Any) -> FunctionInfo:
    modified = raw.get("LastModified")
    return FunctionInfo(
        name=raw["FunctionName"],
        runtime=raw.get("Runtime"),
        modified_at=datetime.strptime(modified, "%Y-%m-%dT%H:%M:%S.%f%z") if modified else None,
    )


def _encode(payload: bytes) -> bytes:
    if not payload or _is_json(payload):
        return payload
    return json.dumps({MARK: True, BODY: base64.b64encode(payload).decode()}).encode()


def _decode(payload: bytes) -> bytes:
    if MARK.encode() not in payload:
        return payload
    try:
        value = json.loads(payload)
        if not isinstance(value, dict) or value.keys() != {MARK, BODY} or value[MARK] is not True:
            return payload
        return base64.b64decode(value[BODY], validate=True)
    except (ValueError, TypeError):
        return payload  # it only looks like our form


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _fault(payload: bytes) -> FunctionFault:
    """What a function failed with, by the payload that its runtime makes of that."""
    try:
        value = json.loads(payload)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return FunctionFault(message=payload.decode(errors="replace"))
    trace = value.get("stackTrace") or value.get("trace") or ()
    lines = [str(line) for line in trace] if isinstance(trace, list) else [str(trace)]
    return FunctionFault(
        message=str(value.get("errorMessage", "")),
        kind=value.get("errorType"),
        trace="\n".join(line.rstrip("\n") for line in lines) if trace else None,
    )


def _request_id(answer: Any) -> str | None:
    request_id: str | None = answer["ResponseMetadata"].get("RequestId")
    return request_id
