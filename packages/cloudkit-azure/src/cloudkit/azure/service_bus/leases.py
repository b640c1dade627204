"""Leases of Service Bus: what queues and subscriptions share."""

from __future__ import annotations

import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.errors import translate
from cloudkit.azure.service_bus.client import ServiceBus
from cloudkit.azure.service_bus.links import Delivery, ReceiveLink
from cloudkit.azure.service_bus.messages import decode
from cloudkit.azure.service_bus.requests import Requests, was_answered
from cloudkit.azure.service_bus.values import array
from cloudkit.common import (
    CloudError,
    CloudResult,
    MessagingCapabilities,
    PreconditionFailedError,
)
from cloudkit.spi import OperationRunner

CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)

DEAD_LETTERS = "/$DeadLetterQueue"
DEAD_LETTER_CONDITION = b"com.microsoft:dead-letter"
MAX_REASON = 4096


class ServiceBusLeases(Leases[CapabilitiesT], ABC):
    """Receives in peek-lock mode, and settles.

    A lease is the lock of a message, or of its session. A message without a session is settled by its
    lock token, over whatever connection is free: the receiver need not be there any more.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: The clients of the cloud.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: CapabilitiesT, clients: AzureClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients

    @abstractmethod
    def _path(self, source: Source) -> str:
        """The service's path of a source, without that of its dead letters."""

    async def _receive(self, op: Receive) -> Sequence[Message]:
        unwanted = threading.Event()
        return await self._clients.run_or_undo(
            "service_bus",
            lambda client: self._receive_from(client, op, unwanted),
            lambda client, messages: self._give_back(client, op.source, messages),
            stop=unwanted.set,
        )

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return await self._receive(op)

    def _receive_from(
        self, client: ServiceBus, op: Receive, unwanted: threading.Event
    ) -> list[Message]:
        path = self._place(op.source)
        sessions = client.known.sessions.get(path, False)
        try:
            return self._receive_at(client, path, op, unwanted, sessions=sessions)
        except Exception as error:
            if op.source.dead_letters or not is_not_allowed(error):
                raise
        # It wants receivers of the other kind, as another thread may have found out meanwhile.
        client.known.sessions[path] = not sessions
        return self._receive_at(client, path, op, unwanted, sessions=not sessions)

    def _receive_at(
        self,
        client: ServiceBus,
        path: str,
        op: Receive,
        unwanted: threading.Event,
        *,
        sessions: bool,
    ) -> list[Message]:
        until: float | None = None
        if sessions:
            found = client.sessions.receive(
                path, op.max_messages, op.wait, lambda: is_over(client, unwanted)
            )
            deliveries: Sequence[Delivery] = ()
            if found is not None:
                until, deliveries = found[0].until, found[1]
        else:
            deliveries = take(client, path, op.max_messages, op.wait, unwanted)
        messages = [decode(delivery, op.source, until) for delivery in deliveries]
        for message in messages:
            client.known.lease(path, message)
        return messages

    def _give_back(self, client: ServiceBus, source: Source, messages: Sequence[Message]) -> None:
        """Let others have what came for somebody who was cancelled in that moment."""
        for message in messages:
            self._settle(client, source, message, "abandoned")

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        return await self._clients.run("service_bus", self._complete, op.source, op.messages)

    def _complete(
        self, client: ServiceBus, source: Source, messages: Sequence[Message]
    ) -> list[CloudResult[Message]]:
        together = [m for m in messages if client.sessions.find(m.lease) is None]
        done: set[str] = set()
        if len(together) > 1:
            try:
                self._settle_all(client, source, together, "completed")
                done = {message.lease for message in together}
            except Exception as error:
                if not was_answered(error):
                    # Perhaps they are done: should the next attempt find no locks, they were.
                    for message in together:
                        client.known.complete(message.lease)
                    raise
        return [
            CloudResult.success(message)
            if message.lease in done
            else self._complete_one(client, source, message)
            for message in messages
        ]

    def _complete_one(
        self, client: ServiceBus, source: Source, message: Message
    ) -> CloudResult[Message]:
        in_session = client.sessions.find(message.lease) is not None
        try:
            self._settle(client, source, message, "completed")
        except Exception as error:
            failure = error if isinstance(error, CloudError) else translate(error)
            if failure is None:
                raise
            if not isinstance(failure, PreconditionFailedError):
                # Perhaps it is done: should the next attempt find no lock, it was. A session is lost
                # with its link, so there that would prove nothing; nor does what was refused.
                if not in_session and not failure.unprocessed:
                    client.known.complete(message.lease)
            elif client.known.is_complete(message.lease):
                return CloudResult.success(message)
            failure.__cause__ = error
            return CloudResult.failure(failure)
        return CloudResult.success(message)

    async def _nack(self, op: Nack) -> None:
        await self._clients.run("service_bus", self._settle, op.source, op.message, "abandoned")

    async def _dead_letter(self, op: DeadLetter) -> None:
        # What is a dead letter already stays one.
        status = "abandoned" if op.source.dead_letters else "suspended"
        await self._clients.run(
            "service_bus", self._settle, op.source, op.message, status, op.reason[:MAX_REASON]
        )

    async def _extend(self, op: Extend) -> Message:
        return await self._clients.run("service_bus", self._renew, op.source, op.message)

    def _renew(self, client: ServiceBus, source: Source, message: Message) -> Message:
        path = self._place(source)
        held = client.sessions.find(message.lease)
        if held is not None:
            until = client.sessions.renew(held)
        else:
            body = {"lock-tokens": array([_token(message)])}
            with client.pool.connection(Requests, path) as connection:
                answer = connection.request(path, lambda link: link.ask("renew-lock", body))
            until = answer[b"expirations"][0] / 1000
        renewed = evolve(message, leased_until=datetime.fromtimestamp(until, UTC))
        client.known.lease(path, renewed)
        return renewed

    def _settle(
        self, client: ServiceBus, source: Source, message: Message, status: str, reason: str = ""
    ) -> None:
        held = client.sessions.find(message.lease)
        if held is None:
            self._settle_all(client, source, [message], status, reason)
            return
        outcome, details = _outcome(status, reason)
        client.sessions.settle(held, message.lease, outcome, **details)
        self._settled(client, source, [message], status)

    def _settle_all(
        self,
        client: ServiceBus,
        source: Source,
        messages: Sequence[Message],
        status: str,
        reason: str = "",
    ) -> None:
        body: dict[str, Any] = {
            "disposition-status": status,
            "lock-tokens": array([_token(message) for message in messages]),
        }
        if status == "suspended":
            body |= {"deadletter-reason": reason, "deadletter-description": ""}
        path = self._place(source)
        with client.pool.connection(Requests, path) as connection:
            connection.request(path, lambda link: link.ask("update-disposition", body))
        self._settled(client, source, messages, status)

    def _settled(
        self, client: ServiceBus, source: Source, messages: Sequence[Message], status: str
    ) -> None:
        for message in messages:
            client.known.settle(self._place(source), message)
            if status == "completed":
                client.known.complete(message.lease)

    def _place(self, source: Source) -> str:
        return self._path(source) + (DEAD_LETTERS if source.dead_letters else "")


def take(
    client: ServiceBus, path: str, count: int, wait: float, unwanted: threading.Event
) -> list[Delivery]:
    """Receive messages that are in no session.

    Args:
        client: The client.
        path: The entity.
        count: At most so many.
        wait: Seconds to wait for the first.
        unwanted: Set when nobody waits any more.
    """

    def receive(link: ReceiveLink) -> list[Delivery]:
        deliveries = link.take(count, wait, lambda: is_over(client, unwanted))
        if is_over(client, unwanted):
            link.release(deliveries)
            return []
        return deliveries

    with client.pool.connection(ReceiveLink, path) as connection:
        found: list[Delivery] = connection.receive(path, receive)
        return found


def is_over(client: ServiceBus, unwanted: threading.Event) -> bool:
    """Whether what comes in now would be leased for nobody."""
    return unwanted.is_set() or client.pool.closed


def is_not_allowed(error: Exception) -> bool:
    """Whether the service says that an entity is not made for this."""
    return _condition(error) == b"amqp:not-allowed"


def _condition(error: Exception) -> bytes:
    condition = getattr(error, "condition", b"")
    value = getattr(condition, "value", condition)
    return value if isinstance(value, bytes) else str(value).encode()


def _outcome(status: str, reason: str) -> tuple[str, Mapping[str, Any]]:
    """An outcome on a link, for what a request calls otherwise."""
    from azure.servicebus._pyamqp.error import AMQPError

    if status == "completed":
        return "accepted", {}
    if status == "abandoned":
        return "modified", {"delivery_failed": True, "undeliverable_here": False}
    info = {"DeadLetterReason": reason, "DeadLetterErrorDescription": ""}
    return "rejected", {
        "error": AMQPError(condition=DEAD_LETTER_CONDITION, description="", info=info)
    }


def _token(message: Message) -> uuid.UUID:
    try:
        return uuid.UUID(message.lease)
    except ValueError:
        raise PreconditionFailedError("the message was not received from Service Bus") from None
