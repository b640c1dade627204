"""Oracle Cloud: its services on one set of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Unpack

from cloudkit.common import Capabilities, CloudError
from cloudkit.core import BaseCloud, lazy_property
from cloudkit.oracle.capabilities import ORACLE_CAPABILITIES
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.config import OracleConfig, OracleOptions
from cloudkit.oracle.errors import translate
from cloudkit.oracle.functions import OracleFunctions
from cloudkit.oracle.native import OracleNative
from cloudkit.oracle.nosql import NosqlKeyValueStore
from cloudkit.oracle.notifications import OracleNotifications
from cloudkit.oracle.notifications.capabilities import NOTIFICATIONS_CAPABILITIES
from cloudkit.oracle.object_storage import OracleObjectStorage
from cloudkit.oracle.queue import OracleMessageQueue
from cloudkit.oracle.streaming import StreamingMessageQueue, StreamingPubSub
from cloudkit.oracle.streaming.capabilities import STREAMING_QUEUE_CAPABILITIES
from cloudkit.spi import AnyOperation


class OracleCloud(BaseCloud[OracleConfig]):
    """Object Storage, NoSQL, Queue, Streaming, Notifications and Functions.

    The SDK is imported, and a client made, by the first call that needs it, in a worker thread; of
    the SDK's services only those that are used. A call that is cancelled returns at once; its
    request may still be carried out.

    Args:
        **options: Those of [OracleConfig][cloudkit.oracle.OracleConfig], and the ones that every
            provider has.

    Raises:
        ConfigurationError: An option is unknown or wrong.
    """

    provider: ClassVar[str] = "oracle"
    config_type = OracleConfig

    def __init__(self, **options: Unpack[OracleOptions]) -> None:
        super().__init__(options)
        self._clients = OracleClients(self._context)

    @property
    def capabilities(self) -> Capabilities:
        """Those of Oracle Cloud."""
        return ORACLE_CAPABILITIES

    @lazy_property
    def storage(self) -> OracleObjectStorage:
        """Objects in Object Storage."""
        return OracleObjectStorage(self._runner, self.capabilities.storage, self._clients)

    @property
    def object_storage(self) -> OracleObjectStorage:
        """The same as ``storage``, by its own name."""
        return self.storage

    @lazy_property
    def kv(self) -> NosqlKeyValueStore:
        """Documents in tables of NoSQL Database."""
        return NosqlKeyValueStore(self._runner, self.capabilities.kv, self._clients)

    @property
    def nosql(self) -> NosqlKeyValueStore:
        """The same as ``kv``, by its own name."""
        return self.kv

    @lazy_property
    def queue(self) -> OracleMessageQueue:
        """Messages in queues of Queue."""
        return OracleMessageQueue(self._runner, self.capabilities.queue, self._clients)

    @lazy_property
    def streaming(self) -> StreamingMessageQueue:
        """Messages in streams of Streaming, for what wants its order or its throughput."""
        return StreamingMessageQueue(self._runner, STREAMING_QUEUE_CAPABILITIES, self._clients)

    @lazy_property
    def pubsub(self) -> StreamingPubSub:
        """Topics that are streams of Streaming, with groups as subscriptions."""
        return StreamingPubSub(self._runner, self.capabilities.pubsub, self._clients)

    @lazy_property
    def notifications(self) -> OracleNotifications:
        """Topics of Notifications, which pushes what is published to them."""
        return OracleNotifications(self._runner, NOTIFICATIONS_CAPABILITIES, self._clients)

    @lazy_property
    def functions(self) -> OracleFunctions:
        """Functions of Functions."""
        return OracleFunctions(self._runner, self.capabilities.functions, self._clients)

    @lazy_property
    def native(self) -> OracleNative:
        """The SDK's own clients."""
        return OracleNative(self._clients)

    def _credential_sources(self) -> Mapping[str, str]:
        from cloudkit.oracle.sources import credential_sources

        return credential_sources(self.config)

    def _translate_error(self, error: Exception, operation: AnyOperation) -> CloudError | None:
        return translate(error)
