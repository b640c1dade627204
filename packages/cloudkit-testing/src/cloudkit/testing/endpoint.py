"""A TCP proxy that breaks connections as it is told, for providers that talk to a server."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Literal, TypeAlias

import anyio
from anyio.abc import Listener, SocketAttribute, SocketStream, TaskGroup
from attrs import define, field, frozen

Action: TypeAlias = Literal["reset", "close", "stall"]
_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)
_PER_SECOND = 20


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections and that nobody else gets meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@frozen(kw_only=True)
class LinkFault:
    """What is wrong with the way to the server.

    Attributes:
        request_bytes: Bytes of the request that still pass; None for all.
        response_bytes: Bytes of the response that still pass; None for all.
        action: What happens then: ``"reset"`` (RST), ``"close"`` (an orderly end in the middle) or
            ``"stall"`` (nothing more passes, and nothing is said).
        rate: Bytes a second in each direction; None for no limit.
    """

    request_bytes: int | None = None
    response_bytes: int | None = None
    action: Action = "reset"
    rate: float | None = None


@define(eq=False)
class _Link:
    """One connection: the client's side and the server's."""

    client: SocketStream
    server: SocketStream
    generation: int = 0
    passed: dict[str, int] = field(factory=dict)

    async def drop(self, *, abruptly: bool) -> None:
        if abruptly:
            with suppress(OSError):  # it may be closed already
                raw = self.client.extra(SocketAttribute.raw_socket)  # noqa: S610  (of anyio)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for stream in (self.client, self.server):
            with suppress(*_BROKEN):
                await stream.aclose()


class FlakyEndpoint:
    """A proxy on 127.0.0.1 in front of a server; made by ``flaky_endpoint``.

    Attributes:
        connections: How many connections were accepted so far.
        port: Where it listens.
    """

    def __init__(self, tasks: TaskGroup, host: str, port: int) -> None:
        self.connections = 0
        self.port = 0
        self._tasks = tasks
        self._target = (host, port)
        self._links: set[_Link] = set()
        self._fault: LinkFault | None = None
        self._left = 0.0
        self._generation = 0
        self._listening: anyio.CancelScope | None = None
        self._port_free = anyio.Event()
        self._reserved: socket.socket | None = None

    @property
    def url(self) -> str:
        """Its address, for the ``endpoint`` option."""
        return f"http://127.0.0.1:{self.port}"

    def break_links(self, fault: LinkFault, *, times: float = float("inf")) -> None:
        """From now on, connections that are open and those to come have a fault.

        Bytes are counted from here, or from the begin of the connection.

        Args:
            fault: What is wrong.
            times: How many connections are reset, closed or stalled until all is well again.
        """
        self._fault, self._left = fault, times
        self._generation += 1

    async def refuse(self) -> None:
        """Drop all connections and refuse new ones until ``heal``."""
        await self._stop_listening()
        await self._drop_all()
        self._reserved = _bound(self.port)

    async def heal(self) -> None:
        """Be a good proxy again."""
        self._fault = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
            await self._listen()

    async def close(self) -> None:
        """Drop all connections and stop."""
        await self._stop_listening()
        await self._drop_all()
        if self._reserved is not None:
            self._reserved.close()

    async def _listen(self) -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self.port)
        self.port = listener.extra(SocketAttribute.local_port)  # noqa: S610  (of anyio)
        self._listening, self._port_free = anyio.CancelScope(), anyio.Event()
        self._tasks.start_soon(self._serve, listener, self._listening)

    async def _serve(self, listener: Listener[SocketStream], scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await listener.serve(self._accept, self._tasks)
        finally:
            with anyio.CancelScope(shield=True):
                await listener.aclose()
            self._port_free.set()

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
            await self._port_free.wait()

    async def _drop_all(self) -> None:
        for link in list(self._links):
            await link.drop(abruptly=True)

    async def _accept(self, client: SocketStream) -> None:
        self.connections += 1
        try:
            server = await anyio.connect_tcp(*self._target)
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await client.aclose()
            if isinstance(error, OSError):
                return
            raise
        link = _Link(client, server, self._generation)
        self._links.add(link)
        try:
            async with anyio.create_task_group() as pumps:
                pumps.start_soon(self._pump, link, "request")
                pumps.start_soon(self._pump, link, "response")
        finally:
            self._links.discard(link)
            with anyio.CancelScope(shield=True):
                await link.drop(abruptly=False)

    async def _pump(self, link: _Link, direction: Literal["request", "response"]) -> None:
        source, sink = link.client, link.server
        if direction == "response":
            source, sink = sink, source
        with suppress(*_BROKEN):
            while True:
                chunk = await source.receive()
                allowed = self._allowed(link, direction, len(chunk))
                await self._send(sink, chunk[:allowed])
                if allowed < len(chunk):
                    await self._break(link)
        with suppress(*_BROKEN):
            await sink.send_eof()

    def _allowed(self, link: _Link, direction: str, size: int) -> int:
        fault = self._fault
        if fault is None:
            return size
        if link.generation != self._generation:
            link.generation = self._generation
            link.passed.clear()
        limit = fault.request_bytes if direction == "request" else fault.response_bytes
        passed = link.passed.get(direction, 0)
        allowed = size if limit is None else min(size, max(0, limit - passed))
        link.passed[direction] = passed + allowed
        return allowed

    async def _send(self, sink: SocketStream, data: bytes) -> None:
        rate = self._fault.rate if self._fault is not None else None
        if rate is None:
            await sink.send(data)
            return
        step = max(1, int(rate / _PER_SECOND))
        for start in range(0, len(data), step):
            await sink.send(data[start : start + step])
            await anyio.sleep(step / rate)

    async def _break(self, link: _Link) -> None:
        action = self._fault.action if self._fault is not None else "reset"
        self._left -= 1
        if self._left <= 0:
            self._fault = None
        if action == "stall":
            await anyio.sleep_forever()
        await link.drop(abruptly=action == "reset")


def _bound(port: int) -> socket.socket:
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


@asynccontextmanager
async def flaky_endpoint(host: str, port: int) -> AsyncIterator[FlakyEndpoint]:
    """A proxy in front of a server, to be given to a provider as its ``endpoint``.

    Args:
        host: Host of the server.
        port: Its port.
    """
    async with anyio.create_task_group() as tasks:
        endpoint = FlakyEndpoint(tasks, host, port)
        await endpoint._listen()
        try:
            yield endpoint
        finally:
            with anyio.CancelScope(shield=True):
                await endpoint.close()
            tasks.cancel_scope.cancel()
