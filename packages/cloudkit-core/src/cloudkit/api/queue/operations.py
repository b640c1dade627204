"""The operations of MessageQueue besides those that it shares with PubSub."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen
from cloudkit.api.messaging import DeadLetterPolicy, OutgoingMessage, SentMessage
from cloudkit.api.messaging.operations import check_message, check_policy, check_visibility
from cloudkit.api.paging import Page
from cloudkit.api.queue.models import QueueInfo, QueueStats
from cloudkit.api.validation import is_flag, is_optional_count, is_text, is_text_or_empty
from cloudkit.common import CloudResult, QueueCapabilities, seconds
from cloudkit.spi import Operation
from cloudkit.spi.operation import T


@frozen(kw_only=True, eq=False)
class QueueOperation(Operation[T]):
    """Base: about a queue."""

    contract = "queue"
    queue: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """The queue."""
        return self.queue

    def check(self, capabilities: QueueCapabilities) -> None:
        """The name follows the provider's rule."""
        capabilities.queue_name.check(self.queue, "queue")


@frozen(kw_only=True, eq=False)
class CreateQueue(QueueOperation[QueueInfo]):
    """Create a queue."""

    name = "create_queue"
    fifo: bool = field(default=False, validator=is_flag)
    visibility: float = 30.0
    retention: float | None = None
    dead_letter: DeadLetterPolicy | None = None

    def check(self, capabilities: QueueCapabilities) -> None:
        """The provider has such queues."""
        QueueOperation.check(self, capabilities)
        if self.fifo:
            capabilities.require("fifo", "a fifo queue")
        check_visibility(self.visibility, capabilities)
        if self.retention is not None:
            capabilities.require("retention", "retention")
            maximum = capabilities.max_retention_seconds
            seconds(self.retention, "retention", minimum=1, maximum=maximum)
        check_policy(self.dead_letter, capabilities)


@frozen(kw_only=True, eq=False)
class DeleteQueue(QueueOperation[None]):
    """Delete a queue with its messages and dead letters."""

    name = "delete_queue"


@frozen(kw_only=True, eq=False)
class DescribeQueue(QueueOperation[QueueInfo]):
    """Read a queue's settings."""

    name = "describe_queue"
    safe = True


@frozen(kw_only=True, eq=False)
class ListQueues(Operation[Page[QueueInfo]]):
    """One page of the queues, by name."""

    contract = "queue"
    name = "list_queues"
    safe = True
    prefix: str = field(default="", validator=is_text_or_empty)
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None

    @property
    def resource(self) -> str:
        """The prefix."""
        return self.prefix


@frozen(kw_only=True, eq=False)
class SendMessage(QueueOperation[SentMessage]):
    """Send a message."""

    name = "send"
    message: OutgoingMessage

    @property
    def idempotent(self) -> bool:
        """Only where the service drops the duplicate."""
        return self.message.dedup_id is not None

    def check(self, capabilities: QueueCapabilities) -> None:
        """The message is within what the provider can do."""
        QueueOperation.check(self, capabilities)
        check_message(self.message, capabilities)


@frozen(kw_only=True, eq=False)
class SendMessages(QueueOperation[Sequence[CloudResult[SentMessage]]]):
    """Send messages, as many as go into one request."""

    name = "send_batch"
    messages: tuple[OutgoingMessage, ...]

    @property
    def idempotent(self) -> bool:
        """Only where the service drops all the duplicates."""
        return all(message.dedup_id is not None for message in self.messages)


@frozen(kw_only=True, eq=False)
class PurgeQueue(QueueOperation[None]):
    """Drop all messages of a queue."""

    name = "purge"
    safe = True

    def check(self, capabilities: QueueCapabilities) -> None:
        """The provider can purge."""
        QueueOperation.check(self, capabilities)
        capabilities.require("purge", "purge")


@frozen(kw_only=True, eq=False)
class GetQueueStats(QueueOperation[QueueStats]):
    """Count the messages of a queue."""

    name = "stats"
    safe = True

    def check(self, capabilities: QueueCapabilities) -> None:
        """The provider can count."""
        QueueOperation.check(self, capabilities)
        capabilities.require("stats", "stats")


@frozen(kw_only=True, eq=False)
class Redrive(QueueOperation[int]):
    """Send dead letters back to their queue."""

    name = "redrive"
    max_messages: int | None = field(default=None, validator=is_optional_count)

    def check(self, capabilities: QueueCapabilities) -> None:
        """The provider can redrive."""
        QueueOperation.check(self, capabilities)
        capabilities.require("redrive", "redrive")
