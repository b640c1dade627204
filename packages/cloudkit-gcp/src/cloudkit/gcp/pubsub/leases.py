"""Leases of Pub/Sub: what topics and queues share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

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
from cloudkit.common import CloudResult, MessagingCapabilities, utc_now
from cloudkit.core.leases import check_lease, lateness, leased_until, no_dead_letters
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.pubsub.messages import REASON, decode, encode, short_reason
from cloudkit.gcp.pubsub.names import dead_id
from cloudkit.gcp.pubsub.pulling import Pulling
from cloudkit.gcp.pubsub.subscriptions import Directory, Settings
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

CapabilitiesT = TypeVar("CapabilitiesT", bound=MessagingCapabilities)


class PubSubLeases(Leases[CapabilitiesT], ABC):
    """Receives from a subscription of Pub/Sub, and settles.

    The service takes a late acknowledgement for what it is or not at all, and does not tell. So a lease that has
    ended by this machine's clock is not sent: it is a PreconditionFailedError at once.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Google's clients.
        directory: What is known of subscriptions.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: CapabilitiesT,
        clients: GcpClients,
        directory: Directory,
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._directory = directory

    @abstractmethod
    def _find(self, client: PubSubClient, source: Source) -> Settings:
        """The subscription behind a source; asks when it is not known."""

    @abstractmethod
    def _has_dead_letters(self, settings: Settings) -> bool:
        """Whether there is a place for the dead letters of a subscription.

        Raises:
            ConflictError: There is one, of somebody else's.
        """

    def _meanwhile(self, client: PubSubClient, source: Source) -> Callable[[], None] | None:
        """What is done before a pull, and each second while it waits."""
        return None

    async def _receive(self, op: Receive) -> Sequence[Message]:
        pulling = Pulling()
        return await self._clients.run_or_undo(
            "pubsub",
            lambda client: self._receive_from(client, op, pulling),
            lambda client, messages: self._give_back(client, op.source, messages),
            stop=pulling.cancel,
        )

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return await self._receive(op)

    def _receive_from(self, client: PubSubClient, op: Receive, pulling: Pulling) -> list[Message]:
        settings = self._find(client, op.source)
        tick = None
        if op.source.dead_letters:
            if not self._has_dead_letters(settings):
                return []
            settings = self._directory.settings(client, dead_id(settings.name))
        else:
            tick = self._meanwhile(client, op.source)
        if tick is not None:
            tick()
        name = settings.name
        lease = math.ceil(settings.visibility if op.visibility is None else op.visibility)
        began = utc_now()
        received = client.pull(name, op.max_messages, op.wait, pulling=pulling, tick=tick)
        until = leased_until(began, settings.deadline)
        leases = [message.ack_id for message in received]
        if leases and lease != settings.deadline and not pulling.unwanted:
            until = utc_now() + timedelta(seconds=lease)
            client.modify(name, leases, lease)
        return [decode(message, op.source, until) for message in received]

    def _give_back(self, client: PubSubClient, source: Source, messages: Sequence[Message]) -> None:
        """Let others have what came for somebody who was cancelled while the request was under way."""
        if messages:
            client.modify(self._place(client, source), [message.lease for message in messages], 0)

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        late = {i: error for i, m in enumerate(op.messages) if (error := lateness(m)) is not None}
        in_time = [m.lease for i, m in enumerate(op.messages) if i not in late]
        if in_time:
            await self._clients.run("pubsub", self._acknowledge, op.source, in_time)
        return [
            CloudResult.failure(late[i]) if i in late else CloudResult.success(message)
            for i, message in enumerate(op.messages)
        ]

    def _acknowledge(self, client: PubSubClient, source: Source, leases: Sequence[str]) -> None:
        client.acknowledge(self._place(client, source), leases)

    async def _nack(self, op: Nack) -> None:
        check_lease(op.message)
        await self._clients.run("pubsub", self._modify, op.source, op.message, op.delay)

    async def _extend(self, op: Extend) -> Message:
        check_lease(op.message)
        began = utc_now()
        await self._clients.run("pubsub", self._modify, op.source, op.message, op.visibility)
        return evolve(op.message, leased_until=began + timedelta(seconds=math.ceil(op.visibility)))

    def _modify(
        self, client: PubSubClient, source: Source, message: Message, length: float
    ) -> None:
        client.modify(self._place(client, source), [message.lease], math.ceil(length))

    async def _dead_letter(self, op: DeadLetter) -> None:
        check_lease(op.message)
        if op.source.dead_letters:
            await self._clients.run("pubsub", self._modify, op.source, op.message, 0.0)
        else:
            await self._clients.run("pubsub", self._set_aside, op)

    def _set_aside(self, client: PubSubClient, op: DeadLetter) -> None:
        """Copy, then remove: what fails in between leaves the message twice, and never nowhere."""
        settings = self._find(client, op.source)
        if not self._has_dead_letters(settings):
            raise no_dead_letters(op.source)
        message = op.message
        reason = {REASON: short_reason(op.reason)} if op.reason else {}
        copy = encode(message.body, message.attributes, message.group, reason)
        client.publish(dead_id(settings.name), [copy])
        client.acknowledge(settings.name, [message.lease])

    def _place(self, client: PubSubClient, source: Source) -> str:
        name = self._find(client, source).name
        return dead_id(name) if source.dead_letters else name
