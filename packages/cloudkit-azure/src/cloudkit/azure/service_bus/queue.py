"""MessageQueue on Service Bus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cloudkit.api.messaging import DeadLetterPolicy, OutgoingMessage, SentMessage, Source
from cloudkit.api.paging import Page
from cloudkit.api.queue import MessageQueue, QueueInfo, QueueStats
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
from cloudkit.azure.errors import status_of
from cloudkit.azure.service_bus.client import ServiceBus
from cloudkit.azure.service_bus.leases import ServiceBusLeases
from cloudkit.azure.service_bus.sending import Sending
from cloudkit.azure.service_bus.sweeping import purge, redrive
from cloudkit.common import AlreadyExistsError, CloudResult, QueueCapabilities, ValidationError
from cloudkit.core.pages import page_of

if TYPE_CHECKING:
    from azure.servicebus.management import QueueProperties

PAGE_SIZE = 100
NEVER = 2000
"""The highest delivery count that the service takes; it has no way to say never."""
FOREVER = timedelta(days=365 * 100)


class ServiceBusMessageQueue(ServiceBusLeases[QueueCapabilities], MessageQueue):
    """Queues of Service Bus.

    A fifo queue is one with sessions, a group each, that drops duplicates for ten minutes.
    """

    def _path(self, source: Source) -> str:
        return source.name

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        return await self._clients.run("service_bus", self._create, op)

    def _create(self, client: ServiceBus, op: CreateQueue) -> QueueInfo:
        options: dict[str, Any] = {"requires_session": True, "requires_duplicate_detection": True}
        if op.retention is not None:
            options["default_message_time_to_live"] = timedelta(seconds=op.retention)
        if not op.fifo:
            del options["requires_session"], options["requires_duplicate_detection"]
        try:
            made = client.administration.create_queue(
                op.queue,
                lock_duration=timedelta(seconds=op.visibility),
                max_delivery_count=delivery_count(op.dead_letter),
                **options,
            )
        except Exception as error:
            raise taken(error, f"there is a queue or topic {op.queue!r}") from error
        client.known.forget(op.queue)
        client.known.sessions[op.queue] = client.known.fifo[op.queue] = op.fifo
        return _info(made)

    async def _delete_queue(self, op: DeleteQueue) -> None:
        def delete(client: ServiceBus) -> None:
            client.administration.delete_queue(op.queue)
            client.known.forget(op.queue)

        await self._clients.run("service_bus", delete)

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        return await self._clients.run(
            "service_bus", lambda client: _info(client.administration.get_queue(op.queue))
        )

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        def look(client: ServiceBus) -> list[QueueInfo]:
            return [_info(queue) for queue in client.administration.list_queues()]

        # The service lists a hundred at a time and finds no prefixes, so all are fetched.
        found = await self._clients.run("service_bus", look)
        wanted = [queue for queue in found if queue.name.startswith(op.prefix)]
        return page_of(wanted, op, PAGE_SIZE)

    async def _send(self, op: SendMessage) -> SentMessage:
        def send(client: ServiceBus) -> SentMessage:
            _check_fifo(client, op.queue, [op.message])
            return Sending(client, op.queue).one(op.message)

        return await self._clients.run("service_bus", send)

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        def send(client: ServiceBus) -> list[CloudResult[SentMessage]]:
            _check_fifo(client, op.queue, op.messages)
            return Sending(client, op.queue).many(op.messages)

        return await self._clients.run("service_bus", send)

    async def _purge(self, op: PurgeQueue) -> None:
        await self._clients.run("service_bus", purge, op.queue)

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        def count(client: ServiceBus) -> QueueStats:
            found: Any = client.administration.get_queue_runtime_properties(op.queue)
            # The service counts leased messages as active; only this client's own are known.
            active = (found.active_message_count or 0) - client.known.leased(op.queue)
            return QueueStats(
                available=max(active, 0),
                delayed=found.scheduled_message_count,
                dead=found.dead_letter_message_count,
                exact=False,
            )

        return await self._clients.run("service_bus", count)

    async def _redrive(self, op: Redrive) -> int:
        return await self._clients.run("service_bus", redrive, op.queue, op.max_messages)


def delivery_count(policy: DeadLetterPolicy | None) -> int:
    """How often the service delivers a message before it sets it aside."""
    return NEVER if policy is None else policy.max_receives


def policy_of(count: int | None) -> DeadLetterPolicy | None:
    """The policy that a delivery count stands for."""
    return None if count is None or count >= NEVER else DeadLetterPolicy(max_receives=count)


def taken(error: Exception, message: str) -> Exception:
    """An error of creating: AlreadyExistsError where the name is taken.

    Args:
        error: What was raised.
        message: What to say then.
    """
    return AlreadyExistsError(message, status=409) if status_of(error) == 409 else error


def _info(queue: QueueProperties) -> QueueInfo:
    kept = queue.default_message_time_to_live
    retention = kept.total_seconds() if isinstance(kept, timedelta) and kept < FOREVER else None
    return QueueInfo(
        name=queue.name,
        fifo=bool(queue.requires_session),
        visibility=seconds_of(queue.lock_duration),
        retention=retention,
        dead_letter=policy_of(queue.max_delivery_count),
    )


def seconds_of(duration: Any) -> float:
    """A duration as the SDK gives it."""
    return duration.total_seconds() if isinstance(duration, timedelta) else 60.0


def _check_fifo(client: ServiceBus, queue: str, messages: Sequence[OutgoingMessage]) -> None:
    """Refuse what only a fifo queue honours, where it can be known that the queue is none."""
    if all(message.group is None and message.dedup_id is None for message in messages):
        return
    known = client.known.fifo.get(queue)
    if known is None:
        try:
            found = client.administration.get_queue(queue)
        except Exception as error:
            if status_of(error) in {401, 403}:
                return  # who may send need not be allowed to look
            raise
        known = bool(found.requires_session)
        client.known.fifo[queue] = client.known.sessions[queue] = known
    if not known:
        raise ValidationError(
            f"group and dedup_id are for fifo queues, and {queue!r} is none",
            hint="Make it with create_queue(..., fifo=True).",
        )
