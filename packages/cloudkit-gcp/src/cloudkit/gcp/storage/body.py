"""The body of an answer as a stream that may be left at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.core.streams import ThreadedStream, shut_down
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


class BodyStream(ThreadedStream):
    """Reads a body in worker threads, ahead of small receives.

    The last receive raises an IntegrityError when all bytes came, and are not those that were stored.

    Args:
        clients: Has the threads.
        response: The answer; its body has not been read.
        check: Compares the content with its checksum.
    """

    def __init__(self, clients: GcpClients, response: requests.Response, check: Check) -> None:
        super().__init__(clients.run_free)
        self._response = response
        self._check = check

    def _read(self) -> bytes:
        chunk = read_piece(self._response)
        self._check.update(chunk)
        if not chunk:
            self._check.finish()
        return chunk

    def _free(self) -> None:
        self._response.close()

    def _interrupt(self) -> None:
        shut_down(self._response.raw)
