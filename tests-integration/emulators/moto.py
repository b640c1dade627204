"""moto's server: DynamoDB over real HTTP, and a second opinion on S3, SQS and SNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from emulators.environments import python_of
from emulators.process import HOST, Server, answers, serving

KNOWN_DEFECTS: Mapping[str, str] = {}
"""Behaviours that it has otherwise than the service's documentation says, and what it does."""


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server while the block runs."""
    python = python_of("moto")
    with serving(
        "moto",
        lambda port, folder: [python, "-m", "moto.server", "-H", HOST, "-p", str(port)],
        lambda url: answers(f"{url}/moto-api/"),
    ) as server:
        yield server
