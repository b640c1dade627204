"""What a provider implements for MessageQueue, besides the hooks of ``messaging.Leases``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from cloudkit.api.messaging import Leases, SentMessage
from cloudkit.api.paging import Page
from cloudkit.api.queue.models import QueueInfo, QueueStats
from cloudkit.api.queue.operations import (
    CreateQueue,
    DeleteQueue,
    DescribeQueue,
    GetQueueStats,
    ListQueues,
    PurgeQueue,
    Redrive,
    SendMessage,
    SendMessages,
)
from cloudkit.common import CloudResult, QueueCapabilities


class MessageQueueHooks(Leases[QueueCapabilities], ABC):
    """One hook for each operation. A hook makes one attempt and lets native errors through.

    Every hook raises NotFoundError, naming the queue, when it is missing.
    """

    @abstractmethod
    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        """Create; AlreadyExistsError when there is one."""

    @abstractmethod
    async def _delete_queue(self, op: DeleteQueue) -> None:
        """Delete, with all messages and dead letters."""

    @abstractmethod
    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        """The settings."""

    @abstractmethod
    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        """One page, by name, without the places of dead letters."""

    @abstractmethod
    async def _send(self, op: SendMessage) -> SentMessage:
        """Send."""

    @abstractmethod
    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        """At most ``send_batch`` messages; one result each, in order."""

    @abstractmethod
    async def _purge(self, op: PurgeQueue) -> None:
        """Drop all messages; dead letters stay."""

    @abstractmethod
    async def _stats(self, op: GetQueueStats) -> QueueStats:
        """Count."""

    @abstractmethod
    async def _redrive(self, op: Redrive) -> int:
        """Move dead letters back, with a receive count of 0; returns how many."""
