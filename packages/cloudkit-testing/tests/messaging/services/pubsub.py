"""The least that is a PubSub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio.lowlevel
from attrs import define, field
from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
from cloudkit.api.paging import Page
from cloudkit.api.pubsub import PubSub, SubscriptionInfo, TopicInfo
from cloudkit.common import AlreadyExistsError, CloudResult, NotFoundError

from .line import Line
from .queue import MemoryLeases, page_of


@define
class Topic:
    """A topic: what it is, and its subscriptions."""

    info: TopicInfo
    subscriptions: dict[str, SubscriptionInfo] = field(factory=dict)
    lines: dict[str, Line] = field(factory=dict)


class MemoryPubSub(MemoryLeases, PubSub):
    """Topics in a dict."""

    def __init__(self, runner: Any, capabilities: Any) -> None:
        super().__init__(runner, capabilities)
        self.topics: dict[str, Topic] = {}

    def topic(self, name: str) -> Topic:
        if name not in self.topics:
            raise NotFoundError(f"there is no topic {name}", resource=name)
        return self.topics[name]

    def subscription(self, topic: str, name: str) -> SubscriptionInfo:
        if name not in self.topic(topic).subscriptions:
            raise NotFoundError(f"{topic} has no subscription {name}")
        return self.topics[topic].subscriptions[name]

    def line(self, source: Any) -> Line:
        self.subscription(source.topic, source.name)
        return self.topics[source.topic].lines[source.name]

    async def _create_topic(self, op) -> TopicInfo:
        await anyio.lowlevel.checkpoint()
        if op.topic in self.topics:
            raise AlreadyExistsError(f"there is a topic {op.topic}")
        self.topics[op.topic] = Topic(TopicInfo(name=op.topic, ordering=op.ordering))
        return self.topics[op.topic].info

    async def _delete_topic(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.topic(op.topic)
        self.topics.pop(op.topic, None)

    async def _describe_topic(self, op) -> TopicInfo:
        await anyio.lowlevel.checkpoint()
        return self.topic(op.topic).info

    async def _list_topics(self, op) -> Page[TopicInfo]:
        await anyio.lowlevel.checkpoint()
        return page_of({name: topic.info for name, topic in self.topics.items()}, op)

    async def _create_subscription(self, op) -> SubscriptionInfo:
        await anyio.lowlevel.checkpoint()
        topic = self.topic(op.topic)
        if op.subscription in topic.subscriptions:
            raise AlreadyExistsError(f"{op.topic} has a subscription {op.subscription}")
        info = SubscriptionInfo(
            topic=op.topic,
            name=op.subscription,
            filter=op.filter,
            visibility=op.visibility,
            dead_letter=op.dead_letter,
        )
        source = Source("pubsub", op.subscription, op.topic)
        topic.subscriptions[op.subscription] = info
        topic.lines[op.subscription] = self.line_type(
            source, op.visibility, op.dead_letter, topic.info.ordering
        )
        return info

    async def _delete_subscription(self, op) -> None:
        await anyio.lowlevel.checkpoint()
        self.subscription(op.topic, op.subscription)
        del self.topic(op.topic).subscriptions[op.subscription]
        del self.topic(op.topic).lines[op.subscription]

    async def _describe_subscription(self, op) -> SubscriptionInfo:
        await anyio.lowlevel.checkpoint()
        return self.subscription(op.topic, op.subscription)

    async def _list_subscriptions(self, op) -> Page[SubscriptionInfo]:
        await anyio.lowlevel.checkpoint()
        return page_of(self.topic(op.topic).subscriptions, op)

    async def _publish(self, op) -> SentMessage:
        await anyio.lowlevel.checkpoint()
        return SentMessage(id=self.spread(self.topic(op.topic), op.message))

    async def _publish_batch(self, op) -> Sequence[CloudResult[SentMessage]]:
        await anyio.lowlevel.checkpoint()
        topic = self.topic(op.topic)
        return [CloudResult.success(SentMessage(id=self.spread(topic, m))) for m in op.messages]

    def spread(self, topic: Topic, message: OutgoingMessage) -> str:
        for name, info in topic.subscriptions.items():
            if info.admits(message.attributes):
                topic.lines[name].put(message)
        return "published"
