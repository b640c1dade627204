"""The double as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from emulators.nodes import program_of
from emulators.process import Server, answers, serving

POLICY = "RootManageSharedAccessKey"
KEY = "the key of the tests of Service Bus, no secret of anybody"
TOKEN = "a-token-of-the-double-of-service-bus"  # it opens nothing else
"""A token of Microsoft Entra ID, which opens everything."""

_MAIN = Path(__file__).with_name("main.js")


@contextmanager
def service_bus() -> Iterator[Server]:
    """Service Bus while the block runs: AMQP without TLS and HTTP on one port."""
    modules = program_of("rhea").parents[1]
    with serving(
        "service bus",
        lambda port, folder: ["node", _MAIN, str(port)],
        answers,
        environment=lambda port, folder: {
            "NODE_PATH": str(modules),
            "KEYS": json.dumps({POLICY: KEY}),
            "TOKEN": TOKEN,
        },
    ) as server:
        yield server


def connection_string(url: str, *, key: str = KEY) -> str:
    """What clients are told: AMQP without TLS, as Microsoft's own emulator has it.

    Args:
        url: Where the double listens.
        key: The key of the policy.
    """
    return (
        f"Endpoint=sb://{urlsplit(url).netloc};SharedAccessKeyName={POLICY};"
        f"SharedAccessKey={key};UseDevelopmentEmulator=true"
    )
