"""What can be done with messages that are leased: the same for queues and subscriptions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TypeVar

from cloudkit.api.contract import Contract
from cloudkit.api.messaging.models import Message, Source
from cloudkit.api.messaging.operations import (
    Ack,
    DeadLetter,
    Extend,
    Nack,
    Receive,
    ReceiveDeadLetters,
)
from cloudkit.api.validation import several
from cloudkit.common import (
    CloudResult,
    Duration,
    MessagingCapabilities,
    ValidationError,
    seconds,
)

CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)


class Leases(Contract[CapabilitiesT], ABC):
    """Base of MessageQueue and PubSub: receive, and what follows.

    A message that was received is leased. ``ack`` removes it for good; without one it comes back
    when the lease ends, with ``receive_count`` one higher. An ack or nack that comes after the lease
    has ended is a NotFoundError or PreconditionFailedError, or has an effect only while nobody else
    has leased the message; an extend is an error then.
    """

    # What a provider implements

    @abstractmethod
    async def _receive(self, op: Receive) -> Sequence[Message]:
        """At most ``max_messages``; waits up to ``wait`` seconds for the first."""

    @abstractmethod
    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        """The same for dead letters; their ``source.dead_letters`` is True."""

    @abstractmethod
    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        """Remove; one result a message. A message that is gone already is fine."""

    @abstractmethod
    async def _nack(self, op: Nack) -> None:
        """Make visible now, or after ``delay``."""

    @abstractmethod
    async def _extend(self, op: Extend) -> Message:
        """Prolong; NotFoundError or PreconditionFailedError when the lease is lost.

        Returns:
            The message with its new ``leased_until`` (and ``lease``, where that changes).
        """

    @abstractmethod
    async def _dead_letter(self, op: DeadLetter) -> None:
        """Set aside, with the reason where the service keeps one."""

    # What a user calls

    async def ack(self, message: Message) -> None:
        """Say that a message is done: it never comes back. One that is gone already is fine.

        Raises:
            NotFoundError: The lease has ended, and the service tells.
            PreconditionFailedError: Likewise.
        """
        result = (await self.ack_batch([message]))[0]
        if result.error is not None:
            raise result.error

    async def ack_batch(self, messages: Iterable[Message]) -> list[CloudResult[Message]]:
        """Say that messages are done.

        Returns:
            For each message, in order: itself, or why it could not be acknowledged.
        """
        wanted = [_received(message) for message in several(messages, "messages")]
        found: dict[int, CloudResult[Message]] = {}
        for source in dict.fromkeys(message.source for message in wanted):
            indexes = [index for index, message in enumerate(wanted) if message.source == source]
            results = await self._ack_source(source, [wanted[index] for index in indexes])
            found.update(zip(indexes, results, strict=True))
        return [found[index] for index in range(len(wanted))]

    def _several(self) -> int:
        return min(10, self.capabilities.max_receive)

    async def _ack_source(
        self, source: Source, messages: Sequence[Message]
    ) -> list[CloudResult[Message]]:
        return await self._run_batch(
            messages,
            self.capabilities.ack_batch,
            lambda some: Ack(source=source, messages=tuple(some)),
            self._ack,
        )

    async def nack(self, message: Message, *, delay: Duration = 0) -> None:
        """Give a message back, so that it is received again.

        Args:
            message: The message.
            delay: Seconds (or a timedelta) until it is visible.

        Raises:
            NotFoundError: The lease has ended, and the service tells.
            PreconditionFailedError: Likewise.
        """
        source = _received(message).source
        operation = Nack(source=source, message=message, delay=seconds(delay, "delay"))
        await self._run(operation, self._nack)

    async def extend(self, message: Message, visibility: Duration) -> Message:
        """Prolong a lease.

        Args:
            message: The message.
            visibility: Seconds (or a timedelta) from now until the lease ends. Where
                ``capabilities.extend_length`` says no, the service prolongs by the length that it
                was told when the queue or subscription was made; ``leased_until`` tells.

        Returns:
            The message with its new lease, which takes the old one's place.

        Raises:
            NotFoundError: The lease has ended.
            PreconditionFailedError: Likewise.
        """
        operation = Extend(
            source=_received(message).source,
            message=message,
            visibility=seconds(visibility, "visibility"),
        )
        return await self._run(operation, self._extend)

    async def dead_letter(self, message: Message, reason: str = "") -> None:
        """Set a message aside, to be looked at later.

        Args:
            message: The message.
            reason: Why, for whoever looks.

        Raises:
            NotFoundError: The lease has ended, and the service tells.
            ConflictError: The queue or subscription was created without a dead-letter policy, and
                the service has no place for dead letters then.
        """
        operation = DeadLetter(source=_received(message).source, message=message, reason=reason)
        await self._run(operation, self._dead_letter)


def _received(message: object) -> Message:
    if not isinstance(message, Message):
        raise ValidationError(f"{type(message).__name__} is no Message as receive gives it")
    return message
