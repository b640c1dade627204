"""Leases on Streaming: what queues and subscriptions share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import anyio
from attrs import evolve, frozen
from cloudkit.api.messaging import (
    Ack,
    DeadLetter,
    Extend,
    Leases,
    Message,
    Nack,
    OutgoingMessage,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
    Source,
)
from cloudkit.common import (
    CloudError,
    CloudResult,
    ConflictError,
    MessagingCapabilities,
    PreconditionFailedError,
    ServiceUnavailableError,
    utc_now,
)
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.streaming.addresses import Address, Settings
from cloudkit.oracle.streaming.deliveries import Delivery
from cloudkit.oracle.streaming.messages import Content, to_entry
from cloudkit.oracle.streaming.reader import Reader
from cloudkit.oracle.streaming.streams import Streams
from cloudkit.spi import OperationRunner

CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)

SETTLE_LEASE = 60.0
"""Seconds for which a message is nobody else's while it is set aside."""


@frozen(kw_only=True)
class Place:
    """What messages are received from.

    Attributes:
        address: The stream.
        group: The group that reads it.
        settings: Of the queue or subscription.
        dead: Name of the stream of its dead letters.
    """

    address: Address
    group: str
    settings: Settings
    dead: str


class StreamLeases(Leases[CapabilitiesT], ABC):
    """Receives from streams, and settles.

    A group's partitions are read by one consumer each, and what it has read it keeps here until it is
    done: leases, delays and counts are this client's own. Should it end, whoever comes after it gets
    all that was not committed.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: The SDK's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: CapabilitiesT, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._streams = Streams(clients)
        self._readers: dict[tuple[str, str], Reader] = {}
        self._process = os.getpid()

    @abstractmethod
    async def _place(self, source: Source) -> Place:
        """Where a source is; NotFoundError when it is missing."""

    async def _receive(self, op: Receive) -> Sequence[Message]:
        return await self._receive_within(op)

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return await self._receive_within(op)

    async def _receive_within(self, op: Receive) -> Sequence[Message]:
        place = await self._place(op.source)
        if op.source.dead_letters:
            if place.settings.max_receives is None:
                return []
            place = await self._dead_place(place)
        reader = self._reader(place)
        end = anyio.current_time() + op.wait
        lease = place.settings.visibility if op.visibility is None else op.visibility
        most = place.settings.max_receives
        while True:
            began = anyio.current_time()
            # What has been read lasts for many receives, which the service does not see.
            await reader.stay(lease)
            await self._set_tired_aside(place, reader)
            taken = reader.deliveries.take(op.max_messages, lease, most)
            if not taken:
                await reader.read(began)
                taken = reader.deliveries.take(op.max_messages, lease, most)
            left = end - anyio.current_time()
            if taken or left <= 0:
                until = utc_now() + timedelta(seconds=lease)
                return [_message(each, op.source, until) for each in taken]
            poll = self._clients.config.stream_poll_interval
            await anyio.sleep(min(left, poll, reader.deliveries.next_change()))

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        reader = self._reader(await self._place_of(op.source))
        results: list[CloudResult[Message]] = []
        for message in op.messages:
            try:
                delivery = _leased(reader, message)
            except CloudError as error:
                done = reader.deliveries.is_done(message.lease)
                results.append(CloudResult.success(message) if done else CloudResult.failure(error))
            else:
                reader.deliveries.finish(delivery)
                results.append(CloudResult.success(message))
        await reader.commit()
        await reader.stay()
        return results

    async def _nack(self, op: Nack) -> None:
        place = await self._place_of(op.source)
        reader = self._reader(place)
        delivery = _leased(reader, op.message)
        most = place.settings.max_receives
        if most is not None and delivery.receives >= most:
            await self._set_aside(place, reader, delivery, "")
        else:
            reader.deliveries.give_back(delivery, op.delay)

    async def _extend(self, op: Extend) -> Message:
        reader = self._reader(await self._place_of(op.source))
        _leased(reader, op.message)
        await reader.stay(op.visibility)
        reader.deliveries.prolong(_leased(reader, op.message), op.visibility)
        return evolve(op.message, leased_until=utc_now() + timedelta(seconds=op.visibility))

    async def _dead_letter(self, op: DeadLetter) -> None:
        place = await self._place_of(op.source)
        reader = self._reader(place)
        delivery = _leased(reader, op.message)
        if op.source.dead_letters:
            reader.deliveries.give_back(delivery)
        elif place.settings.max_receives is None:
            raise ConflictError(
                f"{op.source} has no place for dead letters",
                hint="Create it with dead_letter=DeadLetterPolicy(...).",
            )
        else:
            await self._set_aside(place, reader, delivery, op.reason)

    async def _set_tired_aside(self, place: Place, reader: Reader) -> None:
        most = place.settings.max_receives
        while most is not None and (tired := reader.deliveries.tired(most)):
            delivery = tired[0]
            reader.deliveries.prolong(delivery, SETTLE_LEASE)  # other tasks look as well
            try:
                await self._set_aside(place, reader, delivery, "")
            except BaseException:
                reader.deliveries.give_back(delivery)
                raise

    async def _set_aside(
        self, place: Place, reader: Reader, delivery: Delivery, reason: str
    ) -> None:
        """Copy, then be done: what fails in between leaves the message twice, and never nowhere."""
        copy = evolve(delivery.record.content, reason=reason)
        await self._put_one(place.dead, copy)
        reader.deliveries.finish(delivery)
        await reader.commit_or_leave()  # another attempt would find that the lease has ended

    async def _put_one(self, stream: str, content: Content) -> None:
        (result,) = await self._put(stream, [content])
        if result.error is not None:
            raise result.error

    async def _put(
        self, stream: str, contents: Sequence[Content]
    ) -> list[CloudResult[SentMessage]]:
        """Append messages to a stream, as many as go into one request."""
        return await self._streams.using(
            stream, lambda client, address: _put(client, address, contents)
        )

    async def _put_all(
        self, stream: str, messages: Sequence[OutgoingMessage]
    ) -> list[CloudResult[SentMessage]]:
        """Append those of some messages that can be sent."""
        contents: dict[int, Content] = {}
        results: dict[int, CloudResult[SentMessage]] = {}
        for index, message in enumerate(messages):
            try:
                contents[index] = Content.of(message)
            except CloudError as error:
                results[index] = CloudResult.failure(error)
        if contents:
            sent = await self._put(stream, list(contents.values()))
            results |= dict(zip(contents, sent, strict=True))
        return [results[index] for index in range(len(messages))]

    async def _place_of(self, source: Source) -> Place:
        """The stream that a message was received from: of the messages, or of the dead letters."""
        place = await self._place(source)
        return await self._dead_place(place) if source.dead_letters else place

    async def _dead_place(self, place: Place) -> Place:
        settings = Settings(visibility=place.settings.visibility)
        address = await self._streams.address(place.dead)
        return Place(address=address, group=place.group, settings=settings, dead="")

    def _reader(self, place: Place) -> Reader:
        if self._process != os.getpid():
            # To the service, a child that goes on with these would be the same instance.
            self._process, self._readers = os.getpid(), {}
        key = (place.address.id, place.group)
        reader = self._readers.get(key)
        if reader is None:
            lease = place.settings.visibility
            reader = Reader(self._streams, place.address, place.group, lease)
            self._readers[key] = reader
        return reader

    def _drop_readers(self, address: Address, group: str | None = None) -> None:
        """Forget what was read from a stream, by all groups or one."""
        for key in list(self._readers):
            if key[0] == address.id and group in {None, key[1]}:
                del self._readers[key]


def _put(
    client: Any, address: Address, contents: Sequence[Content]
) -> list[CloudResult[SentMessage]]:
    from oci.streaming.models import PutMessagesDetails  # type: ignore[import-untyped]

    details = PutMessagesDetails(messages=[to_entry(content) for content in contents])
    return [_sent(entry) for entry in client.put_messages(address.id, details).data.entries]


def _sent(entry: Any) -> CloudResult[SentMessage]:
    if entry.error:
        error = ServiceUnavailableError(entry.error_message or entry.error, code=entry.error)
        error.unprocessed = True  # the service has answered that it did not do it
        return CloudResult.failure(error)
    name = f"{entry.partition}:{entry.offset}"
    return CloudResult.success(SentMessage(id=name, sequence=str(entry.offset)))


def _leased(reader: Reader, message: Message) -> Delivery:
    delivery = reader.deliveries.leased(message.lease)
    if delivery is None:
        raise PreconditionFailedError(
            "the lease has ended, so the message may be somebody else's now"
        )
    return delivery


def _message(delivery: Delivery, source: Source, until: Any) -> Message:
    record = delivery.record
    return Message(
        id=record.id,
        body=record.content.body,
        attributes=record.content.attributes,
        receive_count=delivery.receives,
        source=source,
        lease=delivery.token,
        leased_until=until,
        sent_at=record.sent_at,
        group=record.content.group,
        dead_letter_reason=(record.content.reason or None) if source.dead_letters else None,
    )
