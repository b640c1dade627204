"""The least that is a MessageQueue, and what it shares with the least that is a PubSub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import anyio.lowlevel
from attrs import define
from cloudkit.api.messaging import Leases, Message, SentMessage, Source
from cloudkit.api.paging import Page
from cloudkit.api.queue import MessageQueue, QueueInfo, QueueStats
from cloudkit.common import AlreadyExistsError, CloudError, CloudResult, NotFoundError

from .line import Line


def page_of(infos: Any, op: Any) -> Page[Any]:
    """One page of infos, by name; the token is the last name."""
    names = sorted(infos)
    left = [name for name in names if op.page_token is None or name > op.page_token]
    size = op.page_size or 100
    token = left[size - 1] if len(left) > size else None
    return Page([infos[name] for name in left[:size]], token)


class MemoryLeases(Leases[Any]):
    """Receiving and settling, by way of lines."""

    line_type: ClassVar[type[Line]] = Line

    def line(self, source: Any) -> Line:
        raise NotImplementedError

    async def _receive(self, op) -> Sequence[Message]:
        await anyio.lowlevel.checkpoint()
        return await self.line(op.source).receive(op.max_messages, op.wait, op.visibility)

    async def _receive_dead_letters(self, op) -> Sequence[Message]:
        await anyio.lowlevel.checkpoint()
        return self.line(op.source).take_dead(op.max_messages)

    async def _ack(self, op) -> Sequence[CloudResult[Message]]:
        await anyio.lowlevel.checkpoint()
        results = []
        for message in op.messages:
            try:
                self.line(op.source).ack(message)
                results.append(CloudResult.success(message))
            except CloudError as error:
                results.append(CloudResult.failure(error))
        return results

    async def _nack(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.line(op.source).nack(op.message, op.delay)

    async def _extend(self, op) -> Message:
        await anyio.lowlevel.checkpoint()
        return self.line(op.source).extend(op.message, op.visibility)

    async def _dead_letter(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.line(op.source).reject(op.message, op.reason)


@define
class Queue:
    """A queue: what it is, and its messages."""

    info: QueueInfo
    line: Line


class MemoryQueue(MemoryLeases, MessageQueue):
    """Queues in a dict."""

    def __init__(self, runner: Any, capabilities: Any) -> None:
        super().__init__(runner, capabilities)
        self.queues: dict[str, Queue] = {}

    def queue(self, name: str) -> Queue:
        if name not in self.queues:
            raise NotFoundError(f"there is no queue {name}", resource=name)
        return self.queues[name]

    def line(self, source: Any) -> Line:
        return self.queue(source.name).line

    async def _create_queue(self, op) -> QueueInfo:
        await anyio.lowlevel.checkpoint()
        if op.queue in self.queues:
            raise AlreadyExistsError(f"there is a queue {op.queue}")
        info = QueueInfo(
            name=op.queue,
            fifo=op.fifo,
            visibility=op.visibility,
            retention=op.retention,
            dead_letter=op.dead_letter,
        )
        source = Source("queue", op.queue)
        line = self.line_type(source, op.visibility, op.dead_letter, op.fifo, op.retention)
        self.queues[op.queue] = Queue(info, line)
        return info

    async def _delete_queue(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.queue(op.queue)
        del self.queues[op.queue]

    async def _describe_queue(self, op) -> QueueInfo:
        await anyio.lowlevel.checkpoint()
        return self.queue(op.queue).info

    async def _list_queues(self, op) -> Page[QueueInfo]:
        await anyio.lowlevel.checkpoint()
        found = {n: q.info for n, q in self.queues.items() if n.startswith(op.prefix)}
        return page_of(found, op)

    async def _send(self, op) -> SentMessage:
        await anyio.lowlevel.checkpoint()
        return SentMessage(id=self.queue(op.queue).line.put(op.message))

    async def _send_batch(self, op) -> Sequence[CloudResult[SentMessage]]:
        await anyio.lowlevel.checkpoint()
        line = self.queue(op.queue).line
        return [CloudResult.success(SentMessage(id=line.put(m))) for m in op.messages]

    async def _purge(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.queue(op.queue).line.purge()

    async def _stats(self, op) -> QueueStats:
        await anyio.lowlevel.checkpoint()
        line = self.queue(op.queue).line
        line.sweep()
        hidden = [entry for entry in line.entries if line.hidden(entry)]
        return QueueStats(
            available=len(line.entries) - len(hidden),
            leased=sum(entry.lease is not None for entry in hidden),
            delayed=sum(entry.lease is None for entry in hidden),
            dead=len(line.dead),
            exact=True,
        )

    async def _redrive(self, op) -> int:
        await anyio.lowlevel.checkpoint()
        return self.queue(op.queue).line.redrive(op.max_messages)
