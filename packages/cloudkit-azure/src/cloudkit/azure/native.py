"""Azure's own clients, for what the contracts do not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.azure.clients import AzureClients
from cloudkit.core import BaseNative

if TYPE_CHECKING:
    from azure.cosmos import CosmosClient
    from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient
    from azure.servicebus import ServiceBusClient
    from azure.servicebus.management import ServiceBusAdministrationClient
    from azure.storage.blob import BlobServiceClient


class AzureNative(BaseNative[AzureClients]):
    """The clients of the SDKs that the contracts use, with their configuration and connections.

    They block, so call them in a thread. The first use of one makes it, which takes up to a second.
    They do not retry. With ``auth=``, ``await cloud.native.prepare()`` sees to fresh credentials;
    ask for the client again after it.
    """

    @property
    def blob(self) -> BlobServiceClient:
        """Client of Blob Storage."""
        client: BlobServiceClient = self._clients.client("blob").service
        return client

    @property
    def cosmos(self) -> CosmosClient:
        """Client of Cosmos DB."""
        client: CosmosClient = self._clients.client("cosmos").service
        return client

    @property
    def service_bus(self) -> ServiceBusClient:
        """Client of Service Bus, for messages."""
        client: ServiceBusClient = self._clients.client("service_bus").sdk
        return client

    @property
    def service_bus_administration(self) -> ServiceBusAdministrationClient:
        """Client of Service Bus that manages queues, topics and subscriptions."""
        client: ServiceBusAdministrationClient = self._clients.client("service_bus").administration
        return client

    def event_grid_publisher(self, topic: str | None = None) -> EventGridPublisherClient:
        """A client that publishes to a topic of Event Grid; each call makes one.

        Args:
            topic: Of the namespace; None for a basic topic.
        """
        from azure.eventgrid import EventGridPublisherClient

        sdk = self._clients.client("event_grid").sdk
        return EventGridPublisherClient(**sdk, namespace_topic=topic)

    def event_grid_consumer(self, topic: str, subscription: str) -> EventGridConsumerClient:
        """A client that receives from a subscription of Event Grid; each call makes one.

        Args:
            topic: Of the namespace.
            subscription: Of the topic.
        """
        from azure.eventgrid import EventGridConsumerClient

        sdk = self._clients.client("event_grid").sdk
        return EventGridConsumerClient(**sdk, namespace_topic=topic, subscription=subscription)
