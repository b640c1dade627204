"""What the answer of a function means: a result, its own failure, or that of the call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudkit.api.functions import FunctionFault, Invocation, InvokeResult

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

REFUSALS = frozenset({401, 403, 408, 413, 429, 502, 503, 504})
"""Statuses that the host, or what stands before it, answers with itself."""
SILENCE = "the function failed; the host keeps to itself what it raised, see the app's log"


def result_of(response: HttpResponse) -> InvokeResult:
    """The result of a call that reached its function.

    Args:
        response: The function's answer.
    """
    status = response.status_code
    return InvokeResult(
        payload=response.content,
        error=_fault(response) if status >= 300 else None,
        status=status,
        request_id=response.headers.get("x-ms-request-id"),
    )


def invocation_of(response: HttpResponse) -> Invocation:
    """What is known of a call that was begun.

    Args:
        response: The function's answer: with 202, where its outcome can be asked for; else the
            function has ended already.
    """
    if response.status_code != 202:
        return Invocation(request_id=response.headers.get("x-ms-request-id"))
    body = _json(response.content)
    told: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    url = told.get("statusQueryGetUri") or response.headers.get("Location")
    identifier = told.get("id") or response.headers.get("x-ms-request-id")
    return Invocation(
        request_id=None if identifier is None else str(identifier),
        status_url=None if url is None else str(url),
    )


def _fault(response: HttpResponse) -> FunctionFault:
    text = response.content.decode(errors="replace").strip()
    body = _json(response.content)
    told = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(told, str) and told:
        return FunctionFault(message=told)
    if isinstance(told, Mapping):
        message = told.get("message") or told.get("errorMessage") or text
        kind = told.get("code") or told.get("type") or told.get("errorType")
        return FunctionFault(message=str(message), kind=None if kind is None else str(kind))
    status = response.status_code
    return FunctionFault(message=text or (SILENCE if status >= 500 else f"status {status}"))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
