"""A small HTTP/1.1 server for the doubles of cloud services: kept connections, one thread for each."""

from __future__ import annotations

import json
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        method: In upper case.
        path: As it was sent, still percent-encoded, without the query.
        query: Decoded pairs in the order they were sent.
        headers: By lower-case name; repeated ones joined with commas.
        body: All of it, also of a chunked request.
        complete: Whether the body is as long as was announced: False when the client went away.
        target: Path and query as they were sent: what is signed.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Headers
    body: bytes = b""
    complete: bool = True
    target: str = ""

    @property
    def base_url(self) -> str:
        """How the client calls this server: ``"http://127.0.0.1:8080"``."""
        return f"http://{self.headers.get('host', '')}"

    def param(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return dict(self.query).get(name)

    def json(self) -> Any:
        """The body as JSON; None when there is none.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Response:
    """An answer. Its length is told by the server."""

    status: int = 200
    body: bytes = b""
    headers: Headers = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: object, status: int = 200, headers: Headers | None = None) -> Response:
        """An answer with a JSON body."""
        content_type = {"Content-Type": "application/json; charset=UTF-8"}
        return cls(status, json.dumps(value).encode(), {**content_type, **(headers or {})})


App = Callable[[Request], Response]


def request_of(
    target: str, method: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Request:
    """A request from the target of its first line, and its headers."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return Request(method.upper(), path, tuple(pairs), joined, body, target=target)


def segment(encoded: str) -> str:
    """What a percent-encoded segment of a path stands for.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    return unquote(encoded, errors="strict")


def serve(app: App, host: str, port: int) -> None:
    """Answer requests until the process is ended.

    Args:
        app: Called by many threads at once. Also gets requests whose body was cut off; nobody
            reads the answer to these.
        host: Address to listen on.
        port: Port to listen on.
    """

    class Handler(_Handler):
        application = staticmethod(app)

    with _Server((host, port), Handler) as server:
        server.serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        # Clients may go whenever they like; only what is unexpected belongs in the log.
        if not isinstance(error, ConnectionError):
            traceback.print_exc()

    def server_bind(self) -> None:
        # The inherited one asks for the host's name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(BaseHTTPRequestHandler):
    application: App
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body, complete = self._body()
        request = request_of(self.path, self.command, _utf_8(self.headers.items()), body)
        if not complete:
            self.close_connection = True
            request = Request(**{**vars(request), "complete": False})
        try:
            response = self.application(request)
        except Exception:  # noqa: BLE001  # a fault of the double: seen by the client and in the log
            traceback.print_exc()
            response = Response(500, b"the double failed, see its log")
        if complete:
            self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Tell the client to go on, at once: it waits for that."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def _body(self) -> tuple[bytes, bool]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        length = int(self.headers.get("Content-Length") or 0)
        body = self._read(length)
        return body, len(body) == length

    def _chunked_body(self) -> tuple[bytes, bool]:
        chunks: list[bytes] = []
        while line := self.rfile.readline():
            size = int(line.split(b";")[0], 16)
            chunks.append(self._read(size))
            if len(chunks[-1]) < size or not self.rfile.readline():
                break
            if not size:
                return b"".join(chunks), True
        return b"".join(chunks), False

    def _read(self, size: int) -> bytes:
        """As many bytes, or fewer when the client goes away."""
        parts: list[bytes] = []
        while size > 0:
            try:
                part = self.rfile.read1(min(size, 1 << 20))
            except ConnectionError:
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _send(self, response: Response) -> None:
        phrase = HTTPStatus(response.status).phrase if response.status in _KNOWN else "Other"
        lines = [f"HTTP/1.1 {response.status} {phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.status not in {204, 304} and "Content-Length" not in response.headers:
            lines.append(f"Content-Length: {len(response.body)}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the inherited name
        pass  # nothing is logged but faults


def _utf_8(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The inherited parser takes headers for Latin-1, but services and clients mean UTF-8."""
    return [(name, value.encode("latin-1").decode(errors="replace")) for name, value in headers]


_KNOWN = frozenset(status.value for status in HTTPStatus)
