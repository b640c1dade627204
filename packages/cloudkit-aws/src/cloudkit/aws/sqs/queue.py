"""MessageQueue on SQS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from cloudkit.api.messaging import SentMessage, Source
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
from cloudkit.api.tasks import flat_task_group
from cloudkit.aws.sqs.leases import SqsLeases
from cloudkit.aws.sqs.names import FIFO, is_hidden, plain_name, shown_names
from cloudkit.aws.sqs.provisioning import Plan, create, delete
from cloudkit.aws.sqs.queues import Address, is_missing, list_queue_names
from cloudkit.aws.sqs.redriving import Redriving
from cloudkit.aws.sqs.sending import request, send_all, send_batch, sent
from cloudkit.common import (
    AlreadyExistsError,
    CloudResult,
    QueueCapabilities,
    ValidationError,
)

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

T = TypeVar("T")

PAGE_SIZE = 100
MIN_RETENTION = 60


class SqsMessageQueue(SqsLeases[QueueCapabilities], MessageQueue):
    """Queues of SQS, standard and FIFO.

    A FIFO queue is called ``work.fifo`` there and ``work`` here. A queue with a dead-letter policy
    has a companion for its dead letters, which is made and removed with it and is not listed.
    SQS measures in whole seconds; fractions are rounded up.
    """

    def _queue_of(self, source: Source) -> str:
        return source.name

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        _check_new(op)
        return await self._clients.run("sqs", self._create, op)

    def _create(self, client: SQSClient, op: CreateQueue) -> QueueInfo:
        # CreateQueue itself is content with an equal queue that is there, so ask before. Of two who
        # create the same queue in the same moment, both may succeed.
        if self._queues.exists(client, plain_name(op.queue)):
            raise AlreadyExistsError(f"there is a queue {op.queue!r}")
        plan = Plan(
            name=op.queue,
            fifo=op.fifo,
            visibility=op.visibility,
            retention=op.retention,
            dead_letter=op.dead_letter,
        )
        return self._info(client, op.queue, create(client, self._queues, plan))

    async def _delete_queue(self, op: DeleteQueue) -> None:
        await self._clients.run("sqs", delete, self._queues, op.queue)

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        return await self._clients.run("sqs", self._describe, op.queue)

    def _describe(self, client: SQSClient, name: str) -> QueueInfo:
        return self._queues.using(client, name, lambda queue: self._info(client, name, queue))

    def _info(self, client: SQSClient, name: str, address: Address) -> QueueInfo:
        settings = self._queues.settings(client, address, fresh=True)
        return QueueInfo(
            name=name,
            fifo=address.fifo,
            visibility=float(settings.visibility),
            retention=settings.retention,
            dead_letter=settings.dead_letter,
        )

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        # SQS lists in no order that it documents, so all names are fetched, a thousand at a time.
        names = await self._clients.run("sqs", list_queue_names, op.prefix)
        shown = [
            name
            for name in shown_names([name for name in names if not is_hidden(name)])
            if name.startswith(op.prefix) and name > (op.page_token or "")
        ]
        size = min(op.page_size or PAGE_SIZE, PAGE_SIZE)
        wanted = shown[:size]
        infos: dict[str, QueueInfo] = {}

        async def describe(name: str) -> None:
            info = await self._clients.run("sqs", self._describe_if_there, name)
            if info is not None:
                infos[name] = info

        async with flat_task_group() as tasks:
            for name in wanted:
                tasks.start_soon(describe, name)
        found = [infos[name] for name in wanted if name in infos]
        return Page(found, wanted[-1] if len(shown) > size else None)

    def _describe_if_there(self, client: SQSClient, name: str) -> QueueInfo | None:
        try:
            return self._describe(client, name)
        except Exception as error:
            if is_missing(error):
                return None  # removed meanwhile
            raise

    async def _send(self, op: SendMessage) -> SentMessage:
        def send(client: SQSClient, address: Address) -> SentMessage:
            return sent(client.send_message(QueueUrl=address.url, **request(address, op.message)))

        return await self._on(op.queue, send)

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        def send(client: SQSClient, address: Address) -> list[CloudResult[SentMessage]]:
            return send_batch(
                op.messages,
                lambda message: request(address, message),
                lambda requests: send_all(client, address, requests),
            )

        return await self._on(op.queue, send)

    async def _purge(self, op: PurgeQueue) -> None:
        await self._on(
            op.queue, lambda client, address: client.purge_queue(QueueUrl=address.url) and None
        )

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        def count(client: SQSClient, address: Address) -> QueueStats:
            available, leased, delayed = _counts(client, address)
            dead = self._queues.dead_letters(client, address)
            return QueueStats(
                available=available,
                leased=leased,
                delayed=delayed,
                dead=0 if dead is None else sum(_counts(client, dead)),
            )

        return await self._on(op.queue, count)

    async def _redrive(self, op: Redrive) -> int:
        unwanted = threading.Event()

        def redrive(client: SQSClient, address: Address) -> int:
            dead = self._queues.dead_letters(client, address)
            if dead is None:
                return 0
            return Redriving(client, dead, address, unwanted).run(op.max_messages)

        try:
            return await self._on(op.queue, redrive)
        except anyio.get_cancelled_exc_class():
            unwanted.set()
            raise

    async def _on(self, queue: str, call: Callable[[SQSClient, Address], T]) -> T:
        def run(client: SQSClient) -> T:
            return self._queues.using(client, queue, lambda address: call(client, address))

        return await self._clients.run("sqs", run)


def _check_new(op: CreateQueue) -> None:
    if is_hidden(op.queue):
        raise ValidationError(f"{op.queue!r} is a name that CloudKit gives to queues of its own")
    if op.queue.endswith(FIFO) and not op.fifo:
        raise ValidationError(f"{op.queue!r} is the name of a fifo queue: give fifo=True")
    if op.fifo and len(plain_name(op.queue)) > 75:
        raise ValidationError("the name of a fifo queue has at most 75 characters besides .fifo")
    if op.retention is not None and op.retention < MIN_RETENTION:
        raise ValidationError(f"SQS keeps messages {MIN_RETENTION} s or longer")


def _counts(client: SQSClient, address: Address) -> tuple[int, int, int]:
    """Messages of a queue that are available, leased and delayed."""
    answer: Any = client.get_queue_attributes(QueueUrl=address.url, AttributeNames=["All"])
    found: dict[str, str] = answer["Attributes"]
    return (
        int(found.get("ApproximateNumberOfMessages", 0)),
        int(found.get("ApproximateNumberOfMessagesNotVisible", 0)),
        int(found.get("ApproximateNumberOfMessagesDelayed", 0)),
    )
