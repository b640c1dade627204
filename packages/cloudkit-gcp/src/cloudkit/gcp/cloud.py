"""The Google cloud: its services on one set of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from cloudkit.common import Capabilities, CloudError, ConfigurationError
from cloudkit.core import BaseCloud, lazy_property
from cloudkit.gcp.capabilities import GCP_CAPABILITIES
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.cloud_tasks import CloudTasksQueue
from cloudkit.gcp.cloud_tasks.capabilities import TASKS_CAPABILITIES
from cloudkit.gcp.config import SOURCES, GcpConfig, GcpOptions
from cloudkit.gcp.errors import translate
from cloudkit.gcp.firestore import FirestoreKeyValueStore
from cloudkit.gcp.functions import CloudFunctions
from cloudkit.gcp.native import GcpNative
from cloudkit.gcp.pubsub import GcpPubSub
from cloudkit.gcp.pubsub.subscriptions import Directory
from cloudkit.gcp.queue import PubSubMessageQueue
from cloudkit.gcp.storage import GcsObjectStorage
from cloudkit.spi import AnyOperation


class GcpCloud(BaseCloud[GcpConfig]):
    """Cloud Storage, Firestore, Pub/Sub, Cloud Tasks and Cloud Functions.

    An SDK is imported, and a client made, by the first call that needs it, in a worker thread.
    A call that is cancelled returns at once; its request may still be carried out. Do not fork a
    process that has made calls: gRPC's threads do not come along, and it may hang in the child.

    Args:
        **options: Those of [GcpConfig][cloudkit.gcp.GcpConfig], and the ones that every provider
            has.

    Raises:
        ConfigurationError: An option is unknown or wrong.
    """

    provider: ClassVar[str] = "gcp"
    config_type = GcpConfig

    def __init__(self, **options: Unpack[GcpOptions]) -> None:
        others = [name for name in SOURCES if options.get(name)]
        if options.get("auth") is not None and others:
            raise ConfigurationError(f"gcp: auth and {others[0]} exclude each other")
        super().__init__(options)
        self._clients = GcpClients(self._context)
        self._directory = Directory()

    @property
    def capabilities(self) -> Capabilities:
        """Those of Google Cloud."""
        return GCP_CAPABILITIES

    @lazy_property
    def storage(self) -> GcsObjectStorage:
        """Objects in Cloud Storage."""
        return GcsObjectStorage(self._runner, self.capabilities.storage, self._clients)

    @lazy_property
    def kv(self) -> FirestoreKeyValueStore:
        """Documents in Firestore."""
        return FirestoreKeyValueStore(self._runner, self.capabilities.kv, self._clients)

    @lazy_property
    def queue(self) -> PubSubMessageQueue:
        """Queues, each made of a topic and a subscription of Pub/Sub."""
        return PubSubMessageQueue(
            self._runner, self.capabilities.queue, self._clients, self._directory
        )

    @lazy_property
    def cloud_tasks(self) -> CloudTasksQueue:
        """Queues of Cloud Tasks, which post their messages to an application."""
        return CloudTasksQueue(self._runner, TASKS_CAPABILITIES, self._clients)

    @lazy_property
    def pubsub(self) -> GcpPubSub:
        """Topics and subscriptions of Pub/Sub."""
        return GcpPubSub(self._runner, self.capabilities.pubsub, self._clients, self._directory)

    @lazy_property
    def functions(self) -> CloudFunctions:
        """Functions of Cloud Functions."""
        return CloudFunctions(self._runner, self.capabilities.functions, self._clients)

    @lazy_property
    def native(self) -> GcpNative:
        """The SDKs' own clients."""
        return GcpNative(self._clients)

    def _credential_sources(self) -> Mapping[str, str]:
        from cloudkit.gcp.sources import credential_sources

        return credential_sources(self.config)

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return translate(error)
