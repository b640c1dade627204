"""PubSub on topics of Service Bus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cloudkit.api.messaging import SentMessage, Source
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
from cloudkit.azure.service_bus.client import ServiceBus
from cloudkit.azure.service_bus.filters import DEFAULT_RULE, RULE, from_rules, to_sql
from cloudkit.azure.service_bus.leases import ServiceBusLeases
from cloudkit.azure.service_bus.queue import (
    PAGE_SIZE,
    delivery_count,
    policy_of,
    seconds_of,
    taken,
)
from cloudkit.azure.service_bus.sending import Sending
from cloudkit.azure.service_bus.sweeping import purge
from cloudkit.common import CloudResult, PubSubCapabilities
from cloudkit.core.pages import page_of

if TYPE_CHECKING:
    from azure.servicebus.management import SubscriptionProperties, TopicProperties

ORDERED = "cloudkit:ordered"
"""Metadata of topics whose subscriptions have sessions."""


class ServiceBusPubSub(ServiceBusLeases[PubSubCapabilities], PubSub):
    """Topics of Service Bus, and their subscriptions.

    The subscriptions of a topic that keeps order have sessions, one for each ordering key.
    """

    def _path(self, source: Source) -> str:
        return path_of(str(source.topic), source.name)

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        def create(client: ServiceBus) -> TopicInfo:
            options: dict[str, Any] = {"user_metadata": ORDERED} if op.ordering else {}
            try:
                made = client.administration.create_topic(op.topic, **options)
            except Exception as error:
                raise taken(error, f"there is a topic or queue {op.topic!r}") from error
            return _topic(made)

        return await self._clients.run("service_bus", create)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        await self._clients.run(
            "service_bus", lambda client: client.administration.delete_topic(op.topic)
        )

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        return await self._clients.run(
            "service_bus", lambda client: _topic(client.administration.get_topic(op.topic))
        )

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        def look(client: ServiceBus) -> list[TopicInfo]:
            return [_topic(topic) for topic in client.administration.list_topics()]

        found = await self._clients.run("service_bus", look)
        return page_of(found, op, PAGE_SIZE)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        return await self._clients.run("service_bus", self._subscribe, op)

    def _subscribe(self, client: ServiceBus, op: CreateSubscription) -> SubscriptionInfo:
        expression = to_sql(op.filter) if op.filter else None
        ordered = _topic(client.administration.get_topic(op.topic)).ordering
        try:
            made = client.administration.create_subscription(
                op.topic,
                op.subscription,
                lock_duration=timedelta(seconds=op.visibility),
                max_delivery_count=delivery_count(op.dead_letter),
                requires_session=ordered,
            )
        except Exception as error:
            message = f"{op.topic!r} has a subscription {op.subscription!r}"
            raise taken(error, message) from error
        path = path_of(op.topic, op.subscription)
        client.known.forget(path)
        client.known.sessions[path] = ordered
        if expression is None:
            return _subscription(op.topic, made, [])
        try:
            self._filter(client, op, expression)
        except BaseException:
            client.administration.delete_subscription(op.topic, op.subscription)
            raise
        return _described(client, op.topic, op.subscription)

    def _filter(self, client: ServiceBus, op: CreateSubscription, expression: str) -> None:
        from azure.servicebus.management import SqlRuleFilter

        place = (op.topic, op.subscription)
        client.administration.create_rule(*place, RULE, filter=SqlRuleFilter(expression))
        client.administration.delete_rule(*place, DEFAULT_RULE)
        # What was published before came through the rule that every new subscription has.
        purge(client, path_of(*place))

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        def delete(client: ServiceBus) -> None:
            client.administration.delete_subscription(op.topic, op.subscription)
            client.known.forget(path_of(op.topic, op.subscription))

        await self._clients.run("service_bus", delete)

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        return await self._clients.run("service_bus", _described, op.topic, op.subscription)

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        def look(client: ServiceBus) -> Page[SubscriptionInfo]:
            found = list(client.administration.list_subscriptions(op.topic))
            page = page_of(found, op, PAGE_SIZE)
            infos = [
                _subscription(op.topic, each, _rules(client, op.topic, each.name))
                for each in page.items
            ]
            return Page(infos, page.next_token)

        return await self._clients.run("service_bus", look)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        return await self._clients.run(
            "service_bus", lambda client: Sending(client, op.topic).one(op.message)
        )

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        return await self._clients.run(
            "service_bus", lambda client: Sending(client, op.topic).many(op.messages)
        )


def path_of(topic: str, subscription: str) -> str:
    """The service's path of a subscription.

    Args:
        topic: Its topic.
        subscription: Its name.
    """
    return f"{topic}/Subscriptions/{subscription}"


def _described(client: ServiceBus, topic: str, name: str) -> SubscriptionInfo:
    found = client.administration.get_subscription(topic, name)
    return _subscription(topic, found, _rules(client, topic, name))


def _rules(client: ServiceBus, topic: str, name: str) -> list[Any]:
    return list(client.administration.list_rules(topic, name))


def _topic(topic: TopicProperties) -> TopicInfo:
    return TopicInfo(name=topic.name, ordering=topic.user_metadata == ORDERED)


def _subscription(topic: str, found: SubscriptionProperties, rules: list[Any]) -> SubscriptionInfo:
    return SubscriptionInfo(
        topic=topic,
        name=found.name,
        filter=from_rules(rules),
        visibility=seconds_of(found.lock_duration),
        dead_letter=policy_of(found.max_delivery_count),
    )
