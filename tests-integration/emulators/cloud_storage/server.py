"""The double as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
