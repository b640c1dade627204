"""MessageQueue on Pub/Sub: a queue is a topic with one subscription."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
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
    utc_now,
)
from cloudkit.core.pages import page_of
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.pubsub.leases import PubSubLeases
from cloudkit.gcp.pubsub.messages import DUE, Encoded, encode_message
from cloudkit.gcp.pubsub.names import dead_id, delayed_id, last_part, queue_id, read_queue
from cloudkit.gcp.pubsub.publishing import publish_batch
from cloudkit.gcp.pubsub.subscriptions import (
    Directory,
    Plan,
    Settings,
    create_place,
    create_subscription,
    create_topic,
    delete_place,
    delete_subscription,
    delete_topic,
    is_missing,
    read_settings,
)
from cloudkit.gcp.queue.moving import Delays, redrive
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

PAGE_SIZE = 1000
MIN_RETENTION = 600


class PubSubMessageQueue(PubSubLeases[QueueCapabilities], MessageQueue):
    """Queues made of one topic and one subscription of Pub/Sub.

    Beside them are a place for messages that come later and, with a dead-letter policy, one for
    dead letters; all are made and removed together. Leases and delays are in whole seconds.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Google's clients.
        directory: What is known of subscriptions.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: QueueCapabilities,
        clients: GcpClients,
        directory: Directory,
    ) -> None:
        super().__init__(runner, capabilities, clients, directory)
        self._delays = Delays()

    def _find(self, client: PubSubClient, source: Source) -> Settings:
        return self._directory.settings(client, queue_id(source.name))

    def _has_dead_letters(self, settings: Settings) -> bool:
        return settings.dead_letter is not None

    def _meanwhile(self, client: PubSubClient, source: Source) -> Callable[[], None]:
        return partial(self._delays.look, client, queue_id(source.name))

    # Queues

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        if op.retention is not None and op.retention < MIN_RETENTION:
            raise ValidationError(f"Pub/Sub keeps messages {MIN_RETENTION} s or longer")
        return await self._clients.run("pubsub", self._create, op)

    def _create(self, client: PubSubClient, op: CreateQueue) -> QueueInfo:
        name = queue_id(op.queue)
        # Where nobody wants dead letters, what was received a hundred times is treated as if it had
        # been delayed: it comes back, and is counted anew.
        place = delayed_id(name) if op.dead_letter is None else dead_id(name)
        plan = Plan(
            name=name,
            topic=name,
            visibility=op.visibility,
            ordered=op.fifo,
            dead_letter=op.dead_letter,
            dead_topic=place,
            retention=op.retention,
        )
        create_topic(client, name, ordering=op.fifo)
        try:
            for needed in {place, delayed_id(name)}:
                create_place(client, needed)
            create_subscription(client, plan)
        except Exception:
            self._remove(client, name)
            raise
        return _info(self._directory.settings(client, name, fresh=True))

    async def _delete_queue(self, op: DeleteQueue) -> None:
        def delete(client: PubSubClient) -> None:
            missing = self._remove(client, queue_id(op.queue))
            if missing is not None:
                raise missing

        await self._clients.run("pubsub", delete)

    def _remove(self, client: PubSubClient, name: str) -> Exception | None:
        """Remove a queue, or what there is of one; gives the service's answer when there is nothing."""
        missing: Exception | None = None
        found = False
        for place in (dead_id(name), delayed_id(name)):
            delete_place(client, place)
            self._directory.forget(place)
        # The subscription last, so that a removal that fails in between can be made again.
        for delete in (delete_topic, delete_subscription):
            try:
                delete(client, name)
                found = True
            except Exception as error:
                if not is_missing(error):
                    raise
                missing = error
        self._directory.forget(name)
        self._delays.forget(name)
        return None if found else missing

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        def describe(client: PubSubClient) -> QueueInfo:
            return _info(self._directory.settings(client, queue_id(op.queue), fresh=True))

        return await self._clients.run("pubsub", describe)

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        # The service lists in no order that it documents, so all of it is fetched.
        def find(client: PubSubClient) -> dict[str, QueueInfo]:
            request = {"project": client.project, "page_size": PAGE_SIZE}
            asked = time.monotonic()
            infos: dict[str, QueueInfo] = {}
            for found in client.subscriber.list_subscriptions(request=request, **client.options):
                queue = read_queue(last_part(found.name))
                if queue is not None and queue.startswith(op.prefix):
                    infos[queue] = _info(read_settings(found, asked))
            return infos

        infos = await self._clients.run("pubsub", find)
        return page_of(infos.values(), op, PAGE_SIZE)

    # Sending

    async def _send(self, op: SendMessage) -> SentMessage:
        def send(client: PubSubClient) -> SentMessage:
            topic, message = self._encoded(client, op.queue, op.message)
            return SentMessage(id=client.publish(topic, [message])[0])

        return await self._clients.run("pubsub", send)

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        def send(client: PubSubClient) -> list[CloudResult[SentMessage]]:
            return publish_batch(
                client, op.messages, lambda message: self._encoded(client, op.queue, message)
            )

        return await self._clients.run("pubsub", send)

    def _encoded(
        self, client: PubSubClient, queue: str, message: OutgoingMessage
    ) -> tuple[str, Encoded]:
        """The topic that a message goes to, and the message in the service's form."""
        name = queue_id(queue)
        if message.group is not None or message.delay:
            fifo = self._directory.settings(client, name).ordered
            if message.group is not None and not fifo:
                raise ValidationError(
                    f"group is for fifo queues, and {queue!r} is none",
                    hint="Make it with create_queue(..., fifo=True).",
                )
            if message.delay and fifo:
                raise UnsupportedOperationError(
                    "a message to a fifo queue cannot have a delay: it would lose its place",
                    capability="queue.delay",
                )
        if not message.delay:
            return name, encode_message(message)
        due = int((utc_now().timestamp() + message.delay) * 1000)
        return delayed_id(name), encode_message(message, {DUE: str(due)})

    # The rest

    async def _purge(self, op: PurgeQueue) -> None:
        def purge(client: PubSubClient) -> None:
            name = queue_id(op.queue)
            now = utc_now()
            for subscription in (delayed_id(name), name):
                request = {"subscription": client.subscription(subscription), "time": now}
                client.subscriber.seek(request=request, **client.options)

        await self._clients.run("pubsub", purge)

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        raise UnsupportedOperationError(
            "Pub/Sub does not count messages",
            capability="queue.stats",
            hint=self.capabilities.reasons["stats"],
        )

    async def _redrive(self, op: Redrive) -> int:
        def send_back(client: PubSubClient) -> int:
            name = queue_id(op.queue)
            settings = self._directory.settings(client, name, fresh=True)
            if not self._has_dead_letters(settings):
                return 0
            return redrive(client, dead_id(name), name, op.max_messages)

        return await self._clients.run("pubsub", send_back)


def _info(settings: Settings) -> QueueInfo:
    return QueueInfo(
        name=read_queue(settings.name) or settings.name,
        fifo=settings.ordered,
        visibility=settings.visibility,
        retention=settings.retention,
        dead_letter=settings.dead_letter,
    )
