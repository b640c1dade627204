"""A server that answers as it is told, for what no emulator shows."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field, frozen
from cloudkit.aws import AwsCloud
from cloudkit.common import AccessKeyCredentials
from cloudkit.spi import NoRetry


@frozen
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@frozen(kw_only=True)
class Answer:
    """What to answer; ``cut`` breaks the connection off after so many bytes of the body, ``silent`` before any."""

    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""
    length: int | None = None
    cut: int | None = None
    stall: threading.Event | None = None
    silent: bool = False


@define(eq=False)
class Wire:
    """A server with its requests and the answers to come; the last answer stays."""

    url: str = ""
    answers: list[Answer] = field(factory=list)
    requests: list[Request] = field(factory=list)
    open: int = 0

    def error(self, status: int, code: str, message: str = "no", **headers: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.answers.append(Answer(status=status, headers=headers, body=body))

    def reply(self, body: bytes = b"", **options: Any) -> None:
        self.answers.append(Answer(body=body, **options))

    def object(self, body: bytes, **options: Any) -> None:
        headers = {"ETag": '"e1"', "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"}
        headers |= options.pop("headers", {})
        self.answers.append(Answer(headers=headers, body=body, **options))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def setup(self) -> None:
        super().setup()
        self.wire.open += 1

    def finish(self) -> None:
        self.wire.open -= 1
        with contextlib.suppress(OSError):  # the client has gone
            super().finish()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        named = {name.lower(): value for name, value in self.headers.items()}
        self.wire.requests.append(Request(self.command, self.path, named, body))
        answers = self.wire.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.silent:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {"x-amz-request-id": "R1", **answer.headers}.items():
            self.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.close_connection = self._send(answer)

    def _send(self, answer: Answer) -> bool:
        try:
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut])
                self.wfile.flush()
            if answer.stall is not None:
                answer.stall.wait(30)
        except OSError:
            return True
        if answer.cut is None:
            return False
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    handler = type("Handler", (_Handler,), {"wire": wire})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def make_cloud(wire: Wire) -> Callable[..., AwsCloud]:
    keys = AccessKeyCredentials(access_key_id="AKID", secret_access_key="the-secret")

    def make(**options: Any) -> AwsCloud:
        given = {"region": "eu-west-1", "endpoint": wire.url, "auth": keys, "retry": NoRetry()}
        return AwsCloud(**{**given, **options})

    return make


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return request.param
