"""LocalStack: S3, SQS and SNS over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emulators.environments import python_of
from emulators.process import HOST, Server, answers, serving

KNOWN_DEFECTS: Mapping[str, str] = {}
"""Behaviours that it has otherwise than the service's documentation says, and what it does."""


@contextmanager
def localstack() -> Iterator[Server]:
    """LocalStack while the block runs."""
    python = python_of("localstack")
    with serving(
        "localstack",
        lambda port, folder: [python, "-m", "localstack.runtime.main"],
        lambda url: answers(f"{url}/_localstack/health"),
        environment=_environment,
    ) as server:
        yield server


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {
        # Its other server binds every interface.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "FILESYSTEM_ROOT": str(folder / "root"),
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        # Only then does it check presigned URLs.
        "S3_SKIP_SIGNATURE_VALIDATION": "0",
    }
