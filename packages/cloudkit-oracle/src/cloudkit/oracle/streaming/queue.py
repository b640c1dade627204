"""MessageQueue on Streaming."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import evolve
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
from cloudkit.common import (
    CloudResult,
    QueueCapabilities,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.pages import page_of
from cloudkit.oracle.streaming.addresses import DEAD, KIND_TAG, SETTINGS_TAG, Address, Settings
from cloudkit.oracle.streaming.deliveries import Delivery
from cloudkit.oracle.streaming.leases import Place, StreamLeases
from cloudkit.oracle.streaming.messages import Content
from cloudkit.oracle.streaming.reader import Reader

GROUP = "cloudkit"
"""The group that reads a queue."""
PAGE_SIZE = 100
REDRIVE_LEASE = 60.0
MIN_RETENTION = 24 * 3600
LONGEST_RETENTION_HOURS = 168


class StreamingMessageQueue(StreamLeases[QueueCapabilities], MessageQueue):
    """Streams of Streaming as queues, each read by one group.

    Messages of one group of messages go to one partition, and keep their order. A queue with a
    dead-letter policy has a companion for its dead letters, which is made and removed with it and is
    not listed.
    """

    async def _place(self, source: Source) -> Place:
        address = await self._streams.address(source.name)
        return Place(
            address=address,
            group=GROUP,
            settings=address.settings,
            dead=source.name + DEAD,
        )

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        _check_new(op)
        receives = None if op.dead_letter is None else op.dead_letter.max_receives
        settings = Settings(visibility=op.visibility, max_receives=receives, ordered=op.fifo)
        tags = {KIND_TAG: "queue", SETTINGS_TAG: settings.to_tag()}
        hours = None if op.retention is None else math.ceil(op.retention / 3600)
        address = await self._streams.create(op.queue, tags, hours)
        if receives is not None:
            try:
                await self._create_dead(op.queue)
            except Exception:
                await self._streams.delete(op.queue, missing_ok=True)
                raise
        return _info(address)

    async def _create_dead(self, queue: str) -> None:
        name = queue + DEAD
        await self._streams.delete(name, missing_ok=True)  # what an attempt has left
        await self._streams.create(name, {KIND_TAG: "dead-letters"}, LONGEST_RETENTION_HOURS)

    async def _delete_queue(self, op: DeleteQueue) -> None:
        address = await self._streams.find(op.queue)
        # First, so that a removal that fails in between can be made again by the queue's name.
        await self._streams.delete(op.queue + DEAD, missing_ok=True)
        await self._streams.delete(op.queue)
        self._drop_readers(address)

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        return _info(await self._streams.find(op.queue))

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        found = await self._streams.listed(unless="topic")
        infos = [_info(each) for each in found if each.name.startswith(op.prefix)]
        return page_of(infos, op, PAGE_SIZE)

    async def _send(self, op: SendMessage) -> SentMessage:
        return (await self._put_all(op.queue, [op.message]))[0].value

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        return await self._put_all(op.queue, op.messages)

    async def _purge(self, op: PurgeQueue) -> None:
        place = await self._place(Source("queue", op.queue))
        await self._reader(place).begin_at_end()

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        raise UnsupportedOperationError("stats", capability="queue.stats")

    async def _redrive(self, op: Redrive) -> int:
        place = await self._place(Source("queue", op.queue))
        if place.settings.max_receives is None:
            return 0
        reader = self._reader(await self._dead_place(place))
        moved = 0
        try:
            while op.max_messages is None or moved < op.max_messages:
                taken = reader.deliveries.take(1, REDRIVE_LEASE)
                if not taken:
                    await reader.commit()  # what is committed is kept here no longer
                    await reader.read(float("inf"))
                    taken = reader.deliveries.take(1, REDRIVE_LEASE)
                if not taken:
                    break
                await self._put_back(op.queue, reader, taken[0])
                moved += 1
        finally:
            # Also when it breaks off, or they would be moved again by the next client.
            await reader.commit_or_leave()
        return moved

    async def _put_back(self, queue: str, reader: Reader, delivery: Delivery) -> None:
        content: Content = evolve(delivery.record.content, reason="")
        try:
            await self._put_one(queue, content)
        except BaseException:
            reader.deliveries.give_back(delivery)
            raise
        reader.deliveries.finish(delivery)


def _check_new(op: CreateQueue) -> None:
    if op.queue.endswith(DEAD):
        raise ValidationError(f"names that end with {DEAD!r} are for streams of CloudKit's own")
    if op.retention is not None and op.retention < MIN_RETENTION:
        raise ValidationError(f"Streaming keeps messages {MIN_RETENTION} s (a day) or longer")


def _info(address: Address) -> QueueInfo:
    settings = address.settings
    return QueueInfo(
        name=address.name,
        fifo=settings.ordered,
        visibility=settings.visibility,
        retention=address.retention or None,
        dead_letter=settings.dead_letter,
    )
