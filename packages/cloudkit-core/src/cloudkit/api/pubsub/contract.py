"""PubSub: news for whoever subscribed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudkit.api.json import to_json
from cloudkit.api.messaging import (
    ConsumeOptions,
    Consumer,
    DeadLetterPolicy,
    Handler,
    Message,
    MessageBody,
    OutgoingMessage,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
    Source,
)
from cloudkit.api.messaging.operations import check_message
from cloudkit.api.paging import Pager
from cloudkit.api.pubsub.hooks import PubSubHooks
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
from cloudkit.api.validation import several
from cloudkit.common import CloudResult, Duration, NotFoundError, seconds

DEFAULT_VISIBILITY = 30.0
"""Seconds of a subscription's leases, where nothing is said about them."""


class PubSub(PubSubHooks):
    """Messages to a topic, of which every subscription gets its own copy, at least once.

    Consumers of one subscription share its messages, as those of a queue do: what is received is
    leased, ``ack`` removes it, and without one it comes back when the lease ends.

    Every method may raise NotFoundError for a missing topic or subscription, AuthenticationError,
    PermissionDeniedError, NetworkError, OperationTimeoutError, RateLimitedError and
    ServiceUnavailableError besides those it lists; arguments that cannot be sent raise
    ValidationError before anything is sent. A publish that is cancelled may still arrive.
    """

    # Topics

    async def create_topic(self, topic: str, *, ordering: bool = False) -> TopicInfo:
        """Create a topic.

        Args:
            topic: Its name.
            ordering: Whether messages with an ordering key keep their order.

        Raises:
            AlreadyExistsError: There is a topic of this name.
        """
        return await self._run(CreateTopic(topic=topic, ordering=ordering), self._create_topic)

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic with its subscriptions.

        Raises:
            NotFoundError: There is none.
        """
        await self._run(DeleteTopic(topic=topic), self._delete_topic)

    async def describe_topic(self, topic: str) -> TopicInfo:
        """A topic's settings.

        Raises:
            NotFoundError: There is none.
        """
        return await self._run(DescribeTopic(topic=topic), self._describe_topic)

    async def topic_exists(self, topic: str) -> bool:
        """Whether a topic exists."""
        try:
            await self.describe_topic(topic)
        except NotFoundError:
            return False
        return True

    def list_topics(
        self, *, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[TopicInfo]:
        """The topics, by name.

        Args:
            page_size: Most topics fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListTopics(page_size=page_size, page_token=token),
            self._list_topics,
            token=page_token,
        )

    # Subscriptions

    async def create_subscription(
        self,
        topic: str,
        subscription: str,
        *,
        filter: Mapping[str, str | Sequence[str]] | None = None,  # noqa: A002  (the word for it)
        visibility: Duration | None = None,
        dead_letter: DeadLetterPolicy | None = None,
        push_endpoint: str | None = None,
    ) -> SubscriptionInfo:
        """Subscribe to what is published from now on.

        Args:
            topic: The topic.
            subscription: Name of the subscription.
            filter: Attribute → value, or values, that let a message through; all of the attributes
                must.
            visibility: Length of a lease, in seconds or as a timedelta; None for 30 seconds, or the
                shortest that the provider has where that is longer.
            dead_letter: When messages are set aside; None for never.
            push_endpoint: URL that messages are posted to, instead of being received.

        Raises:
            AlreadyExistsError: The topic has a subscription of this name.
        """
        if visibility is None:
            visibility = max(DEFAULT_VISIBILITY, self.capabilities.min_visibility_seconds)
        operation = CreateSubscription(
            topic=topic,
            subscription=subscription,
            filter=filter,
            visibility=seconds(visibility, "visibility"),
            dead_letter=dead_letter,
            push_endpoint=push_endpoint,
        )
        return await self._run(operation, self._create_subscription)

    async def delete_subscription(self, topic: str, subscription: str) -> None:
        """Unsubscribe; messages not handled yet are dropped.

        Raises:
            NotFoundError: There is no such subscription.
        """
        operation = DeleteSubscription(topic=topic, subscription=subscription)
        await self._run(operation, self._delete_subscription)

    async def describe_subscription(self, topic: str, subscription: str) -> SubscriptionInfo:
        """A subscription's settings.

        Raises:
            NotFoundError: There is none.
        """
        operation = DescribeSubscription(topic=topic, subscription=subscription)
        return await self._run(operation, self._describe_subscription)

    async def subscription_exists(self, topic: str, subscription: str) -> bool:
        """Whether a subscription exists."""
        try:
            await self.describe_subscription(topic, subscription)
        except NotFoundError:
            return False
        return True

    def list_subscriptions(
        self, topic: str, *, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[SubscriptionInfo]:
        """A topic's subscriptions, by name.

        Args:
            topic: The topic.
            page_size: Most subscriptions fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListSubscriptions(topic=topic, page_size=page_size, page_token=token),
            self._list_subscriptions,
            token=page_token,
        )

    # Publishing

    async def publish(
        self,
        topic: str,
        body: MessageBody,
        *,
        attributes: Mapping[str, str] | None = None,
        ordering_key: str | None = None,
    ) -> SentMessage:
        """Publish a message. Without subscriptions it is dropped.

        Args:
            topic: The topic.
            body: Bytes; a text is encoded as UTF-8.
            attributes: Names and texts that travel beside it; filters look at them.
            ordering_key: Messages of one key keep their order; ordered topics only.

        Raises:
            PayloadTooLargeError: Body and attributes are larger than the service takes.
        """
        message = OutgoingMessage(body=body, attributes=attributes, group=ordering_key)
        return await self._run(Publish(topic=topic, message=message), self._publish)

    async def publish_json(
        self,
        topic: str,
        value: Any,
        *,
        attributes: Mapping[str, str] | None = None,
        ordering_key: str | None = None,
    ) -> SentMessage:
        """Publish a value as JSON; otherwise as ``publish``.

        Raises:
            SerializationError: JSON cannot say the value.
            CloudError: As for ``publish``.
        """
        body = to_json(value)
        return await self.publish(topic, body, attributes=attributes, ordering_key=ordering_key)

    async def publish_batch(
        self, topic: str, messages: Iterable[OutgoingMessage | MessageBody]
    ) -> list[CloudResult[SentMessage]]:
        """Publish many messages, in order. ``group`` is the ordering key.

        Returns:
            For each message, in order: what became of it, or why it was not published.
        """
        return await self._run_batch(
            [OutgoingMessage.of(message) for message in several(messages, "messages")],
            self.capabilities.send_batch,
            lambda some: PublishMessages(topic=topic, messages=tuple(some)),
            self._publish_batch,
            validate=lambda message: check_message(message, self.capabilities),
            weigh=lambda message: message.size,
            max_weight=self.capabilities.max_message_bytes,
        )

    # Receiving

    async def receive(
        self,
        topic: str,
        subscription: str,
        *,
        max_messages: int = 1,
        wait: Duration = 0,
        visibility: Duration | None = None,
    ) -> list[Message]:
        """Lease some messages of a subscription.

        Args:
            topic: The topic.
            subscription: The subscription.
            max_messages: At most so many.
            wait: How long to wait for the first, in seconds or as a timedelta; returns as soon as
                there is one.
            visibility: Length of the leases; that of the subscription when None.

        Returns:
            The messages; none when there are none in time.
        """
        operation = Receive(
            source=Source("pubsub", subscription, topic),
            max_messages=max_messages,
            wait=seconds(wait, "wait"),
            visibility=None if visibility is None else seconds(visibility, "visibility"),
        )
        return list(await self._run(operation, self._receive))

    async def consume(
        self,
        topic: str,
        subscription: str,
        handler: Handler,
        *,
        concurrency: int = 10,
        visibility: Duration | None = None,
        wait: Duration = 20,
        retry_delay: Duration | None = None,
        drain_timeout: Duration = 10,
        stop_when_empty: bool = False,
    ) -> None:
        """Hand a subscription's messages to a handler as they come, until cancelled.

        It behaves, and its arguments mean, just what they do for ``MessageQueue.consume``.

        Raises:
            CloudError: Receiving failed in a way that another try does not mend.
        """
        options = ConsumeOptions(
            concurrency=concurrency,
            visibility=visibility,
            wait=wait,
            retry_delay=retry_delay,
            drain_timeout=drain_timeout,
            stop_when_empty=stop_when_empty,
        )
        source = Source("pubsub", subscription, topic)
        await Consumer(self, source, handler, options).run()

    async def dead_letters(
        self, topic: str, subscription: str, *, max_messages: int | None = None
    ) -> list[Message]:
        """Lease some of the subscription's messages that were set aside.

        ``ack`` removes one for good, ``nack`` leaves it where it is; so does the end of its lease.
        """
        operation = ReceiveDeadLetters(
            source=Source("pubsub", subscription, topic, dead_letters=True),
            max_messages=self._several() if max_messages is None else max_messages,
        )
        return list(await self._run(operation, self._receive_dead_letters))

    # Names that users of other systems know

    async def subscribe(
        self,
        topic: str,
        subscription: str,
        *,
        filter: Mapping[str, str | Sequence[str]] | None = None,  # noqa: A002  (the word for it)
        visibility: Duration | None = None,
        dead_letter: DeadLetterPolicy | None = None,
        push_endpoint: str | None = None,
    ) -> SubscriptionInfo:
        """The same as ``create_subscription``."""
        return await self.create_subscription(
            topic,
            subscription,
            filter=filter,
            visibility=visibility,
            dead_letter=dead_letter,
            push_endpoint=push_endpoint,
        )

    async def unsubscribe(self, topic: str, subscription: str) -> None:
        """The same as ``delete_subscription``."""
        await self.delete_subscription(topic, subscription)
