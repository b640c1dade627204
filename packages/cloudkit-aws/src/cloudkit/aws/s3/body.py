"""The body of a response as a stream that may be left at any time."""

from __future__ import annotations

from typing import Any

from cloudkit.aws.clients import AwsClients
from cloudkit.core.streams import ThreadedStream, shut_down

CHUNK = 256 * 1024
"""Bytes read by one visit to a worker thread."""


class BodyStream(ThreadedStream):
    """Reads a body in worker threads, ahead of small receives.

    Args:
        clients: Has the threads.
        body: botocore's StreamingBody.
    """

    def __init__(self, clients: AwsClients, body: Any) -> None:
        super().__init__(clients.run_free)
        self._body = body

    def _read(self) -> bytes:
        chunk: bytes = self._body.read(CHUNK)
        return chunk

    def _free(self) -> None:
        discard(self._body)

    def _interrupt(self) -> None:
        shut_down(self._body._raw_stream)


def discard(body: Any) -> None:
    """Close a body. A connection with bytes still to come is not used again."""
    body.close()
    body._raw_stream.release_conn()
