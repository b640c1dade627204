"""The double as a process of its own."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from emulators.process import Server, answers, serving

KEY = base64.b64encode(b"the primary key of the double of Cosmos DB, no secret of anybody").decode()
"""The primary key of the account."""

TOKEN = "a-token-of-the-double"  # it opens nothing else
"""A token of Microsoft Entra ID: for items, not for the management of containers."""

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def cosmos() -> Iterator[Server]:
    """Cosmos DB while the block runs."""
    with serving(
        "cosmos",
        lambda port, folder: [
            sys.executable,
            "-m",
            "emulators.cosmos",
            "--port",
            str(port),
            "--key",
            KEY,
            "--token",
            TOKEN,
        ],
        answers,
        environment=lambda port, folder: {"PYTHONPATH": str(_ROOT)},
    ) as server:
        yield server


def fail_next(
    url: str,
    *,
    status: int = 429,
    substatus: int = 3200,
    count: int = 1,
    retry_after_ms: int | None = 10,
    after: bool = False,
) -> None:
    """Let the next requests for items fail.

    Args:
        url: Where the double listens.
        status: What they are answered with.
        substatus: Of the answer, 0 for none.
        count: How many of them. 0 ends what was asked for before.
        retry_after_ms: Sent with the answer, when given.
        after: Whether they are carried out all the same, and only the answer is lost.
    """
    fault = {
        "status": status,
        "substatus": substatus,
        "count": count,
        "retry_after_ms": retry_after_ms,
        "after": after,
    }
    request = Request(f"{url}/_double/faults", json.dumps(fault).encode(), method="POST")
    with build_opener(ProxyHandler({})).open(request, timeout=10):
        pass
