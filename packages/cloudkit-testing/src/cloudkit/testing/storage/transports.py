"""What the storage behaviours send and receive with: content, interceptors, a plain HTTP client."""

from __future__ import annotations

import http.client
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from anyio.abc import ByteReceiveStream
from attrs import frozen
from cloudkit.spi import AnyOperation, Interceptor

HTTP_SECONDS = 20.0


def pattern(size: int) -> bytes:
    """Bytes that repeat only after a prime number of them, so that a part out of place shows.

    Args:
        size: How many.
    """
    unit = bytes((number * number + number // 256) % 256 for number in range(65521))
    return (unit * (size // len(unit) + 1))[:size]


@frozen
class Answer:
    """An HTTP response.

    Attributes:
        status: Its status.
        headers: Its headers, names in lower case.
        body: Its body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300


def _exchange(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=HTTP_SECONDS)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content)
    finally:
        connection.close()


async def exchange(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request as somebody without an SDK and without credentials would.

    Args:
        method: For example ``"GET"``.
        url: Where to.
        body: What to send along.
        headers: Further headers.
    """
    return await to_thread.run_sync(_exchange, method, url, body, headers or {})


class PartGauge(Interceptor):
    """Watches the parts of an upload: how many are under way and how many bytes have arrived.

    Args:
        hold_first: Let the first part wait until another one has arrived, so that they come out of
            order.

    Attributes:
        arrived: Bytes that the service has.
        order: Numbers of the parts in the order in which they arrived.
        most: Most parts that were under way at once.
    """

    def __init__(self, *, hold_first: bool = False) -> None:
        self.arrived = 0
        self.order: list[int] = []
        self.most = 0
        self._under_way = 0
        self._hold_first = hold_first
        self._another = anyio.Event()

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Count a part in and out."""
        if operation.name != "upload_part":
            return await proceed(operation)
        part: Any = operation
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            if self._hold_first and part.number == 1:
                await self._another.wait()
            result = await proceed(operation)
        finally:
            self._under_way -= 1
        self.order.append(part.number)
        self.arrived += len(part.body)
        self._another.set()
        return result


class BrokenStream(ByteReceiveStream):
    """A stream that breaks off.

    Args:
        stream: What it reads from.
        after: Bytes until it breaks.
        error: What it raises then.
    """

    def __init__(self, stream: ByteReceiveStream, after: int, error: Exception) -> None:
        self._stream = stream
        self._left = after
        self._error = error

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes.

        Raises:
            Exception: The one that was given, when all bytes have been read.
        """
        if self._left <= 0:
            raise self._error
        chunk = await self._stream.receive(min(max_bytes, self._left))
        self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the stream beneath."""
        await self._stream.aclose()


class BreakStreams(Interceptor):
    """Breaks the streams of opened objects.

    Args:
        after: Bytes until a stream breaks.
        error: What it raises then.
        times: How many streams.

    Attributes:
        opened: How many streams were opened.
    """

    def __init__(self, after: int, error: Exception, times: int = 1) -> None:
        self.opened = 0
        self._after = after
        self._error = error
        self._left = times

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Put a stream that breaks in the place of the true one."""
        result = await proceed(operation)
        if operation.name != "open_object":
            return result
        self.opened += 1
        if self._left <= 0:
            return result
        self._left -= 1
        info, stream = result
        return info, BrokenStream(stream, self._after, self._error)


class SpoilBytes(Interceptor):
    """Flips a bit of what is read, as a bad line would."""

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Change the first byte of each piece that is written to the file."""
        if isinstance(proceed, partial) and "write" in proceed.keywords:
            write = proceed.keywords["write"]

            def write_spoilt(data: bytes, offset: int) -> None:
                write(bytes([data[0] ^ 1]) + data[1:], offset)

            proceed = partial(proceed, write=write_spoilt)
        return await proceed(operation)


class ReplaceMeanwhile(Interceptor):
    """Has an object replaced while it is read in ranges.

    Args:
        after: How many ranges are read before.

    Attributes:
        replace: Replaces it; None for not yet.
    """

    def __init__(self, after: int) -> None:
        self.replace: Callable[[], Awaitable[object]] | None = None
        self._left = after

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Count the ranges, and replace the object once."""
        if operation.name == "get_object" and self.replace is not None:
            self._left -= 1
            if self._left < 0:
                replace, self.replace = self.replace, None
                await replace()
        return await proceed(operation)
