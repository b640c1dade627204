"""PubSub on Event Grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from attrs import evolve
from cloudkit.api.messaging import (
    Ack,
    DeadLetter,
    Extend,
    Message,
    Nack,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
    Source,
)
from cloudkit.api.paging import Page
from cloudkit.api.pubsub import PubSub, SubscriptionInfo, TopicInfo
from cloudkit.api.pubsub.operations import (
    CreateSubscription,
    CreateTopic,
    DeleteSubscription,
    DeleteTopic,
    DescribeSubscription,
    DescribeTopic,
    ListSubscriptions,
    ListTopics,
    Publish,
    PublishMessages,
)
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.errors import status_of
from cloudkit.azure.event_grid.client import EventGridClient
from cloudkit.azure.event_grid.events import decode
from cloudkit.azure.event_grid.inbox import Order
from cloudkit.azure.event_grid.locks import RecentTokens, lock_error
from cloudkit.azure.event_grid.publishing import publish, publish_all
from cloudkit.azure.event_grid.resources import Resources
from cloudkit.common import (
    CloudError,
    CloudResult,
    ConflictError,
    NotFoundError,
    PubSubCapabilities,
    UnsupportedOperationError,
    utc_now,
)
from cloudkit.core.pages import page_of
from cloudkit.core.urls import is_loopback
from cloudkit.spi import OperationRunner

PAGE_SIZE = 100
DELAYS = (0, 10, 60, 600, 3600)
"""Seconds after which a message can come back that is given back."""


class EventGridPubSub(PubSub):
    """Topics of a namespace, whose subscriptions are received from; or one basic topic.

    Topics and subscriptions are resources: creating, listing and deleting them asks the resource
    manager, with a token. Publishing and receiving asks the namespace.

    A receive waits at the service for ten seconds at least. When it returns earlier, or is cancelled,
    what comes then serves the next receive, or is given back after a second.

    A delay of ``nack`` is rounded up to 10, 60, 600 or 3,600 seconds: the service has no other.
    ``extend`` prolongs a lease by the length that the subscription was created with, whatever is asked
    for; the message that it returns says when it ends.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Makes the calls.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: PubSubCapabilities, clients: AzureClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._resources = Resources(clients)
        self._acknowledged = RecentTokens()  # to do it twice is fine
        self._unanswered = RecentTokens()

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        self._require_namespace("create_topic")
        return await self._resources.create_topic(op.topic)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        self._require_namespace("delete_topic")
        await self._resources.delete(op.topic)

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        self._require_namespace("describe_topic")
        return await self._resources.describe_topic(op.topic)

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        self._require_namespace("list_topics")
        # The service lists in no order that it documents, so all are fetched.
        infos = [TopicInfo(name=name) for name in await self._resources.topics()]
        return page_of(infos, op, PAGE_SIZE)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        return await self._resources.create_subscription(op)

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        await self._resources.delete(op.topic, op.subscription)

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        return await self._resources.describe_subscription(op.topic, op.subscription)

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        return page_of(await self._resources.subscriptions(op.topic), op, PAGE_SIZE)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        self._check_basic_topic(op.topic)
        return await self._clients.run("event_grid", publish, op.topic, op.message)

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        self._check_basic_topic(op.topic)
        return await self._clients.run("event_grid", publish_all, op.topic, op.messages)

    # Receiving

    async def _receive(self, op: Receive) -> Sequence[Message]:
        settings = await self._resources.settings(op.source)
        order = Order(op.max_messages, op.wait)
        try:
            await self._clients.run("event_grid", _take, op.source, order)
        except BaseException:
            order.withdraw()
            raise
        return [decode(received, op.source, settings.least_lock) for received in order.taken]

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        raise UnsupportedOperationError(
            "Event Grid writes dead letters to a container", capability="pubsub.list_dead_letters"
        )

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        tokens = [message.lease for message in op.messages]
        failed = await self._settle(op.source, "acknowledge", tokens)
        results: list[CloudResult[Message]] = []
        for message in op.messages:
            error = failed.get(message.lease)
            if error is None:
                self._acknowledged.add(message.lease)
            if error is None or message.lease in self._acknowledged:
                results.append(CloudResult.success(message))
            else:
                results.append(CloudResult.failure(error))
        return results

    async def _nack(self, op: Nack) -> None:
        delay = next(seconds for seconds in DELAYS if seconds >= min(op.delay, DELAYS[-1]))
        await self._settle_one(op.message, "release", {"releaseDelayInSeconds": str(delay)})

    async def _extend(self, op: Extend) -> Message:
        settings = await self._resources.settings(op.source)
        await self._settle_one(op.message, "renewLock")
        until = utc_now() + timedelta(seconds=settings.least_lock)
        return evolve(op.message, leased_until=until)

    async def _dead_letter(self, op: DeadLetter) -> None:
        settings = await self._resources.settings(op.source)
        if not settings.sets_aside:
            raise ConflictError(
                f"{op.source} has no container for dead letters, so Event Grid would drop the message",
                hint="Create the subscription with the option 'event_grid_dead_letters' given.",
            )
        await self._settle_one(op.message, "reject")

    async def _settle_one(
        self, message: Message, action: str, query: Mapping[str, str] | None = None
    ) -> None:
        failed = await self._settle(message.source, action, [message.lease], query)
        for error in failed.values():
            raise error

    async def _settle(
        self,
        source: Source,
        action: str,
        tokens: Sequence[str],
        query: Mapping[str, str] | None = None,
    ) -> dict[str, CloudError]:
        if action == "renewLock":  # ends no lock
            return await self._clients.run("event_grid", _settle, source, action, tokens, query)
        # Of what was sent before, and not answered, nobody knows whether it was carried out. Then the
        # lock has ended, and that is no failure. After another action it is: an event that was given
        # back is not acknowledged.
        asked = {token: f"{action} {token}" for token in tokens}
        doubtful = {token for token, key in asked.items() if key in self._unanswered}
        self._unanswered.add(*asked.values())
        try:
            failed = await self._clients.run("event_grid", _settle, source, action, tokens, query)
        except Exception as error:
            if (status_of(error) or 500) < 500:  # it was refused
                self._unanswered.discard(*asked.values())
            raise
        self._unanswered.discard(*asked.values())
        return {token: error for token, error in failed.items() if token not in doubtful}

    # Basic topics

    def _require_namespace(self, what: str) -> None:
        if self._clients.config.event_grid_is_basic:
            raise UnsupportedOperationError(
                f"{what} is not supported for a basic topic",
                capability="pubsub.subscriptions",
                hint=self.capabilities.reasons.get("subscriptions"),
            )

    def _check_basic_topic(self, topic: str) -> None:
        """A basic topic has an endpoint of its own, with its name in the host's."""
        config = self._clients.config
        url = config.event_grid_endpoint
        if not config.event_grid_is_basic or url is None or is_loopback(url):
            return
        if topic != (name := (urlsplit(url).hostname or "").partition(".")[0]):
            raise NotFoundError(f"the endpoint is that of the topic {name!r}")


def _take(client: EventGridClient, source: Source, order: Order) -> None:
    client.inbox(str(source.topic), source.name).take(order)


def _settle(
    client: EventGridClient,
    source: Source,
    action: str,
    tokens: Sequence[str],
    query: Mapping[str, str] | None,
) -> dict[str, CloudError]:
    failed = client.settle(str(source.topic), source.name, action, tokens, query)
    return {token: lock_error(reason) for token, reason in failed.items()}
