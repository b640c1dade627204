"""HTTP/1.1 with as little work as there can be: no header is looked at that no answer depends on."""

from __future__ import annotations

import asyncio
import re
from typing import IO

from attrs import define, frozen

from tools.bench.service import answers

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d*)-(\d*)")
_TARGET = re.compile(rb"\r\nx-amz-target: *([\w.]+)")
_SIZE = re.compile(rb"object-(\d+)$")
_SCRATCH = memoryview(bytearray(1024 * 1024))
"""What has just arrived, of whichever connection: it is looked at or dropped before the next read."""


@frozen
class Request:
    """The head of a request, in small letters.

    Attributes:
        method: For example ``b"get"``.
        path: Without the query.
        query: Behind the question mark, or empty.
        headers: All of them.
    """

    method: bytes
    path: bytes
    query: bytes
    headers: bytes

    @classmethod
    def parse(cls, head: bytes) -> Request:
        """The request of a head without its empty line."""
        head = head.lower()
        line, _, _ = head.partition(b"\r\n")
        method, target, _ = line.split(b" ", 2)
        path, _, query = target.partition(b"?")
        return cls(method, path, query, head)


@define
class Chunks:
    """Finds the end of a body in chunks (``Transfer-Encoding: chunked``)."""

    done: bool = False
    _line: bytes = b""
    _left: int = 0
    _last: bool = False

    def take(self, data: memoryview) -> memoryview:
        """Read on; returns what comes behind the body."""
        while data and not self.done:
            if self._left:
                skipped = min(self._left, len(data))
                self._left -= skipped
                data = data[skipped:]
            else:
                data = self._take_line(data)
        return data

    def _take_line(self, data: memoryview) -> memoryview:
        piece = bytes(data[:1024])
        end = piece.find(b"\n")
        if end < 0:
            self._line += piece
            return data[len(piece) :]
        line, self._line = (self._line + piece[:end]).strip(), b""
        if self._last:
            self.done = not line  # behind the last chunk come trailers, then an empty line
        elif line:
            length = int(line.partition(b";")[0], 16)
            self._last = length == 0
            self._left = length + 2 if length else 0
        return data[end + 1 :]


class Connection(asyncio.BufferedProtocol):
    """One connection.

    Args:
        content: A file that is longer than every object.
        queue_url: The answer to GetQueueUrl.
    """

    _transport: asyncio.Transport

    def __init__(self, content: IO[bytes], queue_url: bytes) -> None:
        self._content = content
        self._queue_url = queue_url
        self._head = b""
        self._request: Request | None = None
        self._left = 0
        self._chunks: Chunks | None = None
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (TCP has no other)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return _SCRATCH

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        data = _SCRATCH[:nbytes]
        while data:
            data = self._take_head(data) if self._request is None else self._take_body(data)

    def _take_head(self, data: memoryview) -> memoryview:
        head = self._head + bytes(data)
        end = head.find(_END)
        if end < 0:
            self._head = head
            return data[:0]
        rest = data[end + len(_END) - len(self._head) :]
        self._head = b""
        request = self._request = Request.parse(head[:end])
        length = _LENGTH.search(request.headers)
        self._left = int(length[1]) if length else 0
        self._chunks = Chunks() if b"\r\ntransfer-encoding: chunked" in request.headers else None
        if b"\r\nexpect: 100-continue" in request.headers:
            self._transport.write(answers.CONTINUE)
        if not self._left and self._chunks is None:
            self._finish(request)
        return rest

    def _take_body(self, data: memoryview) -> memoryview:
        assert self._request is not None  # noqa: S101  (a body belongs to a request)
        if self._chunks is not None:
            rest = self._chunks.take(data)
            done = self._chunks.done
        else:
            taken = min(self._left, len(data))
            self._left -= taken
            rest, done = data[taken:], not self._left
        if done:
            self._finish(self._request)
        return rest

    def _finish(self, request: Request) -> None:
        self._request = None
        target = _TARGET.search(request.headers)
        if target is not None:
            self._transport.write(self._called(target[1]))
        elif request.method in {b"get", b"head"}:
            self._read(request)
        else:
            self._transport.write(_changed(request))

    def _called(self, target: bytes) -> bytes:
        if target == b"amazonsqs.getqueueurl":
            return self._queue_url
        return answers.TARGETS.get(target, answers.UNKNOWN)

    def _read(self, request: Request) -> None:
        found = _SIZE.search(request.path)
        if found is not None:
            self._read_object(request, int(found[1]))
        elif request.path.count(b"/") > 1 and request.path[-1:] != b"/":
            self._transport.write(answers.MISSING)
        else:
            self._transport.write(answers.LISTING)

    def _read_object(self, request: Request, size: int) -> None:
        wanted = _RANGE.search(request.headers)
        first, last = 0, size - 1
        if wanted is not None and wanted[1]:
            first, last = int(wanted[1]), min(int(wanted[2] or last), last)
        elif wanted is not None:
            first = max(0, size - int(wanted[2]))
        checked = wanted is None and b"\r\nx-amz-checksum-mode:" in request.headers
        head = answers.head(size, first, last, wanted is not None, checked)
        length = last - first + 1
        if request.method == b"head":
            self._transport.write(head)
        elif length <= len(answers.PIECE) // 8 and first == 0:
            self._transport.write(head + answers.PIECE[:length])
        else:
            self._transport.write(head)
            self._sending = asyncio.ensure_future(self._send(first, length))

    async def _send(self, first: int, length: int) -> None:
        # The kernel moves the bytes from the page cache to the client: no copy in this process.
        loop = asyncio.get_running_loop()
        try:
            await loop.sendfile(self._transport, self._content, first, length, fallback=False)
        except (ConnectionError, RuntimeError):
            self._transport.abort()  # the client has gone


def _changed(request: Request) -> bytes:
    if request.method == b"put":
        return answers.STORED
    if request.method == b"post" and request.query.startswith(b"uploads"):
        return answers.CREATED
    if request.method == b"post" and b"uploadid=" in request.query:
        return answers.COMPLETED
    return answers.EMPTY if request.method == b"delete" else answers.UNKNOWN
