"""A tiny HTTP server on 127.0.0.1 that takes what subscriptions push."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from attrs import field, frozen
from cloudkit.api.tasks import flat_task_group

_MAX_HEAD = 64 * 1024
_GONE = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError)


@frozen(kw_only=True)
class PushRequest:
    """An HTTP request.

    Attributes:
        method: Its method.
        target: Path and query.
        headers: Names as they were sent, and values.
        body: Its body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name."""
        for known, value in self.headers.items():
            if known.lower() == name.lower():
                return value
        return None


@frozen(kw_only=True)
class PushAnswer:
    """An HTTP response.

    Attributes:
        status: Its status.
        headers: Further headers.
        body: Its body.
    """

    status: int = 204
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """As it goes over the wire; the connection is closed after it."""
        lines = [
            f"HTTP/1.1 {self.status} Answer",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            f"Content-Length: {len(self.body)}",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


AnswerPush: TypeAlias = Callable[[PushRequest], Awaitable[PushAnswer]]


async def _read(stream: BufferedByteReceiveStream) -> PushRequest:
    head = (await stream.receive_until(b"\r\n\r\n", _MAX_HEAD)).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    request = PushRequest(method=method, target=target, headers=headers, body=b"")
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        body = await _read_chunks(stream)
    else:
        size = int(request.header("content-length") or 0)
        body = await stream.receive_exactly(size) if size else b""
    return PushRequest(method=method, target=target, headers=headers, body=body)


async def _read_chunks(stream: BufferedByteReceiveStream) -> bytes:
    body = b""
    while True:
        size = int((await stream.receive_until(b"\r\n", _MAX_HEAD)).split(b";")[0], 16)
        if size:
            body += await stream.receive_exactly(size)
        await stream.receive_until(b"\r\n", _MAX_HEAD)
        if not size:
            return body


@asynccontextmanager
async def push_server(answer: AnswerPush) -> AsyncIterator[str]:
    """Serve requests while a block runs; gives the URL.

    Args:
        answer: Called with each request.
    """

    async def serve(stream: SocketStream) -> None:
        async with stream:
            try:
                request = await _read(BufferedByteReceiveStream(stream))
                await stream.send((await answer(request)).encode())
            except _GONE:
                return  # the other side is gone, and will push again

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610  (of anyio)
    async with listener, flat_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        try:
            yield f"http://127.0.0.1:{port}/push?of=test"
        finally:
            tasks.cancel_scope.cancel()
