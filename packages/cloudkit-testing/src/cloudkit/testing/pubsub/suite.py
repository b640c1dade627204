"""Base of the topic behaviours: topics to work in, and what there is to call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.api.pubsub import PubSub
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.channel import Channel, SubscriptionChannel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel
from cloudkit.testing.outcome import require
from cloudkit.testing.pubsub.refusals import REFUSALS

Subscribe: TypeAlias = Callable[..., Awaitable[SubscriptionChannel]]
"""Subscribes to a topic, with options of ``create_subscription``."""


class TopicSuite(MessagingSuite):
    """Base of the topic behaviours."""

    __test__ = False

    contract_name = "pubsub"
    refusals = REFUSALS
    receive_flag = "pubsub.subscriptions"
    idempotent_operation = "describe_topic"
    ambiguous_operation = "publish"

    @pytest.fixture
    def pubsub(self, cloud: Any) -> PubSub:
        """The contract under test."""
        pubsub: PubSub = cloud.pubsub
        return pubsub

    @pytest.fixture
    async def topic(self, pubsub: PubSub, cleanup: Cleanup) -> str:
        """Name of a topic without subscriptions."""
        return await self.new_topic(pubsub, cleanup)

    @pytest.fixture
    def subscribe(self, receivable: None, pubsub: PubSub, cleanup: Cleanup) -> Subscribe:
        """Subscribes to a topic."""

        async def subscribe(topic: str, **options: Any) -> SubscriptionChannel:
            return await self.new_subscription(pubsub, cleanup, topic, **options)

        return subscribe

    @pytest.fixture
    async def ordered(self, cloud: Any, open_channel: OpenChannel) -> Channel:
        """A topic that keeps the order, with a subscription."""
        require(cloud.capabilities, "pubsub.ordering")
        return await open_channel(ordered=True)

    async def new_topic(self, contract: PubSub, cleanup: Cleanup, *, ordering: bool = False) -> str:
        """Create a topic that is deleted at the end of the test.

        Args:
            contract: Where.
            cleanup: What deletes it.
            ordering: Whether it keeps the order.
        """
        topic = self.fresh_name("topic")
        cleanup.later(contract.delete_topic, topic)
        await contract.create_topic(topic, ordering=ordering)
        return topic

    async def new_subscription(
        self, contract: PubSub, cleanup: Cleanup, topic: str, **options: Any
    ) -> SubscriptionChannel:
        """Subscribe to a topic until the end of the test.

        Args:
            contract: Where.
            cleanup: What unsubscribes.
            topic: The topic.
            **options: Of ``create_subscription``.
        """
        name = self.fresh_name("subscription")
        options.setdefault("visibility", self.long_lease(contract.capabilities))
        cleanup.later(contract.delete_subscription, topic, name)
        await contract.create_subscription(topic, name, **options)
        return SubscriptionChannel(contract, topic, name)

    async def new_channel(
        self,
        contract: PubSub,
        cleanup: Cleanup,
        *,
        visibility: float | None = None,
        dead_letter: DeadLetterPolicy | None = None,
        ordered: bool = False,
    ) -> SubscriptionChannel:
        """Create a topic with one subscription; arguments as in the base."""
        topic = await self.new_topic(contract, cleanup, ordering=ordered)
        return await self.new_subscription(
            contract,
            cleanup,
            topic,
            visibility=visibility or self.long_lease(contract.capabilities),
            dead_letter=dead_letter,
        )

    def absent_channel(self, contract: PubSub) -> SubscriptionChannel:
        """A subscription to a topic that does not exist."""
        return SubscriptionChannel(
            contract, self.fresh_name("missing"), self.fresh_name("subscription")
        )

    async def create_resource(self, contract: PubSub) -> str:
        """A topic."""
        topic = self.fresh_name("topic")
        await contract.create_topic(topic)
        return topic

    async def remove_resource(self, contract: PubSub, resource: str) -> None:
        """Delete the topic."""
        await contract.delete_topic(resource)

    async def idempotent_call(self, contract: PubSub, resource: str) -> None:
        """Read the topic's settings."""
        assert (await contract.describe_topic(resource)).name == resource

    async def ambiguous_call(self, contract: PubSub, resource: str) -> None:
        """Publish a message."""
        await contract.publish(resource, b"body")

    async def missing_call(self, contract: PubSub, resource: str) -> None:
        """Publish to a topic that does not exist."""
        await contract.publish(resource, b"body")
