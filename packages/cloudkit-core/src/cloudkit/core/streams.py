"""Bodies that an SDK reads in threads, as streams that may be left at any time."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream
from cloudkit.common import ClientClosedError

RunInThread: TypeAlias = Callable[[Callable[[], None]], Awaitable[Any]]
"""Calls a function in a worker thread of a client."""


class ThreadedStream(ByteReceiveStream):
    """Reads a body in worker threads, ahead of small receives.

    A receive that is cancelled loses nothing: its thread leaves what it has read for the next one. A
    provider says how its SDK reads, frees and interrupts a body.

    Args:
        run: Calls a function in a worker thread.
    """

    def __init__(self, run: RunInThread) -> None:
        self._run = run
        self._reading = threading.Lock()
        self._chunk = memoryview(b"")
        self._ended = False
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes, at most ``max_bytes`` of them.

        Raises:
            EndOfStream: There are no more.
            ClientClosedError: The stream or its client has been closed.
            Exception: What the SDK raised when the connection broke.
        """
        if self._closed:
            raise ClientClosedError("the stream has been closed")
        while not self._chunk:
            if self._ended:
                raise EndOfStream
            await self._run(self._read_ahead)
        piece, self._chunk = bytes(self._chunk[:max_bytes]), self._chunk[max_bytes:]
        return piece

    async def aclose(self) -> None:
        """Free the connection. Never waits: not for the rest of the body, nor for a thread."""
        self._closed = True
        self._chunk = memoryview(b"")
        if not self._discard():
            # A thread is reading. It is woken up, and frees the body itself.
            self._interrupt()

    @abstractmethod
    def _read(self) -> bytes:
        """The next bytes, empty at the end. Blocks."""

    @abstractmethod
    def _free(self) -> None:
        """Give the body up; a connection with bytes still to come must not be used again."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Let a thread that waits in ``_read`` come back, where that can be done. Must not block."""

    def _read_ahead(self) -> None:
        try:
            with self._reading:
                # What a cancelled receive had asked for is there already.
                if not self._chunk and not self._ended and not self._closed:
                    chunk = self._read()
                    self._ended = not chunk
                    self._chunk = memoryview(chunk)
        finally:
            if self._closed:
                self._discard()

    def _discard(self) -> bool:
        if not self._reading.acquire(blocking=False):
            return False
        try:
            self._free()
        finally:
            self._reading.release()
        return True


def shut_down(connection: object) -> None:
    """Wake up a thread that reads from urllib3's response, if its version can do so."""
    shutdown = getattr(connection, "shutdown", None)
    if shutdown is not None:
        shutdown()
