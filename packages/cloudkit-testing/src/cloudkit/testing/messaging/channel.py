"""A queue, or a topic with a subscription: what the behaviours of both send to and receive from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from cloudkit.api.messaging import (
    Handler,
    Leases,
    Message,
    MessageBody,
    OutgoingMessage,
    SentMessage,
    Source,
)
from cloudkit.api.pubsub import PubSub
from cloudkit.api.queue import MessageQueue
from cloudkit.common import CloudResult, MessagingCapabilities


class Channel(ABC):
    """Somewhere to send messages to and to receive them from.

    Attributes:
        name: The queue or subscription.
        topic: The subscription's topic; None for a queue.
    """

    name: str
    topic: str | None = None

    @property
    @abstractmethod
    def contract(self) -> Leases[Any]:
        """For ack, nack, extend and dead_letter."""

    @property
    def limits(self) -> MessagingCapabilities:
        """What the provider can do."""
        limits: MessagingCapabilities = self.contract.capabilities
        return limits

    @property
    @abstractmethod
    def source(self) -> Source:
        """What the messages say that they come from."""

    @abstractmethod
    async def send(
        self,
        body: MessageBody,
        *,
        attributes: Mapping[str, str] | None = None,
        group: str | None = None,
    ) -> SentMessage:
        """Send, or publish."""

    @abstractmethod
    async def send_json(self, value: Any, **options: Any) -> SentMessage:
        """The same with a value as JSON."""

    @abstractmethod
    async def send_batch(
        self, messages: Iterable[OutgoingMessage | MessageBody]
    ) -> list[CloudResult[SentMessage]]:
        """Send, or publish, many messages."""

    @abstractmethod
    async def receive(self, **options: Any) -> list[Message]:
        """Lease some messages."""

    @abstractmethod
    async def consume(self, handler: Handler, **options: Any) -> None:
        """Hand the messages to a handler."""

    @abstractmethod
    async def dead_letters(self, **options: Any) -> list[Message]:
        """Lease some dead letters."""

    async def ack(self, message: Message) -> None:
        """Say that a message is done."""
        await self.contract.ack(message)

    async def nack(self, message: Message, **options: Any) -> None:
        """Give a message back."""
        await self.contract.nack(message, **options)


class QueueChannel(Channel):
    """A queue.

    Args:
        queues: The contract.
        name: The queue.
    """

    def __init__(self, queues: MessageQueue, name: str) -> None:
        self._queues = queues
        self.name = name

    @property
    def contract(self) -> MessageQueue:
        """For ack, nack, extend and dead_letter."""
        return self._queues

    @property
    def source(self) -> Source:
        """What the messages say that they come from."""
        return Source("queue", self.name)

    async def send(
        self,
        body: MessageBody,
        *,
        attributes: Mapping[str, str] | None = None,
        group: str | None = None,
    ) -> SentMessage:
        """Send."""
        return await self._queues.send(self.name, body, attributes=attributes, group=group)

    async def send_json(self, value: Any, **options: Any) -> SentMessage:
        """Send a value as JSON."""
        return await self._queues.send_json(self.name, value, **options)

    async def send_batch(
        self, messages: Iterable[OutgoingMessage | MessageBody]
    ) -> list[CloudResult[SentMessage]]:
        """Send many messages."""
        return await self._queues.send_batch(self.name, messages)

    async def receive(self, **options: Any) -> list[Message]:
        """Lease some messages."""
        return await self._queues.receive(self.name, **options)

    async def consume(self, handler: Handler, **options: Any) -> None:
        """Hand the messages to a handler."""
        await self._queues.consume(self.name, handler, **options)

    async def dead_letters(self, **options: Any) -> list[Message]:
        """Lease some dead letters."""
        return await self._queues.dead_letters(self.name, **options)


class SubscriptionChannel(Channel):
    """A topic with one of its subscriptions.

    Args:
        pubsub: The contract.
        topic: The topic.
        name: The subscription.
    """

    def __init__(self, pubsub: PubSub, topic: str, name: str) -> None:
        self._pubsub = pubsub
        self._topic = self.topic = topic
        self.name = name

    @property
    def contract(self) -> PubSub:
        """For ack, nack, extend and dead_letter."""
        return self._pubsub

    @property
    def source(self) -> Source:
        """What the messages say that they come from."""
        return Source("pubsub", self.name, self._topic)

    async def send(
        self,
        body: MessageBody,
        *,
        attributes: Mapping[str, str] | None = None,
        group: str | None = None,
    ) -> SentMessage:
        """Publish."""
        return await self._pubsub.publish(
            self._topic, body, attributes=attributes, ordering_key=group
        )

    async def send_json(self, value: Any, **options: Any) -> SentMessage:
        """Publish a value as JSON."""
        return await self._pubsub.publish_json(self._topic, value, **options)

    async def send_batch(
        self, messages: Iterable[OutgoingMessage | MessageBody]
    ) -> list[CloudResult[SentMessage]]:
        """Publish many messages."""
        return await self._pubsub.publish_batch(self._topic, messages)

    async def receive(self, **options: Any) -> list[Message]:
        """Lease some messages."""
        return await self._pubsub.receive(self._topic, self.name, **options)

    async def consume(self, handler: Handler, **options: Any) -> None:
        """Hand the messages to a handler."""
        await self._pubsub.consume(self._topic, self.name, handler, **options)

    async def dead_letters(self, **options: Any) -> list[Message]:
        """Lease some dead letters."""
        return await self._pubsub.dead_letters(self._topic, self.name, **options)
