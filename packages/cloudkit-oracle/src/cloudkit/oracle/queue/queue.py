"""MessageQueue on Queue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anyio
from cloudkit.api.messaging import OutgoingMessage, SentMessage
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
from cloudkit.common import (
    CloudError,
    CloudResult,
    NotFoundError,
    QueueCapabilities,
    ValidationError,
)
from cloudkit.core.pages import described, page_of
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.queue.leases import QueueLeases
from cloudkit.oracle.queue.messages import Encoded, encode
from cloudkit.oracle.queue.names import DEAD, is_dead
from cloudkit.oracle.queue.provisioning import Provisioning
from cloudkit.oracle.queue.queues import Address
from cloudkit.oracle.queue.redriving import Redriving
from cloudkit.oracle.queue.sending import put
from cloudkit.oracle.works import finished
from cloudkit.spi import OperationRunner

PAGE_SIZE = 100
MIN_RETENTION = 10


class OracleMessageQueue(QueueLeases, MessageQueue):
    """Queues of Queue.

    They are told apart by their display names, within the compartment of the configuration. A queue
    with a dead-letter policy has a companion for its dead letters, which is made and removed with it
    and is not listed. Queue measures in whole seconds; fractions are rounded up. The ``group`` of a
    received message is the channel that somebody else has put it into.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: The SDK's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: QueueCapabilities, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities, clients)
        self._provisioning = Provisioning(clients, self._queues)

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        _check_new(op)
        return _info(await self._provisioning.create(op))

    async def _delete_queue(self, op: DeleteQueue) -> None:
        await self._provisioning.delete(op.queue)

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        return _info(await self._clients.run("queue_admin", self._queues.find, op.queue))

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        # Lists are in the order of creation or of some collation, so all names are fetched.
        names = await self._clients.run("queue_admin", self._queues.names)
        shown = [name for name in names if name.startswith(op.prefix) and not is_dead(name)]

        async def describe(name: str) -> QueueInfo | None:
            address = await self._clients.run("queue_admin", self._find_if_there, name)
            return None if address is None else _info(address)

        return await described(page_of(shown, op, PAGE_SIZE, name=str), describe)

    def _find_if_there(self, admin: Any, name: str) -> Address | None:
        try:
            return self._queues.find(admin, name)
        except NotFoundError:
            return None  # removed meanwhile

    async def _send(self, op: SendMessage) -> SentMessage:
        message = _encoded(op.message)
        sent = await self._on(
            op.queue,
            lambda admin, address: put(self._queues.messages(address), address, [message]),
        )
        return sent[0]

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        encoded: dict[int, Encoded] = {}
        results: dict[int, CloudResult[SentMessage]] = {}
        for index, message in enumerate(op.messages):
            try:
                encoded[index] = _encoded(message)
            except CloudError as error:
                results[index] = CloudResult.failure(error)
        if encoded:
            messages = list(encoded.values())
            sent = await self._on(
                op.queue,
                lambda admin, address: put(self._queues.messages(address), address, messages),
            )
            results |= {
                index: CloudResult.success(each) for index, each in zip(encoded, sent, strict=True)
            }
        return [results[index] for index in range(len(op.messages))]

    async def _purge(self, op: PurgeQueue) -> None:
        work = await self._on(op.queue, _purge)
        await finished(self._clients, "queue_admin", work)

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        def count(admin: Any, address: Address) -> QueueStats:
            stats = self._queues.messages(address).get_stats(address.id).data
            dead = _total(stats.dlq)
            place = self._queues.dead_letters(admin, address)
            if place is not None:
                dead += _total(self._queues.messages(place).get_stats(place.id).data.queue)
            return QueueStats(
                available=stats.queue.visible_messages,
                leased=stats.queue.in_flight_messages,
                dead=dead,
            )

        return await self._on(op.queue, count)

    async def _redrive(self, op: Redrive) -> int:
        unwanted = threading.Event()

        def redrive(admin: Any, address: Address) -> int:
            dead = self._queues.dead_letters(admin, address)
            if dead is None:
                return 0
            source, target = self._queues.messages(dead), self._queues.messages(address)
            return Redriving(source, dead, target, address, unwanted).run(op.max_messages)

        try:
            return await self._on(op.queue, redrive)
        except anyio.get_cancelled_exc_class():
            unwanted.set()
            raise


def _check_new(op: CreateQueue) -> None:
    if is_dead(op.queue):
        raise ValidationError(f"names that end with {DEAD!r} are for queues of CloudKit's own")
    if op.retention is not None and op.retention < MIN_RETENTION:
        raise ValidationError(f"Queue keeps messages {MIN_RETENTION} s or longer")


def _encoded(message: OutgoingMessage) -> Encoded:
    encoded = encode(message.body, message.attributes)
    encoded.check_size()
    return encoded


def _purge(admin: Any, address: Address) -> str:
    from oci.queue.models import PurgeQueueDetails  # type: ignore[import-untyped]

    answer = admin.purge_queue(address.id, PurgeQueueDetails(purge_type="NORMAL"))
    return str(answer.headers["opc-work-request-id"])


def _total(stats: Any) -> int:
    """Messages that can be had, and those that are leased."""
    return (stats.visible_messages or 0) + (stats.in_flight_messages or 0)


def _info(address: Address) -> QueueInfo:
    return QueueInfo(
        name=address.name,
        visibility=float(address.visibility),
        retention=address.retention,
        dead_letter=address.dead_letter,
    )
