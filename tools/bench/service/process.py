"""The server as a process of its own, so that it shares no interpreter with what is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from tools.bench.service import shapes

PATIENCE = 10.0
"""Seconds that the process may take to end."""


@frozen
class Service:
    """A running server.

    Attributes:
        url: Where it listens.
    """

    url: str
    bucket: str = shapes.BUCKET
    table: str = shapes.TABLE
    queue: str = shapes.QUEUE

    @property
    def queue_url(self) -> str:
        """What requests name the queue by."""
        return f"{self.url}/000000000000/{self.queue}"

    def key(self, size: int) -> str:
        """Key of an object of so many bytes."""
        return f"{shapes.PREFIX}object-{size}"


@contextmanager
def serving() -> Iterator[Service]:
    """Run the server. It ends with the block, and also when this process does.

    Raises:
        RuntimeError: It did not start.
    """
    command = [sys.executable, "-m", "tools.bench.service"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None  # noqa: S101  (both are pipes)
        assert process.stdout is not None  # noqa: S101
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the server of the benchmark did not start")
            yield Service(url)
        finally:
            process.stdin.close()  # it ends when nobody can write to it any more
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
