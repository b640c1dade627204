"""Connections: no Expect header, and none closed by an answer that the SDK closes all for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from cloudkit.common import PreconditionFailedError
from cloudkit.oracle import OracleCloud

pytestmark = pytest.mark.anyio


class Handler(BaseHTTPRequestHandler):
    """Refuses every write, and notes what came."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[list[object]] = []
    expected: ClassVar[list[str | None]] = []

    def setup(self) -> None:
        super().setup()
        self.connections.append(self)

    def do_PUT(self) -> None:
        self.expected.append(self.headers["Expect"])
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"code": "IfNoneMatchFailed", "message": "It is there."}'
        self.send_response(412)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Handler.connections.clear()
    Handler.expected.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def test_connections_are_kept_and_nothing_is_waited_for(url, private_key):
    async with OracleCloud(
        endpoint=url,
        namespace="given",
        tenancy="ocid1.tenancy.oc1..a",
        user="ocid1.user.oc1..a",
        fingerprint=":".join(["00"] * 16),
        key_content=private_key,
    ) as cloud:
        for _ in range(3):
            with pytest.raises(PreconditionFailedError):
                await cloud.storage.put_object("bucket", "key", b"data", if_none_match="*")
    assert Handler.expected == [None] * 3
    assert len(Handler.connections) == 1
