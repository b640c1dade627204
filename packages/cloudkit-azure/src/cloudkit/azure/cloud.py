"""The Azure cloud: its services on one set of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from cloudkit.azure.blob import BlobObjectStorage
from cloudkit.azure.capabilities import capabilities_of
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.config import AzureConfig, AzureOptions
from cloudkit.azure.cosmos import CosmosKeyValueStore
from cloudkit.azure.errors import translate
from cloudkit.azure.event_grid import EventGridPubSub
from cloudkit.azure.functions import AzureFunctions
from cloudkit.azure.native import AzureNative
from cloudkit.azure.service_bus import ServiceBusMessageQueue, ServiceBusPubSub
from cloudkit.azure.service_bus.capabilities import TOPIC_CAPABILITIES
from cloudkit.common import Capabilities, CloudError
from cloudkit.core import BaseCloud, lazy_property
from cloudkit.spi import AnyOperation


class AzureCloud(BaseCloud[AzureConfig]):
    """Blob Storage, Cosmos DB, Service Bus, Event Grid and Functions.

    An SDK is imported, and a client made, by the first call that needs it, in a worker thread.
    A call that is cancelled returns at once; its request may still be carried out.

    Args:
        **options: Those of [AzureConfig][cloudkit.azure.AzureConfig], and the ones that every
            provider has.

    Raises:
        ConfigurationError: An option is unknown or wrong.
    """

    provider: ClassVar[str] = "azure"
    config_type = AzureConfig

    def __init__(self, **options: Unpack[AzureOptions]) -> None:
        super().__init__(options)
        self._clients = AzureClients(self._context)

    @lazy_property
    def capabilities(self) -> Capabilities:
        """Those of Azure, as the options have it."""
        return capabilities_of(self.config)

    @lazy_property
    def storage(self) -> BlobObjectStorage:
        """Objects in Blob Storage."""
        return BlobObjectStorage(self._runner, self.capabilities.storage, self._clients)

    @property
    def blob(self) -> BlobObjectStorage:
        """The same as ``storage``, by its own name."""
        return self.storage

    @lazy_property
    def kv(self) -> CosmosKeyValueStore:
        """Documents in Cosmos DB."""
        return CosmosKeyValueStore(self._runner, self.capabilities.kv, self._clients)

    @property
    def cosmos(self) -> CosmosKeyValueStore:
        """The same as ``kv``, by its own name."""
        return self.kv

    @lazy_property
    def queue(self) -> ServiceBusMessageQueue:
        """Messages in queues of Service Bus."""
        return ServiceBusMessageQueue(self._runner, self.capabilities.queue, self._clients)

    @property
    def service_bus(self) -> ServiceBusMessageQueue:
        """The same as ``queue``, by its own name."""
        return self.queue

    @lazy_property
    def pubsub(self) -> EventGridPubSub:
        """Topics of an Event Grid namespace, or one basic topic."""
        return EventGridPubSub(self._runner, self.capabilities.pubsub, self._clients)

    @property
    def event_grid(self) -> EventGridPubSub:
        """The same as ``pubsub``, by its own name."""
        return self.pubsub

    @lazy_property
    def service_bus_topics(self) -> ServiceBusPubSub:
        """Topics of Service Bus, with the methods of ``pubsub`` and capabilities of their own."""
        return ServiceBusPubSub(self._runner, TOPIC_CAPABILITIES, self._clients)

    @lazy_property
    def functions(self) -> AzureFunctions:
        """Functions of one app."""
        return AzureFunctions(self._runner, self.capabilities.functions, self._clients)

    @lazy_property
    def native(self) -> AzureNative:
        """The SDKs' own clients."""
        return AzureNative(self._clients)

    def _credential_sources(self) -> Mapping[str, str]:
        from cloudkit.azure.sources import credential_sources

        return credential_sources(self.config)

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return translate(error)
