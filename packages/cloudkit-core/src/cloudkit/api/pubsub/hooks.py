"""What a provider implements for PubSub, besides the hooks of ``messaging.Leases``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from cloudkit.api.messaging import Leases, SentMessage
from cloudkit.api.paging import Page
from cloudkit.api.pubsub.models import SubscriptionInfo, TopicInfo
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
from cloudkit.common import CloudResult, PubSubCapabilities


class PubSubHooks(Leases[PubSubCapabilities], ABC):
    """One hook for each operation. A hook makes one attempt and lets native errors through.

    Every hook raises NotFoundError, naming it, when the topic or subscription is missing.
    """

    @abstractmethod
    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        """Create; AlreadyExistsError when there is one."""

    @abstractmethod
    async def _delete_topic(self, op: DeleteTopic) -> None:
        """Delete, with all subscriptions."""

    @abstractmethod
    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        """The settings."""

    @abstractmethod
    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        """One page, by name."""

    @abstractmethod
    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        """Create, and wait until it gets what is published; AlreadyExistsError when there is one."""

    @abstractmethod
    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        """Delete, with its messages and dead letters."""

    @abstractmethod
    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        """The settings."""

    @abstractmethod
    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        """One page, by name."""

    @abstractmethod
    async def _publish(self, op: Publish) -> SentMessage:
        """Publish."""

    @abstractmethod
    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        """At most ``send_batch`` messages; one result each, in order."""
