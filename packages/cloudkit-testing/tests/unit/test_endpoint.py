"""The proxy that breaks connections, in front of a server that echoes."""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from cloudkit.testing import FlakyEndpoint, LinkFault, closed_port, flaky_endpoint

pytestmark = pytest.mark.anyio


async def _echo(stream: SocketStream) -> None:
    async with stream:
        try:
            async for chunk in stream:
                await stream.send(chunk)
        except anyio.BrokenResourceError:
            return


@pytest.fixture
async def endpoint() -> AsyncIterator[FlakyEndpoint]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, _echo)
        port = listener.extra(SocketAttribute.local_port)
        async with flaky_endpoint("127.0.0.1", port) as endpoint:
            yield endpoint
        tasks.cancel_scope.cancel()


async def _read(stream: SocketStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.receive()
    return data


async def _exchange(endpoint: FlakyEndpoint, data: bytes) -> bytes:
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
            await stream.send(data)
            return await _read(stream, len(data))


async def _received(endpoint: FlakyEndpoint, data: bytes) -> tuple[bytes, type[Exception]]:
    """What came back until the connection ended, and how it ended."""
    received = b""
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
            await stream.send(data)
            try:
                while True:
                    received += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
                return received, type(error)


async def test_without_a_fault_all_passes(endpoint: FlakyEndpoint):
    data = bytes(range(256)) * 1000
    assert await _exchange(endpoint, data) == data
    assert endpoint.url == f"http://127.0.0.1:{endpoint.port}"
    assert endpoint.connections == 1


async def test_a_response_is_cut_in_the_middle(endpoint: FlakyEndpoint):
    endpoint.break_links(LinkFault(response_bytes=5, action="close"), times=1)
    assert await _received(endpoint, b"0123456789") == (b"01234", anyio.EndOfStream)
    assert await _exchange(endpoint, b"well again") == b"well again"


async def test_a_request_is_reset(endpoint: FlakyEndpoint):
    endpoint.break_links(LinkFault(request_bytes=0))
    for _ in range(2):
        assert await _received(endpoint, b"lost") == (b"", anyio.BrokenResourceError)
    await endpoint.heal()
    assert await _exchange(endpoint, b"heard") == b"heard"


async def test_a_connection_that_is_open_already_breaks_too(endpoint: FlakyEndpoint):
    async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
        await stream.send(b"before")
        assert await _read(stream, 6) == b"before"
        endpoint.break_links(LinkFault(response_bytes=2, action="close"))
        await stream.send(b"after")
        with anyio.fail_after(10):
            assert await _read(stream, 2) == b"af"
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()


async def test_a_stall_says_nothing(endpoint: FlakyEndpoint):
    endpoint.break_links(LinkFault(request_bytes=0, action="stall"))
    async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
        await stream.send(b"hello?")
        with anyio.move_on_after(0.1) as scope:
            await stream.receive()
        assert scope.cancelled_caught


async def test_a_slow_link_is_slow(endpoint: FlakyEndpoint):
    endpoint.break_links(LinkFault(rate=10_000))
    began = anyio.current_time()
    assert await _exchange(endpoint, bytes(2000)) == bytes(2000)
    assert anyio.current_time() - began >= 0.15


async def test_connections_are_refused_until_healed(endpoint: FlakyEndpoint):
    async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
        await stream.send(b"open")
        assert await _read(stream, 4) == b"open"
        await endpoint.refuse()
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)), anyio.fail_after(10):
            await stream.receive()
    with pytest.raises(OSError, match="connection"):
        await anyio.connect_tcp("127.0.0.1", endpoint.port)
    await endpoint.heal()
    assert await _exchange(endpoint, b"back") == b"back"


async def test_a_closed_port_refuses():
    with closed_port() as port, pytest.raises(OSError, match="connection"):
        await anyio.connect_tcp("127.0.0.1", port)
