"""The client of a namespace: connections for messages, and the SDK's client for management."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.service_bus.connections import Pool
from cloudkit.azure.service_bus.known import Known
from cloudkit.azure.service_bus.place import Place, make_place
from cloudkit.azure.service_bus.sessions import Sessions

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusClient
    from azure.servicebus.management import ServiceBusAdministrationClient


class ServiceBus:
    """All that is needed of one namespace.

    Args:
        place: Where it is.
        settings: What clients are made of.
    """

    def __init__(self, place: Place, settings: ClientSettings) -> None:
        self.place = place
        self.pool = Pool(place)
        self.sessions = Sessions(self.pool)
        self.known = Known()
        self._settings = settings
        self._lock = threading.Lock()
        self._administration: ServiceBusAdministrationClient | None = None
        self._sdk: ServiceBusClient | None = None

    @property
    def administration(self) -> ServiceBusAdministrationClient:
        """The SDK's client that manages queues, topics and subscriptions."""
        with self._lock:
            if self._administration is None:
                self._administration = self._make_administration()
            return self._administration

    @property
    def sdk(self) -> ServiceBusClient:
        """The SDK's client for messages, which CloudKit itself does not use."""
        with self._lock:
            if self._sdk is None:
                from azure.servicebus import ServiceBusClient

                options: dict[str, Any] = {"retry_total": 0, "use_tls": self.place.secure}
                credential = _sdk_credential(self.place)
                self._sdk = ServiceBusClient(self.place.host, credential, **options)
            return self._sdk

    def succeed(self, old: ServiceBus) -> None:
        """Take over what a client with other credentials knows, and the sessions that it holds.

        Args:
            old: It goes on with what it has begun.
        """
        self.known = old.known
        self.sessions = old.sessions
        self.sessions.pool = self.pool
        old.pool.retire()

    def close(self) -> None:
        """Close the connections."""
        self.pool.close()  # first: who waits for a session looks at it
        self.sessions.close()
        if self._sdk is not None:
            self._sdk.close()

    def _make_administration(self) -> ServiceBusAdministrationClient:
        from azure.servicebus.management import ServiceBusAdministrationClient
        from cloudkit.azure.service_bus.management import ManagementTransport

        place, http = self.place, dict(self._settings.http)
        http["transport"] = ManagementTransport(http["transport"], place, self._settings.config)
        if place.token is not None:
            return ServiceBusAdministrationClient(place.host, place.token, **http)
        # The transport signs; what the SDK signs with does not matter.
        text = f"Endpoint=sb://{place.host};SharedAccessKeyName=none;SharedAccessKey=none"
        return ServiceBusAdministrationClient.from_connection_string(text, **http)


def make_client(settings: ClientSettings) -> ServiceBus:
    """The client of a namespace.

    Raises:
        ConfigurationError: It is not known where the namespace is.
    """
    return ServiceBus(make_place(settings), settings)


def _sdk_credential(place: Place) -> Any:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

    if place.token is not None:
        return place.token
    if place.signature is not None:
        return AzureSasCredential(place.signature)
    return AzureNamedKeyCredential(str(place.policy), str(place.key))
