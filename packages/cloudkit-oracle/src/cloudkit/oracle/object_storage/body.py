"""The body of an answer as a stream that may be left at any time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cloudkit.core.streams import ThreadedStream, shut_down
from cloudkit.oracle.object_storage.space import Spaces

CHUNK = 256 * 1024
"""Bytes read by one visit to a worker thread."""


class BodyStream(ThreadedStream):
    """Reads a body in worker threads, ahead of small receives.

    Args:
        spaces: Has the threads.
        response: The answer; its body has not been read.
    """

    def __init__(self, spaces: Spaces, response: Any) -> None:
        super().__init__(spaces.run_free)
        self._response = response
        self._blocks = pieces(response)

    def _read(self) -> bytes:
        return next(self._blocks, b"")

    def _free(self) -> None:
        self._response.close()

    def _interrupt(self) -> None:
        shut_down(self._response.raw)


def pieces(response: Any) -> Iterator[bytes]:
    """The body of an answer, as it was stored: what is compressed stays so. Blocks."""
    blocks: Iterator[bytes] = response.raw.stream(CHUNK, decode_content=False)
    return blocks
