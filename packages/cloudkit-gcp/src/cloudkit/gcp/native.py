"""Google's own clients, for what the contracts do not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.core import BaseNative
from cloudkit.gcp.clients import GcpClients

if TYPE_CHECKING:
    from cloudkit.gcp.cloud_tasks.client import TasksClient
    from cloudkit.gcp.firestore.client import FirestoreClient
    from cloudkit.gcp.pubsub.client import PubSubClient
    from google.cloud import firestore
    from google.cloud.functions_v2 import FunctionServiceClient
    from google.cloud.storage import Client as StorageClient  # type: ignore[import-untyped]
    from google.cloud.tasks_v2 import CloudTasksClient
    from google.pubsub_v1 import PublisherClient, SubscriberClient


class GcpNative(BaseNative[GcpClients]):
    """The clients of the SDKs that the contracts use, with their configuration and connections.

    They block, so call them in a thread. The first use of one makes it, which takes up to a second.
    They are told to retry by each call, not by the client: pass ``retry=None`` for none. With
    ``auth=``, ``await cloud.native.prepare()`` sees to fresh credentials.
    """

    @property
    def storage(self) -> StorageClient:
        """Client of Cloud Storage."""
        return self._clients.client("storage").service

    @property
    def firestore(self) -> firestore.Client:
        """Client of Firestore."""
        client: FirestoreClient = self._clients.client("firestore")
        return client.service

    @property
    def publisher(self) -> PublisherClient:
        """Client of Pub/Sub for topics."""
        return self._pubsub.publisher

    @property
    def subscriber(self) -> SubscriberClient:
        """Client of Pub/Sub for subscriptions."""
        return self._pubsub.subscriber

    @property
    def tasks(self) -> CloudTasksClient:
        """Client of Cloud Tasks."""
        client: TasksClient = self._clients.client("tasks")
        return client.service

    @property
    def functions(self) -> FunctionServiceClient:
        """Client of the API that describes functions."""
        client: FunctionServiceClient = self._clients.client("functions").service
        return client

    @property
    def _pubsub(self) -> PubSubClient:
        client: PubSubClient = self._clients.client("pubsub")
        return client
