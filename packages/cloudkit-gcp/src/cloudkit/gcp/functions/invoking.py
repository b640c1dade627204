"""Calling functions over HTTP. The functions here block; they run in worker threads.

Between the caller and the function stands a front end, which also answers: that nobody is let in
without a token, that there is no such function, that no instance is free. What the function itself
says is told apart by the headers of its runtime.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cloudkit.api.functions import FunctionFault, InvokeResult
from cloudkit.api.functions.operations import Invoke
from cloudkit.gcp.functions.client import FunctionsClient

if TYPE_CHECKING:
    import requests

RUN = ("Function-Execution-Id", "X-Google-Status")
"""Headers of answers that a function's own runtime gave."""

FRONT_END = frozenset({401, 403, 404, 413, 429, 502, 503, 504})
"""Statuses by which the front end says that the function has not answered."""

REPEATED = frozenset({401, 429})
"""Those of them after which the call is made again. Functions may answer so themselves, and many tell
nothing by headers; so these are the front end's only when they look like it, or a function would run
twice."""

RATE_EXCEEDED = "Rate exceeded."
"""What the front end says, without a page, when no instance is free."""

_TITLE = re.compile(r"<title>\s*(.*?)\s*</title>", re.DOTALL)


def invoke(client: FunctionsClient, op: Invoke) -> InvokeResult:
    """Call a function and wait for its answer.

    Raises:
        GoogleAPICallError: The front end refused, or there is no such function.
        requests.RequestException: The connection failed.
    """
    url = client.url_of(op.function)
    headers = {
        "Content-Type": "application/octet-stream",
        "User-Agent": client.settings.user_agent,
    }
    client.authorize(url, headers)
    config = client.settings.config
    response = client.session.post(
        url,
        data=op.payload,
        headers=headers,
        timeout=(config.connect_timeout, config.timeout),
        allow_redirects=False,
    )
    if _is_of_front_end(response):
        client.forget(op.function)
        raise _refused(response)
    return InvokeResult(
        payload=response.content,
        error=None if response.status_code < 300 else _fault(response),
        status=response.status_code,
        request_id=response.headers.get("Function-Execution-Id")
        or response.headers.get("X-Cloud-Trace-Context"),
    )


def _is_of_front_end(response: requests.Response) -> bool:
    status = response.status_code
    if status not in FRONT_END or any(name in response.headers for name in RUN):
        return False
    title = _TITLE.search(response.text)
    page = title is not None and title[1].startswith(str(status))
    return status not in REPEATED or page or response.text.strip() == RATE_EXCEEDED


def _refused(response: requests.Response) -> Exception:
    from google.api_core import exceptions

    title = _TITLE.search(response.text)
    message = title[1] if title is not None else response.reason or "the front end refused"
    error: Exception = exceptions.from_http_status(  # type: ignore[no-untyped-call]
        response.status_code, message, response=response
    )
    return error


def _fault(response: requests.Response) -> FunctionFault:
    """What a function failed with. Of an exception, its runtime tells only that there was one."""
    text = response.text.strip() or str(response.reason)
    return FunctionFault(message=text)
