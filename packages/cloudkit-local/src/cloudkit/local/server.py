"""The HTTP server behind presigned URLs: on the loopback interface, in threads of its own."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from cloudkit.api.storage import ByteRange, ObjectAttributes
from cloudkit.api.storage.operations import GetObject, PutObject
from cloudkit.common import (
    CloudError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    ValidationError,
)
from cloudkit.local.capabilities import LOCAL_CAPABILITIES
from cloudkit.local.errors import translate
from cloudkit.local.opened import OpenedObject
from cloudkit.local.record import to_time
from cloudkit.local.store import ObjectStore

Check: TypeAlias = Callable[[str, str, str | None], tuple[str, str]]
"""From target, method and content type of a request to bucket and key; or PermissionDeniedError."""

IDLE_SECONDS = 60.0
"""How long a silent connection is kept."""

_CHUNK = 256 * 1024
_DRAIN = 8 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})\s*(;.*)?\r?\n", re.DOTALL)
_STATUS: tuple[tuple[type[CloudError], HTTPStatus], ...] = (
    (PermissionDeniedError, HTTPStatus.FORBIDDEN),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (PayloadTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (ValidationError, HTTPStatus.BAD_REQUEST),
)


class PresignServer:
    """Serves signed URLs on 127.0.0.1, at a free port, until it is closed.

    Args:
        store: The objects.
        check: Decides what a request may do.

    Attributes:
        origin: Scheme, host and port of its URLs.
    """

    def __init__(self, store: ObjectStore, check: Check) -> None:
        self._server = _Server(store, check)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="cloudkit-local-http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and break the connections that are open."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.break_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, store: ObjectStore, check: Check) -> None:
        self._connections: set[socket.socket] = set()
        handler = type("Handler", (_Handler,), {"store": store, "check": staticmethod(check)})
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's fault, and nobody here could do anything about it."""

    def break_connections(self) -> None:
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    store: ObjectStore
    check: Check
    protocol_version = "HTTP/1.1"
    server_version = "cloudkit-local"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """The URLs are secrets, and belong in no log."""

    def _answer(self, method: Callable[[str, str], None]) -> None:
        self._unread: int | None = 0
        self._started = False
        try:
            self._unread = self._body_length()
            bucket, key = self.check(self.path, self.command, self.headers.get("Content-Type"))
            method(bucket, key)
            if self._unread != 0:
                self.close_connection = True  # a GET with a body, which is no next request
        except Exception as native:
            error = native if isinstance(native, CloudError) else translate(native, None, "storage")
            if error is None or self._started:
                self.close_connection = True  # a body cut short tells the client
                raise
            self._refuse(error)

    def _refuse(self, error: CloudError) -> None:
        default = HTTPStatus.INTERNAL_SERVER_ERROR
        status = next((s for kind, s in _STATUS if isinstance(error, kind)), default)
        if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        self._drain()
        body = f"{error.message}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _drain(self) -> None:
        # A client that still sends when the connection is closed would not see the answer.
        if self._unread != 0:
            self.close_connection = True
        left = _DRAIN
        with contextlib.suppress(ValidationError):
            for piece in self._body():
                left -= len(piece)
                if left <= 0:
                    return

    # Reading

    def _get(self, bucket: str, key: str) -> None:
        byte_range = self._range()
        operation = GetObject(bucket=bucket, key=key, byte_range=byte_range)
        opened = self.store.open(operation)
        with contextlib.closing(opened.blob):
            self._send_head(opened, partial=byte_range is not None)
            if self.command == "HEAD":
                return
            for chunk in opened.verified():
                self.wfile.write(chunk)

    def _send_head(self, opened: OpenedObject, *, partial: bool) -> None:
        info = opened.record.info()
        self._started = True
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
        self.send_header("Content-Length", str(opened.stop - opened.start))
        if partial:
            self.send_header("Content-Range", f"bytes {opened.start}-{opened.stop - 1}/{info.size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{info.etag}"')
        modified = to_time(opened.record.modified)
        self.send_header("Last-Modified", format_datetime(modified, usegmt=True))
        for name, value in _headers(info.attributes):
            self.send_header(name, value)
        self.end_headers()

    def _range(self) -> ByteRange | None:
        match = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if match is None or not any(match.groups()):
            return None  # other units and several ranges may be ignored
        first, last = match.groups()
        if not first and not int(last):
            raise ValidationError("the last 0 bytes are no range", status=416)
        if not first:
            return ByteRange(suffix=int(last))
        return ByteRange(int(first), int(last) if last else None)

    # Writing

    def _put(self, bucket: str, key: str) -> None:
        store = self.store
        with store.writing() as writer:
            operation = PutObject(bucket=bucket, key=key, body=b"", attributes=self._attributes())
            for piece in self._body():
                writer.write(piece)
                LOCAL_CAPABILITIES.storage.require_size("max_put_size", writer.size, "the object")
            stored = store.publish(writer, operation, operation.attributes, None)
        self._started = True
        self.send_response(HTTPStatus.OK)
        self.send_header("ETag", f'"{stored.etag}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _attributes(self) -> ObjectAttributes:
        headers = self.headers
        return ObjectAttributes(
            content_type=headers.get("Content-Type") or "application/octet-stream",
            content_encoding=headers.get("Content-Encoding") or None,
            content_disposition=headers.get("Content-Disposition") or None,
            content_language=headers.get("Content-Language") or None,
            cache_control=headers.get("Cache-Control") or None,
        )

    def _body_length(self) -> int | None:
        """Bytes of the request's body; None where it comes in chunks."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return None
        length = self.headers.get("Content-Length", "0").strip()
        if not _LENGTH.fullmatch(length):
            self.close_connection = True  # nobody knows where the next request begins
            raise ValidationError("the Content-Length is no number of bytes; nothing was written")
        return int(length)

    def _body(self) -> Iterator[bytes]:
        if self._unread is None:
            yield from self._chunked_body()
            self._unread = 0
            return
        while self._unread:
            piece = self.rfile.read(min(_CHUNK, self._unread))
            if not piece:
                raise _cut_short()
            self._unread -= len(piece)
            yield piece

    def _chunked_body(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            while size:
                piece = self.rfile.read(min(_CHUNK, size))
                if not piece:
                    raise _cut_short()
                size -= len(piece)
                yield piece
            self.rfile.readline(8)
        while self.rfile.readline(65536).strip():  # trailers
            continue

    def _chunk_size(self) -> int:
        match = _CHUNK_SIZE.fullmatch(self.rfile.readline(1024))
        if match is None:
            raise _cut_short()
        return int(match[1], 16)


# No URL allows these: the check refuses them, with a reason.
for _method in ("POST", "PATCH", "DELETE", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.do_GET)


def _cut_short() -> ValidationError:
    return ValidationError("the body ended before it was complete; nothing was written")


def _headers(attributes: ObjectAttributes) -> Iterator[tuple[str, str]]:
    yield "Content-Type", attributes.content_type or "application/octet-stream"
    for name, value in (
        ("Content-Encoding", attributes.content_encoding),
        ("Content-Disposition", attributes.content_disposition),
        ("Content-Language", attributes.content_language),
        ("Cache-Control", attributes.cache_control),
    ):
        if value is not None:
            yield name, value
