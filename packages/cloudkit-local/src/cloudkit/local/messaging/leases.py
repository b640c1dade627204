"""What can be done with leased messages, on SQLite: the same for all sources."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

import anyio
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
from cloudkit.common import CloudError, CloudResult, MessagingCapabilities
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.messaging.line import Lines
from cloudkit.local.messaging.messages import Messages
from cloudkit.local.messaging.rows import Held, MessageRow, new_id
from cloudkit.local.messaging.sources import (
    SCHEMA,
    SourceRecord,
    channel,
    find_source,
    sweep_dropped,
)
from cloudkit.spi import OperationRunner

T = TypeVar("T")
CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)
Attempt = tuple[list[MessageRow], float | None]


class LocalLeases(Leases[CapabilitiesT]):
    """The hooks that queues and subscriptions share.

    A lease that has ended is lost at once for ``extend``; ``ack``, ``nack`` and ``dead_letter`` are
    still taken as long as nobody has received, given back or set aside the message since.

    Args:
        runner: Runs the operations.
        capabilities: Limits.
        database: Where the messages are.
        clock: Tells the seconds since the epoch.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: CapabilitiesT,
        database: Database,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(runner, capabilities)
        self._database = database
        self._clock = clock
        self._lines = Lines()
        database.register(SCHEMA)

    async def _receive(self, op: Receive) -> Sequence[Message]:
        def attempt(messages: Messages, token: str) -> list[MessageRow]:
            return messages.lease(op.max_messages, op.visibility, token)

        return await self._lease(op, attempt)

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        def attempt(messages: Messages, token: str) -> list[MessageRow]:
            return messages.lease_dead(op.max_messages, op.visibility, token)

        return await self._lease(op, attempt)

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        return await self._on_source(
            op.source, lambda messages: [_acked(messages, message) for message in op.messages]
        )

    async def _nack(self, op: Nack) -> None:
        held = Held.parse(op.message.lease)
        await self._on_source(op.source, lambda messages: messages.nack(held, op.delay))

    async def _extend(self, op: Extend) -> Message:
        held = Held.parse(op.message.lease)
        until = await self._on_source(
            op.source, lambda messages: messages.extend(held, op.visibility)
        )
        return evolve(op.message, leased_until=_to_time(until))

    async def _dead_letter(self, op: DeadLetter) -> None:
        held = Held.parse(op.message.lease)
        await self._on_source(op.source, lambda messages: messages.dead_letter(held, op.reason))

    # Transactions

    async def _on_source(self, source: Source, func: Callable[[Messages], T]) -> T:
        """Do something with the messages of a source."""
        return await self._database.write(
            lambda connection: func(self._messages(connection, find_source(connection, source)))
        )

    def _messages(self, connection: Connection, record: SourceRecord) -> Messages:
        return Messages(connection, record, self._clock())

    async def _drop(self, func: Callable[[Connection], None]) -> None:
        """Drop sources, and then what they held."""
        await self._database.write(func)
        # In portions, so that others can write meanwhile. Whatever is left when this is cancelled
        # or killed goes with the next one that is dropped.
        while await self._database.write(sweep_dropped):
            pass

    # Receiving

    def _check_pull(self, record: SourceRecord) -> None:
        """Refuse to receive from a source that pushes."""

    async def _lease(
        self, op: Receive, take: Callable[[Messages, str], list[MessageRow]]
    ) -> list[Message]:
        token = new_id()

        def attempt(connection: Connection) -> Attempt:
            record = find_source(connection, op.source)
            if not isinstance(op, ReceiveDeadLetters):
                self._check_pull(record)
            messages = self._messages(connection, record)
            messages.refresh()
            rows = take(messages, token)
            return rows, None if rows or not op.wait else messages.next_due()

        try:
            rows, _ = await self._database.write(attempt)
            if not rows and op.wait:
                rows = await self._poll(op, attempt)
        except anyio.get_cancelled_exc_class():
            # What may have been leased meanwhile comes back at once, not when the lease ends.
            self._database.write_soon(lambda connection: self._release(connection, op, token))
            raise
        return [_to_message(op.source, row) for row in rows]

    async def _poll(
        self, op: Receive, attempt: Callable[[Connection], Attempt]
    ) -> list[MessageRow]:
        end = anyio.current_time() + op.wait
        name = channel(op.source.service, op.source.topic or "", op.source.name)
        async with AsyncExitStack() as stack:
            # Of many that wait, only the first is woken by a change: the next when it leaves.
            if not await stack.enter_async_context(self._lines.turn(name, end)):
                return []
            watch = stack.enter_context(self._database.watch(name))
            while True:
                rows, due = await self._database.write(attempt)
                left = end - anyio.current_time()
                if rows or left <= 0:
                    return rows
                until_due = math.inf if due is None else max(due - self._clock(), 0.001)
                await watch.changed(min(left, until_due))

    def _release(self, connection: Connection, op: Receive, token: str) -> None:
        self._messages(connection, find_source(connection, op.source)).release(token)


def _acked(messages: Messages, message: Message) -> CloudResult[Message]:
    try:
        messages.ack(Held.parse(message.lease))
    except CloudError as error:
        return CloudResult.failure(error)
    return CloudResult.success(message)


def _to_message(source: Source, row: MessageRow) -> Message:
    attributes: dict[str, Any] = json.loads(row.attributes) if row.attributes else {}
    return Message(
        id=row.id,
        body=row.body,
        attributes=attributes,
        receive_count=row.receive_count,
        source=source,
        lease=f"{row.sequence}.{row.lease}",
        leased_until=None if row.hidden_until is None else _to_time(row.hidden_until),
        sent_at=_to_time(row.sent_at),
        group=row.grp,
        dedup_id=row.dedup_id,
        dead_letter_reason=row.dead_reason,
    )


def _to_time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
