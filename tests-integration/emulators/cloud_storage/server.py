"""The double as a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from emulators.process import Server, answers, serving

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def cloud_storage(*, anonymous: bool = False) -> Iterator[Server]:
    """Cloud Storage while the block runs.

    Args:
        anonymous: Whether calls without a token are let in, for clients that are told of it by
            ``STORAGE_EMULATOR_HOST`` and have no credentials.
    """
    options = ["--anonymous"] if anonymous else []
    with serving(
        "cloud-storage",
        lambda port, folder: [
            sys.executable,
            "-m",
            "emulators.cloud_storage",
            "--port",
            str(port),
            *options,
        ],
        lambda url: answers(f"{url}/oauth2/v3/certs"),
        environment=lambda port, folder: {"PYTHONPATH": str(_ROOT)},
    ) as server:
        yield server


def create_service_account(url: str, project: str, name: str) -> dict[str, Any]:
    """The key file of a new service account of a double.

    Args:
        url: Where the double listens.
        project: Where the account lives.
        name: Of the account, before the ``@``.
    """
    request = Request(f"{url}/_double/serviceAccounts?project={project}&name={name}", method="POST")
    with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
        info: dict[str, Any] = json.load(response)
        return info
