"""PubSub on Pub/Sub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
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
from cloudkit.common import (
    CloudResult,
    ConflictError,
    PubSubCapabilities,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.pages import described, page_of
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import code_of
from cloudkit.gcp.pubsub.filters import from_expression, to_expression
from cloudkit.gcp.pubsub.leases import PubSubLeases
from cloudkit.gcp.pubsub.messages import Encoded, encode_message
from cloudkit.gcp.pubsub.names import (
    MAX_SUBSCRIPTION_LENGTH,
    dead_id,
    is_topic,
    last_part,
    read_subscription,
    subscription_id,
)
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
    read_ordering,
)
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

PAGE_SIZE = 1000


class GcpPubSub(PubSubLeases[PubSubCapabilities], PubSub):
    """Topics and subscriptions of Pub/Sub.

    Each subscription has a topic and a subscription beside it for its dead letters, made and removed
    with it: without such a place the service does not count how often a message was received. Where
    no policy is asked for, a message goes there after a hundred receives.

    Subscriptions of other programs can be received from, described and deleted by the service's own
    names of them.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Google's clients.
        directory: What is known of topics and subscriptions.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: PubSubCapabilities,
        clients: GcpClients,
        directory: Directory,
    ) -> None:
        super().__init__(runner, capabilities, clients, directory)
        self._foreign: set[tuple[str, str]] = set()

    def _find(self, client: PubSubClient, source: Source) -> Settings:
        topic, name = str(source.topic), source.name
        if (topic, name) in self._foreign and self._directory.knows(name):
            return self._directory.settings(client, name)
        self._foreign.discard((topic, name))
        try:
            return self._directory.settings(client, subscription_id(topic, name))
        except Exception as error:
            found = self._find_foreign(client, topic, name) if is_missing(error) else None
            if found is None:
                raise
            self._foreign.add((topic, name))
            return found

    def _find_foreign(self, client: PubSubClient, topic: str, name: str) -> Settings | None:
        """A subscription that somebody else has made to a topic; None when there is none."""
        try:
            found = self._directory.settings(client, name)
        except Exception as error:
            if code_of(error) in {"NOT_FOUND", "INVALID_ARGUMENT"}:
                return None  # none of this name, or the service has no such names
            raise
        return found if found.topic == topic else None

    def _has_dead_letters(self, settings: Settings) -> bool:
        if settings.dead_topic in {None, dead_id(settings.name)}:
            return settings.dead_topic is not None
        raise ConflictError(
            f"the dead letters of {settings.name} go to the topic {settings.dead_topic!r}",
            hint="CloudKit did not make that place: subscribe to the topic to receive them.",
        )

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        def create(client: PubSubClient) -> TopicInfo:
            create_topic(client, op.topic, ordering=op.ordering)
            self._directory.forget(op.topic)
            return TopicInfo(name=op.topic, ordering=op.ordering)

        return await self._clients.run("pubsub", create)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        await self._clients.run("pubsub", self._delete_all, op.topic)

    def _delete_all(self, client: PubSubClient, topic: str) -> None:
        for subscription in self._subscription_names(client, topic):
            try:
                self._unsubscribe(client, topic, subscription)
            except Exception as error:
                if not is_missing(error):
                    raise
        delete_topic(client, topic)
        self._directory.forget(topic)

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        def describe(client: PubSubClient) -> TopicInfo:
            self._directory.forget(op.topic)
            return TopicInfo(
                name=op.topic, ordering=bool(self._directory.ordering(client, op.topic))
            )

        return await self._clients.run("pubsub", describe)

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        # The service lists in no order that it documents, so all names are fetched.
        def find(client: PubSubClient) -> list[TopicInfo]:
            request = {"project": client.project, "page_size": PAGE_SIZE}
            found = client.publisher.list_topics(request=request, **client.options)
            named = ((last_part(topic.name), bool(read_ordering(topic))) for topic in found)
            return [TopicInfo(name=name, ordering=order) for name, order in named if is_topic(name)]

        return page_of(await self._clients.run("pubsub", find), op, PAGE_SIZE)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        if len(op.topic) + len(op.subscription) > MAX_SUBSCRIPTION_LENGTH:
            raise ValidationError(
                f"topic and subscription have at most {MAX_SUBSCRIPTION_LENGTH} characters "
                "together: the service's name of the subscription holds both"
            )
        expression = to_expression(op.filter)
        return await self._clients.run("pubsub", self._subscribe, op, expression)

    def _subscribe(
        self, client: PubSubClient, op: CreateSubscription, expression: str
    ) -> SubscriptionInfo:
        self._directory.forget(op.topic)
        ordered = self._directory.ordering(client, op.topic)
        name = subscription_id(op.topic, op.subscription)
        plan = Plan(
            name=name,
            topic=op.topic,
            visibility=op.visibility,
            ordered=bool(ordered),
            dead_letter=op.dead_letter,
            dead_topic=dead_id(name),
            expression=expression,
            push_endpoint=op.push_endpoint,
        )
        self._foreign.discard((op.topic, op.subscription))
        made = create_place(client, dead_id(name))
        try:
            create_subscription(client, plan)
        except Exception:
            if made:
                delete_place(client, dead_id(name))
            raise
        return self._info(client, op.topic, op.subscription)

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        await self._clients.run("pubsub", self._unsubscribe, op.topic, op.subscription)

    def _unsubscribe(self, client: PubSubClient, topic: str, subscription: str) -> None:
        name = subscription_id(topic, subscription)
        # First, so that a removal that fails in between can be made again by the subscription's name.
        delete_place(client, dead_id(name))
        self._directory.forget(dead_id(name))
        self._directory.forget(name)
        self._directory.forget(subscription)
        try:
            delete_subscription(client, name)
        except Exception as error:
            foreign = is_missing(error) and self._find_foreign(client, topic, subscription)
            if not foreign:
                raise
            delete_subscription(client, subscription)
            self._directory.forget(subscription)
        self._foreign.discard((topic, subscription))

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        return await self._clients.run("pubsub", self._info, op.topic, op.subscription)

    def _info(self, client: PubSubClient, topic: str, subscription: str) -> SubscriptionInfo:
        for name in (subscription_id(topic, subscription), subscription):
            self._directory.forget(name)
        settings = self._find(client, Source("pubsub", subscription, topic))
        wanted = from_expression(settings.expression)
        if to_expression(wanted) != settings.expression:
            raise UnsupportedOperationError(
                f"it has a filter that CloudKit did not write: {settings.expression}",
                capability="pubsub.filters",
            )
        return SubscriptionInfo(
            topic=topic,
            name=subscription,
            filter=wanted,
            visibility=settings.visibility,
            dead_letter=settings.dead_letter,
            push_endpoint=settings.push_endpoint,
        )

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        def find(client: PubSubClient) -> list[str]:
            self._directory.forget(op.topic)
            self._directory.ordering(client, op.topic)  # raises when there is no such topic
            return self._subscription_names(client, op.topic)

        names = page_of(await self._clients.run("pubsub", find), op, PAGE_SIZE, name=str)
        return await described(
            names, lambda name: self._clients.run("pubsub", self._info_if_there, op.topic, name)
        )

    def _info_if_there(
        self, client: PubSubClient, topic: str, subscription: str
    ) -> SubscriptionInfo | None:
        try:
            return self._info(client, topic, subscription)
        except Exception as error:
            if is_missing(error):
                return None  # removed meanwhile
            raise

    def _subscription_names(self, client: PubSubClient, topic: str) -> list[str]:
        request = {"topic": client.topic(topic), "page_size": PAGE_SIZE}
        paths = client.publisher.list_topic_subscriptions(request=request, **client.options)
        found = [read_subscription(last_part(path)) for path in paths]
        return sorted(pair[1] for pair in found if pair is not None and pair[0] == topic)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        def publish(client: PubSubClient) -> SentMessage:
            message = self._encoded(client, op.topic, op.message)
            return SentMessage(id=client.publish(op.topic, [message])[0])

        return await self._clients.run("pubsub", publish)

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        def publish(client: PubSubClient) -> list[CloudResult[SentMessage]]:
            return publish_batch(
                client, op.messages, lambda m: (op.topic, self._encoded(client, op.topic, m))
            )

        return await self._clients.run("pubsub", publish)

    def _encoded(self, client: PubSubClient, topic: str, message: OutgoingMessage) -> Encoded:
        if message.group is not None and self._directory.ordering(client, topic) is False:
            raise ValidationError(
                f"the topic {topic!r} keeps no order, so it takes no ordering key",
                hint="Make it with create_topic(..., ordering=True).",
            )
        return encode_message(message)
