"""What the tests of the double of Event Grid have in common: its management, without any SDK."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryPolicy
from emulators.event_grid import GROUP, NAMESPACE, SUBSCRIPTION_ID, TOKEN

VERSION = "2025-02-15"
BASE = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.EventGrid/namespaces/{NAMESPACE}/topics"
)
_numbers = itertools.count()
_opener = build_opener(ProxyHandler({}))


def manage(
    url: str, method: str, path: str = "", body: Any = None, token: str = TOKEN
) -> tuple[int, Any]:
    """Make a request to the resource manager.

    Args:
        url: Where the double listens.
        method: HTTP's.
        path: Behind the topics of the namespace, or a whole URL.
        body: To be sent as JSON.
        token: Who asks.

    Returns:
        Status and body of the answer.
    """
    target = path if path.startswith("http") else f"{url}{BASE}{path}?api-version={VERSION}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = Request(target, data, headers, method=method)
    try:
        with _opener.open(request, timeout=10) as response:
            status, content = response.status, response.read()
    except HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content) if content else None


def provision(url: str, path: str, properties: Any) -> None:
    """Create a topic or subscription, and wait until it is there."""
    status, _ = manage(url, "PUT", path, {"properties": properties})
    assert status == 201
    deadline = time.monotonic() + 10
    while manage(url, "GET", path)[1]["properties"]["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def new_subscription(url: str, topic: str | None = None, **queue: Any) -> tuple[str, str]:
    """A new topic, or one that is there, with a new subscription.

    Args:
        url: Where the double listens.
        topic: The topic; a new one when None.
        **queue: Settings of the subscription's queue; ``filters`` are its filters.
    """
    if topic is None:
        topic = f"topic-{next(_numbers)}"
        provision(url, f"/{topic}", {})
    name = f"subscription-{next(_numbers)}"
    filters = queue.pop("filters", None)
    properties: dict[str, Any] = {
        "deliveryConfiguration": {"deliveryMode": "Queue", "queue": queue}
    }
    if filters is not None:
        properties["filtersConfiguration"] = {"filters": filters}
    provision(url, f"/{topic}/eventSubscriptions/{name}", properties)
    return topic, name


@contextmanager
def refused(status: int, code: str) -> Iterator[None]:
    """Expects an answer of this status and code."""
    with pytest.raises(HttpResponseError) as caught:
        yield
    error: Any = caught.value
    if error.error is None:
        error = error.__cause__  # the SDK wraps what it was told
    assert (error.status_code, error.error.code) == (status, code)


def once() -> RetryPolicy[Any, Any]:
    """No retries: the double means what it says."""
    return RetryPolicy.no_retries()
