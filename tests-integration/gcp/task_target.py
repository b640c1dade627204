"""A server that tasks are posted to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 10.0


@dataclass(frozen=True)
class Posted:
    """A request that came.

    Attributes:
        path: As it was sent.
        headers: By lower-case name.
        body: Its body.
        at: When, in seconds since 1970.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Target:
    """The server.

    Attributes:
        url: Its address.
        posted: What came, in order.
        statuses: What the next requests are answered with; 200 when there are no more.
    """

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait_for(self, count: int) -> list[Posted]:
        """The first requests, when so many have come.

        Raises:
            AssertionError: They did not come in time.
        """
        end = time.monotonic() + PATIENCE
        while len(self.posted) < count:
            assert time.monotonic() < end, f"{len(self.posted)} of {count} requests came"
            time.sleep(0.02)
        return self.posted[:count]


@contextmanager
def task_target() -> Iterator[Target]:
    """A server on 127.0.0.1 while a block runs."""
    target = Target()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the inherited name
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = target.statuses.pop(0) if target.statuses else 200
            target.posted.append(Posted(self.path, headers, body, time.time()))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the inherited name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        target.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield target
        finally:
            server.shutdown()
            thread.join()
