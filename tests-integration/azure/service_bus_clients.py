"""The SDK's own clients of the double of Service Bus."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline.transport import RequestsTransport
from azure.servicebus import ServiceBusClient
from azure.servicebus.management import ServiceBusAdministrationClient
from emulators.process import Server
from emulators.service_bus import KEY, connection_string


class PlainTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it lazily
    """Sends without TLS, which the management client cannot be told."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send."""
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def make_client(server: Server, *, key: str = KEY) -> ServiceBusClient:
    """A client that sends and receives, and tries nothing twice."""
    return ServiceBusClient.from_connection_string(
        connection_string(server.url, key=key), retry_total=0
    )


def make_administration(server: Server, *, key: str = KEY) -> ServiceBusAdministrationClient:
    """A client that manages entities, and tries nothing twice."""
    return ServiceBusAdministrationClient.from_connection_string(
        connection_string(server.url, key=key), transport=PlainTransport(), retry_total=0
    )
