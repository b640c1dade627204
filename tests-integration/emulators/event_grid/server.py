"""The double as a process of its own."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from emulators.process import Server, answers, serving

KEY = base64.b64encode(b"the key of the double of Event Grid, no secret of anybody").decode()
"""The key of the namespace and of the basic topic."""

TOKEN = "a-token-for-the-double-of-event-grid"  # it opens nothing else
"""A token of Microsoft Entra ID, for events and for management."""

SUBSCRIPTION_ID = "00000000-0000-0000-0000-0000000000d1"
GROUP = "doubles"
NAMESPACE = "events"

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def event_grid(*, shortest_lock: int = 60, provisioning: float = 0.03) -> Iterator[Server]:
    """Event Grid while the block runs.

    Args:
        shortest_lock: Seconds of the shortest lock that a subscription may have; the service's own
            limit is a minute, which no test can wait for.
        provisioning: Seconds that a topic or subscription takes to come or to go.
    """
    with serving(
        "event-grid",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.event_grid", "--port", str(port)),
            *("--key", KEY, "--token", TOKEN, "--shortest-lock", str(shortest_lock)),
            *("--provisioning", str(provisioning)),
            *("--place", f"{SUBSCRIPTION_ID}/{GROUP}/{NAMESPACE}"),
        ],
        answers,
        environment=lambda port, folder: {"PYTHONPATH": str(_ROOT)},
    ) as server:
        yield server


def set_aside(url: str, topic: str, subscription: str) -> list[Any]:
    """The dead letters of a subscription, as they would be written to its container."""
    found: list[Any] = _ask(f"{url}/_double/deadletters/{topic}/{subscription}")
    return found


def received_by_basic_topic(url: str) -> list[Any]:
    """The events that the basic topic has taken."""
    found: list[Any] = _ask(f"{url}/_double/basic")
    return found


def _ask(url: str) -> Any:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as response:
        return json.load(response)
