"""Leases of SQS: what queues and subscriptions share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve
from cloudkit.api.messaging import (
    Ack,
    DeadLetter,
    Extend,
    Leases,
    Message,
    Nack,
    Receive,
    ReceiveDeadLetters,
    Source,
)
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.sqs.messages import decode, encode, with_reason
from cloudkit.aws.sqs.queues import Address, Queues
from cloudkit.aws.sqs.sending import MAX_BYTES, body_of, named, order_of, outcomes
from cloudkit.common import CloudResult, MessagingCapabilities, utc_now
from cloudkit.core.leases import check_lease, lateness, leased_until, no_dead_letters
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

T = TypeVar("T")
CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)

SYSTEM_ATTRIBUTES: list[Any] = [
    *("ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "MessageDeduplicationId")
]


class SqsLeases(Leases[CapabilitiesT], ABC):
    """Receives from a queue of SQS, and settles.

    SQS lets an old receipt handle remove a message that another consumer holds by now. So a lease
    that has ended by this machine's clock is not sent: it is a PreconditionFailedError at once.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: boto3's clients.
        queues: What is known of queues.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: CapabilitiesT,
        clients: AwsClients,
        queues: Queues,
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._queues = queues

    @abstractmethod
    def _queue_of(self, source: Source) -> str:
        """The name of the queue behind a source."""

    async def _receive(self, op: Receive) -> Sequence[Message]:
        return await self._receive_or_give_back(op)

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return await self._receive_or_give_back(op)

    async def _receive_or_give_back(self, op: Receive) -> Sequence[Message]:
        return await self._clients.run_or_undo(
            "sqs",
            lambda client: self._receive_from(client, op),
            lambda client, messages: self._give_back(client, op.source, messages),
        )

    def _receive_from(self, client: SQSClient, op: Receive) -> list[Message]:
        def receive(address: Address) -> list[Message]:
            place = self._place(client, address, op.source)
            return [] if place is None else self._receive_at(client, place, op)

        return self._queues.using(client, self._queue_of(op.source), receive)

    def _give_back(self, client: SQSClient, source: Source, messages: Sequence[Message]) -> None:
        """Let others have what came for somebody who was cancelled."""
        if not messages:
            return
        entries: Any = [
            {"Id": str(index), "ReceiptHandle": message.lease, "VisibilityTimeout": 0}
            for index, message in enumerate(messages)
        ]

        def give_back(url: str) -> None:
            client.change_message_visibility_batch(QueueUrl=url, Entries=entries)

        self._at(client, source, give_back)

    def _receive_at(self, client: SQSClient, place: Address, op: Receive) -> list[Message]:
        lease = op.visibility
        if lease is None:
            lease = self._queues.settings(client, place).visibility
        began = utc_now()
        answer: Any = client.receive_message(
            QueueUrl=place.url,
            MaxNumberOfMessages=op.max_messages,
            WaitTimeSeconds=math.ceil(op.wait),
            VisibilityTimeout=math.ceil(lease),
            MessageSystemAttributeNames=SYSTEM_ATTRIBUTES,
            MessageAttributeNames=["All"],
        )
        until = leased_until(began, math.ceil(lease))
        return [_message(raw, op.source, until) for raw in answer.get("Messages", ())]

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        late = {i: error for i, m in enumerate(op.messages) if (error := lateness(m)) is not None}
        intime = {str(i): m for i, m in enumerate(op.messages) if i not in late}
        results: dict[str, CloudResult[Message]] = {}
        if intime:
            results = await self._clients.run("sqs", self._delete, op.source, intime)
        return [
            CloudResult.failure(late[i]) if i in late else results[str(i)]
            for i in range(len(op.messages))
        ]

    def _delete(
        self, client: SQSClient, source: Source, messages: Mapping[str, Message]
    ) -> dict[str, CloudResult[Message]]:
        entries: Any = [{"Id": i, "ReceiptHandle": m.lease} for i, m in messages.items()]

        def delete(url: str) -> Any:
            return client.delete_message_batch(QueueUrl=url, Entries=entries)

        return outcomes(self._at(client, source, delete), lambda entry: messages[entry["Id"]])

    async def _nack(self, op: Nack) -> None:
        check_lease(op.message)
        await self._clients.run("sqs", self._change, op.source, op.message, op.delay)

    async def _extend(self, op: Extend) -> Message:
        check_lease(op.message)
        began = utc_now()
        await self._clients.run("sqs", self._change, op.source, op.message, op.visibility)
        return evolve(op.message, leased_until=began + timedelta(seconds=math.ceil(op.visibility)))

    def _change(self, client: SQSClient, source: Source, message: Message, length: float) -> None:
        def change(url: str) -> None:
            client.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message.lease, VisibilityTimeout=math.ceil(length)
            )

        self._at(client, source, change)

    async def _dead_letter(self, op: DeadLetter) -> None:
        check_lease(op.message)
        if op.source.dead_letters:
            await self._clients.run("sqs", self._change, op.source, op.message, 0.0)
        else:
            await self._clients.run("sqs", self._set_aside, op)

    def _set_aside(self, client: SQSClient, op: DeadLetter) -> None:
        """Copy, then remove: what fails in between leaves the message twice, and never nowhere."""

        def set_aside(address: Address) -> None:
            dead = self._queues.dead_letters(client, address)
            if dead is None:
                raise no_dead_letters(op.source)
            copy = encode(op.message.body, op.message.attributes)
            parameters = body_of(with_reason(copy, op.reason, MAX_BYTES), "MessageBody")
            if dead.fifo:
                parameters |= order_of(op.message.group, None)
            client.send_message(QueueUrl=dead.url, **parameters)
            client.delete_message(QueueUrl=address.url, ReceiptHandle=op.message.lease)

        self._queues.using(client, self._queue_of(op.source), set_aside)

    def _at(self, client: SQSClient, source: Source, call: Callable[[str], T]) -> T:
        """Make a call about the queue behind a source, or about its place for dead letters."""

        def at(address: Address) -> T:
            place = self._place(client, address, source)
            if place is None:
                raise no_dead_letters(source)
            return call(place.url)

        return self._queues.using(client, self._queue_of(source), at)

    def _place(self, client: SQSClient, address: Address, source: Source) -> Address | None:
        return self._queues.dead_letters(client, address) if source.dead_letters else address


def _message(raw: Mapping[str, Any], source: Source, until: datetime) -> Message:
    system = raw.get("Attributes", {})
    decoded = decode(raw.get("Body", ""), raw.get("MessageAttributes", {}))
    sent = system.get("SentTimestamp")
    return Message(
        id=raw["MessageId"],
        body=decoded.body,
        attributes=decoded.attributes,
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        source=source,
        lease=raw["ReceiptHandle"],
        leased_until=until,
        sent_at=None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
        group=named(system.get("MessageGroupId")),
        dedup_id=named(system.get("MessageDeduplicationId")),
        dead_letter_reason=decoded.reason if source.dead_letters else None,
    )
