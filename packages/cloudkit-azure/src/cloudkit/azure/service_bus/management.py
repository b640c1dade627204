"""How requests of management are sent."""

from __future__ import annotations

from typing import Any, Self

from azure.core.pipeline.transport import HttpTransport
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.service_bus.place import Place


class ManagementTransport(HttpTransport[Any, Any]):
    """Signs requests, and sends them where the namespace is managed.

    The SDK signs with keys only, not with signatures, and speaks HTTPS to the port of AMQP also where
    an emulator has its management elsewhere.

    Args:
        inner: Sends.
        place: The namespace.
        config: The settings of the cloud.
    """

    def __init__(self, inner: Any, place: Place, config: AzureConfig) -> None:
        self._inner = inner
        self._place = place
        scheme = "https" if place.secure else "http"
        self._base = config.service_bus_management_endpoint or f"{scheme}://{place.host}"

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request."""
        host = f"https://{self._place.host}"
        if request.url.startswith(host):
            request.url = self._base.rstrip("/") + request.url.removeprefix(host)
        if self._place.token is None:
            request.headers["Authorization"] = self._place.access(host).token
        return self._inner.send(request, **options)

    def open(self) -> None:
        """Nothing: the connections are the cloud's."""

    def close(self) -> None:
        """Nothing: the connections are the cloud's."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
