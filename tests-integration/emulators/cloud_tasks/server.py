"""The double as a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from emulators.process import HOST, Server, answers, free_port, serving

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class CloudTasksServer:
    """The double that runs.

    Attributes:
        url: Where it answers gRPC.
        identity_url: Where its issuer of ID tokens shows its keys.
        process: The process.
    """

    url: str
    identity_url: str
    process: Server

    def web_keys(self) -> Mapping[str, Any]:
        """The issuer's public keys, as a set of JSON web keys."""
        with build_opener(ProxyHandler({})).open(f"{self.identity_url}/oauth2/v3/certs") as answer:
            keys: Mapping[str, Any] = json.load(answer)
            return keys


@contextmanager
def cloud_tasks() -> Iterator[CloudTasksServer]:
    """Cloud Tasks while the block runs."""
    identity_port = free_port()
    identity_url = f"http://{HOST}:{identity_port}"
    with serving(
        "cloud-tasks",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.cloud_tasks"),
            *("--port", str(port), "--identity-port", str(identity_port)),
        ],
        lambda url: answers(f"{identity_url}/oauth2/v3/certs"),
        environment=lambda port, folder: {"PYTHONPATH": str(_ROOT)},
    ) as server:
        yield CloudTasksServer(server.url, identity_url, server)
