"""The operations that queues and subscriptions share."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen
from cloudkit.api.messaging.models import DeadLetterPolicy, Message, OutgoingMessage, Source
from cloudkit.api.validation import text, whole_number
from cloudkit.common import (
    CloudResult,
    MessagingCapabilities,
    PubSubCapabilities,
    QueueCapabilities,
    ValidationError,
    seconds,
)
from cloudkit.spi import Operation
from cloudkit.spi.operation import T


def check_source(source: Source, capabilities: MessagingCapabilities) -> None:
    """The names follow the provider's rules.

    Raises:
        ValidationError: One does not.
    """
    if isinstance(capabilities, QueueCapabilities):
        capabilities.queue_name.check(text(source.name, "queue"), "queue")
    if isinstance(capabilities, PubSubCapabilities):
        capabilities.topic_name.check(text(source.topic, "topic"), "topic")
        capabilities.subscription_name.check(text(source.name, "subscription"), "subscription")


def check_message(message: OutgoingMessage, capabilities: MessagingCapabilities) -> None:
    """A message is within what the provider can do.

    Raises:
        UnsupportedOperationError: The provider has no such feature.
        ValidationError: It has too many attributes, or a delay that is too long.
        PayloadTooLargeError: It is too large.
    """
    capabilities.require_size("max_message_bytes", message.size, "the message")
    if message.attributes:
        capabilities.require("attributes", "attributes")
        if len(message.attributes) > capabilities.max_attributes:
            raise ValidationError(
                f"{len(message.attributes)} attributes; the limit is {capabilities.max_attributes}"
            )
    if isinstance(capabilities, QueueCapabilities):
        _check_queue_message(message, capabilities)
    elif message.delay or message.dedup_id is not None:
        raise ValidationError("delay and dedup_id belong to queues, not to topics")
    elif message.group is not None:
        capabilities.require("ordering", "an ordering key")


def _check_queue_message(message: OutgoingMessage, capabilities: QueueCapabilities) -> None:
    if message.delay:
        capabilities.require("delay", "delay")
        seconds(message.delay, "delay", maximum=capabilities.max_delay_seconds)
    if message.group is not None:
        capabilities.require("fifo", "a group")
    if message.dedup_id is not None:
        capabilities.require("dedup", "dedup_id")


def check_policy(policy: DeadLetterPolicy | None, capabilities: MessagingCapabilities) -> None:
    """A dead-letter policy is within what the provider can do.

    Raises:
        UnsupportedOperationError: The provider has no dead letters.
        ValidationError: ``max_receives`` is beyond its limits.
    """
    if policy is not None:
        if not isinstance(policy, DeadLetterPolicy):
            raise ValidationError(
                f"dead_letter must be a DeadLetterPolicy, not {type(policy).__name__}"
            )
        capabilities.require("dead_letter", "a dead-letter policy")
        whole_number(
            policy.max_receives,
            "max_receives",
            minimum=capabilities.min_receives,
            maximum=capabilities.max_receives,
        )


def check_visibility(visibility: float, capabilities: MessagingCapabilities) -> None:
    """A lease is as long as the provider allows.

    Raises:
        ValidationError: It is not.
    """
    seconds(
        visibility,
        "visibility",
        minimum=capabilities.min_visibility_seconds,
        maximum=capabilities.max_visibility_seconds,
    )


@frozen(kw_only=True, eq=False)
class SourceOperation(Operation[T]):
    """Base: about a queue or subscription."""

    source: Source

    @property
    def service(self) -> str:
        """The contract that the source belongs to."""
        return self.source.service

    @property
    def resource(self) -> str:
        """The queue, or topic and subscription."""
        return str(self.source)

    def check(self, capabilities: MessagingCapabilities) -> None:
        """The names follow the provider's rules."""
        check_source(self.source, capabilities)


@frozen(kw_only=True, eq=False)
class Receive(SourceOperation[Sequence[Message]]):
    """Lease some messages. A lost answer leaves them leased: they come back when the leases end."""

    name = "receive"
    safe = True
    max_messages: int = 1
    wait: float = 0.0
    visibility: float | None = None

    @property
    def extra_time(self) -> float:
        """The service may wait so long."""
        return self.wait

    def check(self, capabilities: MessagingCapabilities) -> None:
        """Number, wait and lease are within what the provider can do."""
        SourceOperation.check(self, capabilities)
        if isinstance(capabilities, QueueCapabilities):
            capabilities.require("pull", "receive")
        if isinstance(capabilities, PubSubCapabilities):
            capabilities.require("subscriptions", "receive")
        whole_number(self.max_messages, "max_messages", maximum=capabilities.max_receive)
        seconds(self.wait, "wait", maximum=capabilities.max_wait_seconds)
        if self.visibility is not None:
            capabilities.require("visibility", "visibility on receive")
            check_visibility(self.visibility, capabilities)


@frozen(kw_only=True, eq=False)
class ReceiveDeadLetters(Receive):
    """Lease some dead letters."""

    name = "dead_letters"

    def check(self, capabilities: MessagingCapabilities) -> None:
        """The provider can list them."""
        Receive.check(self, capabilities)
        capabilities.require("list_dead_letters", "dead_letters")


@frozen(kw_only=True, eq=False)
class Ack(SourceOperation[Sequence[CloudResult[Message]]]):
    """Say that messages of one source are done, as many as go into one request."""

    name = "ack"
    safe = True
    messages: tuple[Message, ...]


@frozen(kw_only=True, eq=False)
class LeaseOperation(SourceOperation[T]):
    """Base: about a message that is leased."""

    message: Message

    @property
    def resource(self) -> str:
        """Source and message."""
        return f"{self.source} message {self.message.id}"


@frozen(kw_only=True, eq=False)
class Nack(LeaseOperation[None]):
    """Give a message back."""

    name = "nack"
    safe = True
    delay: float = 0.0

    def check(self, capabilities: MessagingCapabilities) -> None:
        """The provider can delay, where that is asked for."""
        SourceOperation.check(self, capabilities)
        if self.delay:
            capabilities.require("nack_delay", "a delay on nack")
            seconds(self.delay, "delay", maximum=capabilities.max_visibility_seconds)


@frozen(kw_only=True, eq=False)
class Extend(LeaseOperation[Message]):
    """Prolong a lease: it ends ``visibility`` seconds from now."""

    name = "extend"
    safe = True
    visibility: float = field()

    def check(self, capabilities: MessagingCapabilities) -> None:
        """The provider can, for so long."""
        SourceOperation.check(self, capabilities)
        capabilities.require("extend", "extend")
        check_visibility(self.visibility, capabilities)


@frozen(kw_only=True, eq=False)
class DeadLetter(LeaseOperation[None]):
    """Set a message aside."""

    name = "dead_letter"
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        text(self.reason, "reason", empty=True)

    def check(self, capabilities: MessagingCapabilities) -> None:
        """The provider has dead letters."""
        SourceOperation.check(self, capabilities)
        capabilities.require("dead_letter", "dead_letter")
