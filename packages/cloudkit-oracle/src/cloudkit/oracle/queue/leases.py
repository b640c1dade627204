"""Leases of Queue: receive, and what follows."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

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
from cloudkit.common import CloudResult, QueueCapabilities, UnsupportedOperationError, utc_now
from cloudkit.core.leases import check_lease, lateness, leased_until, no_dead_letters
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.queue.messages import decode, encode, from_entry, with_reason
from cloudkit.oracle.queue.queues import Address, Queues
from cloudkit.oracle.queue.sending import delete, hide, put, raise_first
from cloudkit.spi import OperationRunner

T = TypeVar("T")


class QueueLeases(Leases[QueueCapabilities], ABC):
    """Receives from a queue, and settles.

    Queue's own dead-letter queues cannot be used: no documented request reads one or puts a message
    there. So a message that has been received too often is set aside here, when it is given back or
    comes again.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: The SDK's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: QueueCapabilities, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._queues = Queues(clients)

    async def _receive(self, op: Receive) -> Sequence[Message]:
        return await self._receive_unless_cancelled(op)

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return await self._receive_unless_cancelled(op)

    async def _receive_unless_cancelled(self, op: Receive) -> Sequence[Message]:
        unwanted = threading.Event()

        def receive(admin: Any) -> list[Message]:
            return self._queues.using(
                admin,
                op.source.name,
                lambda address: self._receive_from(admin, address, op, unwanted),
            )

        def give_back(admin: Any, messages: Sequence[Message]) -> None:
            place = self._queues.using(
                admin, op.source.name, lambda address: self._place(admin, address, op.source)
            )
            if place is not None:
                _give_back(self._queues.messages(place), place, messages)

        return await self._clients.run_or_undo("queue_admin", receive, give_back, stop=unwanted.set)

    def _receive_from(
        self, admin: Any, address: Address, op: Receive, unwanted: threading.Event
    ) -> list[Message]:
        place = self._place(admin, address, op.source)
        if place is None:
            return []
        client = self._queues.messages(place)
        end = time.monotonic() + op.wait
        left = op.wait
        while True:
            messages = _lease(client, place, op, math.ceil(left))
            if unwanted.is_set():
                return messages  # to be given back
            wanted = self._without_dead(admin, address, client, messages)
            left = end - time.monotonic()
            # The service may give up waiting early, and what came may all have been set aside.
            if wanted or left <= 0:
                return wanted

    def _without_dead(
        self, admin: Any, address: Address, client: Any, messages: list[Message]
    ) -> list[Message]:
        """Set aside what has been received too often before."""
        most = address.max_receives
        dead = [
            each
            for each in messages
            if most is not None and each.receive_count > most and not each.source.dead_letters
        ]
        try:
            for message in dead:
                self._set_aside(admin, address, message, "")
        except Exception:
            _give_back(client, address, messages)
            raise
        return [message for message in messages if message not in dead]

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        late = {i: error for i, m in enumerate(op.messages) if (error := lateness(m)) is not None}
        intime = {i: m for i, m in enumerate(op.messages) if i not in late}
        errors: dict[int, Any] = dict(late)
        if intime:
            receipts = [message.lease for message in intime.values()]
            found = await self._at(op.source, lambda client, place: delete(client, place, receipts))
            errors |= dict(zip(intime, found, strict=True))
        return [
            CloudResult.success(message) if errors[i] is None else CloudResult.failure(errors[i])
            for i, message in enumerate(op.messages)
        ]

    async def _nack(self, op: Nack) -> None:
        check_lease(op.message)
        await self._on(
            op.source.name, lambda admin, address: self._give_back_one(admin, address, op)
        )

    def _give_back_one(self, admin: Any, address: Address, op: Nack) -> None:
        most = address.max_receives
        if most is not None and op.message.receive_count >= most and not op.source.dead_letters:
            self._set_aside(admin, address, op.message, "")
            return
        place = self._some_place(admin, address, op.source)
        client = self._queues.messages(place)
        raise_first(hide(client, place, {op.message.lease: math.ceil(op.delay)}))

    async def _extend(self, op: Extend) -> Message:
        check_lease(op.message)
        began, length = utc_now(), math.ceil(op.visibility)
        change = {op.message.lease: length}
        raise_first(await self._at(op.source, lambda client, place: hide(client, place, change)))
        return evolve(op.message, leased_until=began + timedelta(seconds=length))

    async def _dead_letter(self, op: DeadLetter) -> None:
        check_lease(op.message)
        if op.source.dead_letters:
            change = {op.message.lease: 0}
            raise_first(
                await self._at(op.source, lambda client, place: hide(client, place, change))
            )
            return
        await self._on(
            op.source.name,
            lambda admin, address: self._set_aside(admin, address, op.message, op.reason),
        )

    def _set_aside(self, admin: Any, address: Address, message: Message, reason: str) -> None:
        """Copy, then remove: what fails in between leaves the message twice, and never nowhere."""
        dead = self._queues.dead_letters(admin, address)
        if dead is None:
            raise no_dead_letters(message.source)
        copy = encode(message.body, message.attributes, message.group)
        put(self._queues.messages(dead), dead, [with_reason(copy, reason)])
        raise_first(delete(self._queues.messages(address), address, [message.lease]))

    async def _on(self, queue: str, call: Callable[[Any, Address], T]) -> T:
        """Make a call about a queue, in a worker thread."""

        def run(admin: Any) -> T:
            return self._queues.using(admin, queue, lambda address: call(admin, address))

        return await self._clients.run("queue_admin", run)

    async def _at(self, source: Source, call: Callable[[Any, Address], T]) -> T:
        """Make a call to the messages of a queue, or of its place for dead letters."""

        def at(admin: Any, address: Address) -> T:
            place = self._some_place(admin, address, source)
            return call(self._queues.messages(place), place)

        return await self._on(source.name, at)

    def _some_place(self, admin: Any, address: Address, source: Source) -> Address:
        place = self._place(admin, address, source)
        if place is None:
            raise no_dead_letters(source)
        return place

    def _place(self, admin: Any, address: Address, source: Source) -> Address | None:
        if not source.dead_letters:
            return address
        place = self._queues.dead_letters(admin, address)
        if place is None and address.own_limit:
            raise UnsupportedOperationError(
                f"the dead letters of {source.name!r} are in the service's own dead-letter queue, "
                "which no documented request reads",
                capability="queue.list_dead_letters",
                hint="Create the queue with dead_letter=DeadLetterPolicy(...).",
            )
        return place


def _lease(client: Any, place: Address, op: Receive, wait: int) -> list[Message]:
    lease = math.ceil(place.visibility if op.visibility is None else op.visibility)
    began = utc_now()
    answer = client.get_messages(
        place.id,
        limit=op.max_messages,
        timeout_in_seconds=max(wait, 0),
        visibility_in_seconds=lease,
    )
    until = leased_until(began, lease)
    return [_message(raw, op.source, until) for raw in answer.data.messages or ()]


def _give_back(client: Any, place: Address, messages: Sequence[Message]) -> None:
    """Let others have what came for somebody who was cancelled while the request was under way."""
    if messages:
        hide(client, place, {message.lease: 0 for message in messages})


def _message(raw: Any, source: Source, leased_until: datetime) -> Message:
    encoded = from_entry(raw)
    decoded = decode(encoded.content, encoded.properties)
    created = raw.created_at
    return Message(
        id=str(raw.id),
        body=decoded.body,
        attributes=decoded.attributes,
        receive_count=int(raw.delivery_count or 1),
        source=source,
        lease=raw.receipt,
        leased_until=leased_until,
        sent_at=None if created is None else created.astimezone(UTC),
        group=encoded.channel,
        dead_letter_reason=decoded.reason if source.dead_letters else None,
    )
