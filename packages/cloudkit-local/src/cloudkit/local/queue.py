"""MessageQueue on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.api.queue import MessageQueue, QueueInfo, QueueStats
from cloudkit.api.queue.operations import (
    CreateQueue,
    DeleteQueue,
    DescribeQueue,
    GetQueueStats,
    ListQueues,
    PurgeQueue,
    QueueOperation,
    Redrive,
    SendMessage,
    SendMessages,
)
from cloudkit.common import CloudError, CloudResult, QueueCapabilities, ValidationError
from cloudkit.local.connection import Connection
from cloudkit.local.messaging import LocalLeases, Messages, SourceRecord, new_id
from cloudkit.local.messaging.rows import DEAD, DELAYED, LEASED, READY, WAITING
from cloudkit.local.messaging.sources import (
    create_source,
    drop_sources,
    find_source,
    list_sources,
)

_KIND = "queue"
_PAGE_SIZE = 1000


class LocalMessageQueue(LocalLeases[QueueCapabilities], MessageQueue):
    """Queues in a table of SQLite, which everybody who uses the folder shares.

    Every operation is one transaction: what was acknowledged as sent is there, and no two consumers,
    of this process or another, hold a message at the same time. Messages of a fifo queue that have
    no group keep no order among consumers. Dead letters can be set aside in every queue, with a
    policy or without, and do not expire.
    """

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        record = SourceRecord(
            id=0,
            kind=_KIND,
            topic="",
            name=op.queue,
            fifo=op.fifo,
            visibility=op.visibility,
            retention=op.retention,
            max_receives=None if op.dead_letter is None else op.dead_letter.max_receives,
        )
        return _info(await self._database.write(lambda c: create_source(c, record)))

    async def _delete_queue(self, op: DeleteQueue) -> None:
        await self._drop(lambda c: drop_sources(c, [find_source(c, _source(op))]))

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        return await self._database.read(lambda c: _info(find_source(c, _source(op))))

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        listing = ("queues", op.prefix)
        after = "" if op.page_token is None else read_token(op.page_token, listing)[0]
        size = min(op.page_size or _PAGE_SIZE, _PAGE_SIZE)
        records = await self._database.read(
            lambda c: list_sources(c, _KIND, "", prefix=op.prefix, after=after, size=size + 1)
        )
        queues = [_info(record) for record in records[:size]]
        more = len(records) > size
        return Page(queues, make_token(listing, (queues[-1].name,)) if more else None)

    async def _send(self, op: SendMessage) -> SentMessage:
        message_id = new_id()

        def send(connection: Connection) -> SentMessage:
            record = find_source(connection, _source(op))
            _check_fits(record, op.message)
            return self._messages(connection, record).add(op.message, message_id)

        return await self._database.write(send)

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        wanted = [(message, new_id()) for message in op.messages]

        def send(connection: Connection) -> list[CloudResult[SentMessage]]:
            record = find_source(connection, _source(op))
            messages = self._messages(connection, record)
            return [_sent(messages, record, *pair) for pair in wanted]

        return await self._database.write(send)

    async def _purge(self, op: PurgeQueue) -> None:
        last = await self._on_source(_source(op), lambda messages: messages.last_sequence())
        # In portions, so that others can write meanwhile.
        while await self._on_source(_source(op), lambda messages: messages.purge(last)):
            pass

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        def count(messages: Messages) -> dict[int, int]:
            messages.refresh()
            return messages.counts()

        counts = await self._on_source(_source(op), count)
        return QueueStats(
            available=counts.get(READY, 0) + counts.get(WAITING, 0),
            leased=counts.get(LEASED, 0),
            delayed=counts.get(DELAYED, 0),
            dead=counts.get(DEAD, 0),
            exact=True,
        )

    async def _redrive(self, op: Redrive) -> int:
        def redrive(messages: Messages) -> int:
            messages.refresh()
            return messages.redrive(op.max_messages)

        return await self._on_source(_source(op), redrive)


def _source(op: QueueOperation[Any]) -> Source:
    return Source(_KIND, op.queue)


def _check_fits(record: SourceRecord, message: OutgoingMessage) -> None:
    if not record.fifo and (message.group is not None or message.dedup_id is not None):
        raise ValidationError(
            f"group and dedup_id are for fifo queues, and {record.name!r} is none",
            hint="Make it with create_queue(..., fifo=True).",
        )


def _sent(
    messages: Messages, record: SourceRecord, message: OutgoingMessage, message_id: str
) -> CloudResult[SentMessage]:
    try:
        _check_fits(record, message)
        return CloudResult.success(messages.add(message, message_id))
    except CloudError as error:
        return CloudResult.failure(error)


def _info(record: SourceRecord) -> QueueInfo:
    return QueueInfo(
        name=record.name,
        fifo=bool(record.fifo),
        visibility=record.visibility,
        retention=record.retention,
        dead_letter=record.policy,
    )
