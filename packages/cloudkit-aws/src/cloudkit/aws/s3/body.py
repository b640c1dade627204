"""The body of a response as a stream that may be left at any time."""

from __future__ import annotations

import threading
from typing import Any

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from cloudkit.aws.clients import AwsClients
from cloudkit.common import ClientClosedError

CHUNK = 256 * 1024
"""Bytes read by one visit to a worker thread."""


class BodyStream(ByteReceiveStream):
    """Reads a body in worker threads, ahead of small receives.

    A receive that is cancelled loses nothing: its thread leaves what it has read for the next one.

    Args:
        clients: Has the threads.
        body: botocore's StreamingBody.
    """

    def __init__(self, clients: AwsClients, body: Any) -> None:
        self._clients = clients
        self._body = body
        self._reading = threading.Lock()
        self._chunk = memoryview(b"")
        self._ended = False
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, at most ``max_bytes`` of them.

        Raises:
            EndOfStream: There are no more.
            ClientClosedError: The stream or its client has been closed.
            Exception: What botocore raised when the connection broke.
        """
        if self._closed:
            raise ClientClosedError("the stream has been closed")
        while not self._chunk:
            if self._ended:
                raise EndOfStream
            await self._clients.run_free(self._read_ahead)
        piece, self._chunk = bytes(self._chunk[:max_bytes]), self._chunk[max_bytes:]
        return piece

    async def aclose(self) -> None:
        """Free the connection. Never waits: not for the rest of the body, nor for a thread."""
        self._closed = True
        self._chunk = memoryview(b"")
        if not self._discard():
            # A thread is reading. It is woken up, and closes the body itself.
            shutdown = getattr(self._body._raw_stream, "shutdown", None)
            if shutdown is not None:
                shutdown()

    def _read_ahead(self) -> None:
        try:
            with self._reading:
                # What a cancelled receive had asked for is there already.
                if not self._chunk and not self._ended and not self._closed:
                    chunk = self._body.read(CHUNK)
                    self._ended = not chunk
                    self._chunk = memoryview(chunk)
        finally:
            if self._closed:
                self._discard()

    def _discard(self) -> bool:
        if not self._reading.acquire(blocking=False):
            return False
        try:
            discard(self._body)
        finally:
            self._reading.release()
        return True


def discard(body: Any) -> None:
    """Close a body. A connection with bytes still to come is not used again."""
    body.close()
    body._raw_stream.release_conn()
