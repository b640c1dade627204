"""The body of an answer as a stream that may be left at any time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from cloudkit.azure.clients import AzureClients
from cloudkit.common import ClientClosedError

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse


class BodyStream(ByteReceiveStream):
    """Reads a body in worker threads, ahead of small receives.

    A receive that is cancelled loses nothing: its thread leaves what it has read for the next one.

    Args:
        clients: Has the threads.
        response: The answer; its body has not been read.
    """

    def __init__(self, clients: AzureClients, response: HttpResponse) -> None:
        self._clients = clients
        self._response = response
        self._blocks: Iterator[bytes] = response.iter_raw()
        self._reading = threading.Lock()
        self._chunk = memoryview(b"")
        self._ended = False
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, at most ``max_bytes`` of them.

        Raises:
            EndOfStream: There are no more.
            ClientClosedError: The stream or its client has been closed.
            Exception: What azure-core raised when the connection broke.
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
            internal = getattr(self._response, "_internal_response", None)
            shutdown = getattr(getattr(internal, "raw", None), "shutdown", None)
            if shutdown is not None:
                shutdown()

    def _read_ahead(self) -> None:
        try:
            with self._reading:
                # What a cancelled receive had asked for is there already.
                if not self._chunk and not self._ended and not self._closed:
                    chunk = next(self._blocks, b"")
                    self._ended = not chunk
                    self._chunk = memoryview(chunk)
        finally:
            if self._closed:
                self._discard()

    def _discard(self) -> bool:
        if not self._reading.acquire(blocking=False):
            return False
        try:
            # A connection with bytes still to come is not used again.
            self._response.close()
        finally:
            self._reading.release()
        return True
