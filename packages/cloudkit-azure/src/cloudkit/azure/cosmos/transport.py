"""What Cosmos DB's client sends by: the cloud's transport, with an eye on what the SDK would repeat.

The SDK repeats some requests whatever its options say: the first one about the account, and those to a
container that was made anew. There is one retry loop, the executor's, so answers of these kinds leave
the SDK as errors that it does not know.
"""

from __future__ import annotations

import threading
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport
from azure.cosmos.exceptions import CosmosHttpResponseError
from cloudkit.azure.cosmos.answers import COLLECTION_REPLACED

SUBSTATUS = "x-ms-substatus"


class UnreachedError(Exception):
    """The account could not be read.

    Attributes:
        error: What the SDK would have raised in the end.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class ContainerReplacedError(AzureError):
    """The container is another one than that whose definition was read."""


class WatchedTransport(HttpTransport[Any, Any]):
    """Sends by another transport.

    Args:
        inner: Sends. Who made it closes it.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._starting: int | None = threading.get_ident()

    def started(self) -> None:
        """The client is made: from now on its health checks are its own affair."""
        self._starting = None

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request once.

        Raises:
            UnreachedError: It was the first one, and failed.
            ContainerReplacedError: It was about a container that is gone.
        """
        if self._starting == threading.get_ident() and urlsplit(request.url).path in {"", "/"}:
            return self._first(request, **kwargs)
        response = self._inner.send(request, **kwargs)
        if response.headers.get(SUBSTATUS) == COLLECTION_REPLACED and response.status_code == 400:
            raise ContainerReplacedError("the container was deleted and made anew")
        return response

    def _first(self, request: Any, **kwargs: Any) -> Any:
        try:
            response = self._inner.send(request, **kwargs)
        except AzureError as error:
            raise UnreachedError(error) from error
        if response.status_code >= 400:
            message = response.body().decode(errors="replace")
            make: Any = CosmosHttpResponseError  # has no types
            raise UnreachedError(make(message=message, response=response))
        return response

    def open(self) -> None:
        """Nothing: connections are opened when they are needed."""

    def close(self) -> None:
        """Nothing: the other services go on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
