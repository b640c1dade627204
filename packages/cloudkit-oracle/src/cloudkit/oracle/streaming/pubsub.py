"""PubSub on Streaming."""

from __future__ import annotations

from collections.abc import Sequence

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
from cloudkit.common import (
    AlreadyExistsError,
    CloudResult,
    ConflictError,
    NotFoundError,
    PubSubCapabilities,
    ValidationError,
)
from cloudkit.core.pages import page_of
from cloudkit.oracle.streaming.addresses import (
    DEAD,
    KIND_TAG,
    MAX_TAGS,
    SETTINGS_TAG,
    SUBSCRIPTION_TAG,
    Address,
    Settings,
)
from cloudkit.oracle.streaming.leases import Place, StreamLeases

PAGE_SIZE = 100
LONGEST_RETENTION_HOURS = 168


class StreamingPubSub(StreamLeases[PubSubCapabilities], PubSub):
    """Streams of Streaming as topics, and groups as subscriptions.

    Streaming lists no groups and keeps no settings of them, so a topic's subscriptions are kept in
    the tags of its stream. A subscription with a dead-letter policy has a stream for its dead letters,
    which is made and removed with it and is not listed.
    """

    async def _place(self, source: Source) -> Place:
        topic = source.topic or ""
        address = await self._streams.address(topic)
        if source.name not in address.subscriptions:
            address = await self._streams.find(topic)  # somebody else may have subscribed
        return Place(
            address=address,
            group=source.name,
            settings=_subscription(address, source.name),
            dead=_dead_name(topic, source.name),
        )

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        if op.topic.endswith(DEAD):
            raise ValidationError(f"names that end with {DEAD!r} are for streams of CloudKit's own")
        tags = {KIND_TAG: "topic", SETTINGS_TAG: Settings(ordered=op.ordering).to_tag()}
        return _info(await self._streams.create(op.topic, tags))

    async def _delete_topic(self, op: DeleteTopic) -> None:
        address = await self._streams.find(op.topic)
        for name, settings in address.subscriptions.items():
            if settings.max_receives is not None:
                await self._streams.delete(_dead_name(op.topic, name), missing_ok=True)
        await self._streams.delete(op.topic)
        self._drop_readers(address)

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        return _info(await self._streams.find(op.topic))

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        infos = [_info(each) for each in await self._streams.listed(unless="queue")]
        return page_of(infos, op, PAGE_SIZE)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        receives = None if op.dead_letter is None else op.dead_letter.max_receives
        settings = Settings(visibility=op.visibility, max_receives=receives)
        address = await self._streams.find(op.topic)
        _check_free(address, op.subscription)
        dead = _dead_name(op.topic, op.subscription)
        # Whoever has subscribed by this name before: the group is still there.
        self._drop_readers(address, op.subscription)
        place = Place(address=address, group=op.subscription, settings=settings, dead=dead)
        await self._reader(place).begin_at_end()
        if receives is not None:
            await self._streams.delete(dead, missing_ok=True)  # what an attempt has left
            await self._streams.create(dead, {KIND_TAG: "dead-letters"}, LONGEST_RETENTION_HOURS)

        def subscribe(address: Address, tags: dict[str, str]) -> None:
            _check_free(address, op.subscription)
            tags[SUBSCRIPTION_TAG + op.subscription] = settings.to_tag()

        await self._streams.change_tags(op.topic, subscribe)
        return _subscription_info(op.topic, op.subscription, settings)

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        def unsubscribe(address: Address, tags: dict[str, str]) -> None:
            _subscription(address, op.subscription)
            del tags[SUBSCRIPTION_TAG + op.subscription]

        address = await self._streams.find(op.topic)
        settings = _subscription(address, op.subscription)
        if settings.max_receives is not None:
            await self._streams.delete(_dead_name(op.topic, op.subscription), missing_ok=True)
        await self._streams.change_tags(op.topic, unsubscribe)
        self._drop_readers(address, op.subscription)

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        address = await self._streams.find(op.topic)
        settings = _subscription(address, op.subscription)
        return _subscription_info(op.topic, op.subscription, settings)

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        address = await self._streams.find(op.topic)
        infos = [
            _subscription_info(op.topic, name, settings)
            for name, settings in address.subscriptions.items()
        ]
        return page_of(infos, op, PAGE_SIZE)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        return (await self._put_all(op.topic, [op.message]))[0].value

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        return await self._put_all(op.topic, op.messages)


def _dead_name(topic: str, subscription: str) -> str:
    return f"{topic}_{subscription}{DEAD}"


def _check_free(address: Address, subscription: str) -> None:
    if subscription in address.subscriptions:
        raise AlreadyExistsError(f"{address.name!r} has a subscription {subscription!r}")
    if len(address.tags) >= MAX_TAGS:
        raise ConflictError(
            f"the topic {address.name!r} takes no more subscriptions: they are kept in the tags of "
            f"its stream, of which there can be {MAX_TAGS}"
        )


def _subscription(address: Address, name: str) -> Settings:
    settings = address.subscriptions.get(name)
    if settings is None:
        raise NotFoundError(
            f"the topic {address.name!r} has no subscription {name!r}",
            request_id=address.request_id,
        )
    return settings


def _info(address: Address) -> TopicInfo:
    # Every stream keeps the order of a key; those of CloudKit say whether they were made for it.
    return TopicInfo(name=address.name, ordering=address.kind is None or address.settings.ordered)


def _subscription_info(topic: str, name: str, settings: Settings) -> SubscriptionInfo:
    return SubscriptionInfo(
        topic=topic,
        name=name,
        visibility=settings.visibility,
        dead_letter=settings.dead_letter,
    )
