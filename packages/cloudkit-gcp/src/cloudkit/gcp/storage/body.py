"""The body of an answer as a stream that may be left at any time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from cloudkit.common import ClientClosedError
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.storage.checksums import Check

if TYPE_CHECKING:
    import requests

CHUNK = 256 * 1024
"""Bytes read by one visit to a worker thread."""


def read_piece(response: requests.Response) -> bytes:
    """The next bytes of a body, as they are stored; empty at its end. Blocks."""
    piece: bytes = response.raw.read(CHUNK, decode_content=False)
    return piece


class BodyStream(ByteReceiveStream):
    """Reads a body in worker threads, ahead of small receives.

    A receive that is cancelled loses nothing: its thread leaves what it has read for the next one.

    Args:
        clients: Has the threads.
        response: The answer; its body has not been read.
        check: Compares the content with its checksum.
    """

    def __init__(self, clients: GcpClients, response: requests.Response, check: Check) -> None:
        self._clients = clients
        self._response = response
        self._check = check
        self._reading = threading.Lock()
        self._chunk = memoryview(b"")
        self._ended = False
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, at most ``max_bytes`` of them.

        Raises:
            EndOfStream: There are no more.
            IntegrityError: All bytes came, and are not those that were stored.
            ClientClosedError: The stream or its client has been closed.
            Exception: What urllib3 raised when the connection broke.
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
            shutdown = getattr(self._response.raw, "shutdown", None)
            if shutdown is not None:
                shutdown()

    def _read_ahead(self) -> None:
        try:
            with self._reading:
                # What a cancelled receive had asked for is there already.
                if not self._chunk and not self._ended and not self._closed:
                    chunk = read_piece(self._response)
                    self._check.update(chunk)
                    self._ended = not chunk
                    self._chunk = memoryview(chunk)
                    if self._ended:
                        self._check.finish()
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
