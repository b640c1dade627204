"""The SDK's own clients, for what the contracts do not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudkit.core import BaseNative
from cloudkit.oracle.clients import OracleClients, ServiceAt

if TYPE_CHECKING:
    from oci.functions import (  # type: ignore[import-untyped]
        FunctionsInvokeClient,
        FunctionsManagementClient,
    )
    from oci.nosql import NosqlClient  # type: ignore[import-untyped]
    from oci.object_storage import ObjectStorageClient  # type: ignore[import-untyped]
    from oci.ons import (  # type: ignore[import-untyped]
        NotificationControlPlaneClient,
        NotificationDataPlaneClient,
    )
    from oci.queue import QueueAdminClient, QueueClient  # type: ignore[import-untyped]
    from oci.streaming import StreamAdminClient, StreamClient  # type: ignore[import-untyped]


class OracleNative(BaseNative[OracleClients]):
    """The clients of the SDK that the contracts use, with their configuration and connections.

    They block, so call them in a thread. The first use of one makes it, which takes up to a second.
    They do not retry. With ``auth=``, ``await cloud.native.prepare()`` sees to fresh credentials;
    ask for the client again after it.
    """

    @property
    def object_storage(self) -> ObjectStorageClient:
        """Client of Object Storage."""
        return self._clients.client("object_storage")

    @property
    def nosql(self) -> NosqlClient:
        """Client of NoSQL Database."""
        return self._clients.client("nosql")

    @property
    def queue_admin(self) -> QueueAdminClient:
        """Client that manages queues."""
        return self._clients.client("queue_admin")

    def queue(self, endpoint: str) -> QueueClient:
        """Client of the messages of queues.

        Args:
            endpoint: The ``messages_endpoint`` of the queue.
        """
        return self._clients.client(ServiceAt("queue", endpoint))

    @property
    def streaming_admin(self) -> StreamAdminClient:
        """Client that manages streams."""
        return self._clients.client("streaming_admin")

    def streaming(self, endpoint: str) -> StreamClient:
        """Client of the messages of streams.

        Args:
            endpoint: The ``messages_endpoint`` of the stream.
        """
        return self._clients.client(ServiceAt("streaming", endpoint))

    @property
    def notifications(self) -> NotificationDataPlaneClient:
        """Client that publishes, and manages subscriptions."""
        return self._clients.client("notifications")

    @property
    def notifications_control(self) -> NotificationControlPlaneClient:
        """Client that manages topics."""
        return self._clients.client("notifications_control")

    def functions(self, endpoint: str) -> FunctionsInvokeClient:
        """Client that invokes functions.

        Args:
            endpoint: The ``invoke_endpoint`` of the function.
        """
        return self._clients.client(ServiceAt("functions", endpoint))

    @property
    def functions_management(self) -> FunctionsManagementClient:
        """Client that manages applications and functions."""
        return self._clients.client("functions_management")
