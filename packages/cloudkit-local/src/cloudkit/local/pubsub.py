"""PubSub on SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
from cloudkit.api.page_tokens import make_token, read_token
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
    CloudError,
    CloudResult,
    ConflictError,
    PubSubCapabilities,
    ValidationError,
)
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.messaging import LocalLeases, SourceRecord, new_id
from cloudkit.local.messaging.sources import (
    create_source,
    create_topic,
    drop_sources,
    drop_topic,
    find_source,
    find_topic,
    list_sources,
    list_topics,
    subscriptions,
)
from cloudkit.local.push import Pusher
from cloudkit.spi import OperationRunner

T = TypeVar("T")

_KIND = "pubsub"
_PAGE_SIZE = 1000


class LocalPubSub(LocalLeases[PubSubCapabilities], PubSub):
    """Topics in tables of SQLite, which everybody who uses the folder shares.

    Publishing puts a copy of the message into every subscription that lets it through, all in one
    transaction. What subscriptions with a ``push_endpoint`` get is posted there by the processes
    that use the topic; see [Pusher][cloudkit.local.push.Pusher].

    Args:
        runner: Runs the operations.
        capabilities: Limits.
        database: Where the messages are.
        pusher: Posts what is to be pushed.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: PubSubCapabilities,
        database: Database,
        pusher: Pusher,
    ) -> None:
        super().__init__(runner, capabilities, database)
        self._pusher = pusher

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        await self._database.write(lambda c: create_topic(c, op.topic, op.ordering))
        return TopicInfo(name=op.topic, ordering=op.ordering)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        await self._drop(lambda c: drop_topic(c, op.topic))

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        def describe(connection: Connection) -> tuple[bool, bool]:
            ordering = find_topic(connection, op.topic)
            return ordering, _pushes(subscriptions(connection, op.topic))

        ordering, pushes = await self._database.read(describe)
        if pushes:
            self._pusher.start()
        return TopicInfo(name=op.topic, ordering=ordering)

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        def fetch(connection: Connection, after: str, size: int) -> list[TopicInfo]:
            rows = list_topics(connection, after, size)
            return [TopicInfo(name=name, ordering=ordering) for name, ordering in rows]

        return await self._page(("topics",), op, fetch, lambda topic: topic.name)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        def create(connection: Connection) -> SourceRecord:
            record = SourceRecord(
                id=0,
                kind=_KIND,
                topic=op.topic,
                name=op.subscription,
                fifo=find_topic(connection, op.topic),
                visibility=op.visibility,
                max_receives=None if op.dead_letter is None else op.dead_letter.max_receives,
                filter=json.dumps(op.filter) if op.filter else None,
                push_endpoint=op.push_endpoint,
            )
            return create_source(connection, record)

        record = await self._database.write(create)
        if record.push_endpoint is not None:
            self._pusher.start()
        return _info(record)

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        source = Source(_KIND, op.subscription, op.topic)
        await self._drop(lambda c: drop_sources(c, [find_source(c, source)]))

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        source = Source(_KIND, op.subscription, op.topic)
        info = await self._database.read(lambda c: _info(find_source(c, source)))
        if info.push_endpoint is not None:
            self._pusher.start()
        return info

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        def fetch(connection: Connection, after: str, size: int) -> list[SubscriptionInfo]:
            find_topic(connection, op.topic)
            records = list_sources(connection, _KIND, op.topic, after=after, size=size)
            return [_info(record) for record in records]

        listing = ("subscriptions", op.topic)
        return await self._page(listing, op, fetch, lambda subscription: subscription.name)

    async def _page(
        self,
        listing: tuple[str, ...],
        op: ListTopics | ListSubscriptions,
        fetch: Callable[[Connection, str, int], list[T]],
        name: Callable[[T], str],
    ) -> Page[T]:
        after = "" if op.page_token is None else read_token(op.page_token, listing)[0]
        size = min(op.page_size or _PAGE_SIZE, _PAGE_SIZE)
        found = await self._database.read(lambda c: fetch(c, after, size + 1))
        items = found[:size]
        more = len(found) > size
        return Page(items, make_token(listing, (name(items[-1]),)) if more else None)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        (result,) = await self._publish_all(op.topic, [op.message])
        return result.value

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        return await self._publish_all(op.topic, op.messages)

    async def _publish_all(
        self, topic: str, outgoing: Sequence[OutgoingMessage]
    ) -> list[CloudResult[SentMessage]]:
        wanted = [(message, new_id()) for message in outgoing]

        def publish(connection: Connection) -> tuple[list[CloudResult[SentMessage]], bool]:
            ordering = find_topic(connection, topic)
            records = subscriptions(connection, topic)
            fan = [(self._messages(connection, record), _info(record).admits) for record in records]
            results: list[CloudResult[SentMessage]] = []
            for message, message_id in wanted:
                try:
                    _check_fits(topic, ordering, message)
                except CloudError as error:
                    results.append(CloudResult.failure(error))
                    continue
                for messages, admits in fan:
                    if admits(message.attributes):
                        messages.add(message, message_id)
                results.append(CloudResult.success(SentMessage(id=message_id)))
            return results, _pushes(records)

        results, pushes = await self._database.write(publish)
        if pushes:
            self._pusher.start()
        return results

    def _check_pull(self, record: SourceRecord) -> None:
        if record.push_endpoint is not None:
            raise ConflictError(
                f"the messages of {record.topic}/{record.name} are pushed to its push_endpoint",
                hint="Make a subscription without push_endpoint to receive from.",
            )


def _check_fits(topic: str, ordering: bool, message: OutgoingMessage) -> None:
    if message.group is not None and not ordering:
        raise ValidationError(
            f"the topic {topic!r} keeps no order, so it takes no ordering key",
            hint="Make it with create_topic(..., ordering=True).",
        )


def _pushes(records: Sequence[SourceRecord]) -> bool:
    return any(record.push_endpoint is not None for record in records)


def _info(record: SourceRecord) -> SubscriptionInfo:
    return SubscriptionInfo(
        topic=record.topic,
        name=record.name,
        filter=record.filter_values,
        visibility=record.visibility,
        dead_letter=record.policy,
        push_endpoint=record.push_endpoint,
    )
