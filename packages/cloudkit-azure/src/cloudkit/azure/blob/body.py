"""The body of an answer as a stream that may be left at any time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloudkit.azure.clients import AzureClients
from cloudkit.core.streams import ThreadedStream, shut_down

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse


class BodyStream(ThreadedStream):
    """Reads a body in worker threads, ahead of small receives.

    Args:
        clients: Has the threads.
        response: The answer; its body has not been read.
    """

    def __init__(self, clients: AzureClients, response: HttpResponse) -> None:
        super().__init__(clients.run_free)
        self._response = response
        self._blocks: Iterator[bytes] = response.iter_raw()

    def _read(self) -> bytes:
        return next(self._blocks, b"")

    def _free(self) -> None:
        self._response.close()

    def _interrupt(self) -> None:
        internal = getattr(self._response, "_internal_response", None)
        shut_down(getattr(internal, "raw", None))
