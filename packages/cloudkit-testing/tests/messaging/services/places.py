"""Defects of queues, topics and subscriptions themselves."""

from __future__ import annotations

from typing import ClassVar

from attrs import evolve
from cloudkit.api.messaging import OutgoingMessage, Source
from cloudkit.api.queue import QueueInfo
from cloudkit.common import CloudResult, NotFoundError

from .line import Line
from .pubsub import MemoryPubSub, Topic
from .queue import MemoryQueue, Queue
from .registry import caught_by


@caught_by(
    "test_a_missing_queue_is_not_found_and_named[asyncio-send]",
    "test_a_missing_channel_is_not_found_and_named",
    "test_consuming_from_a_missing_channel_ends_with_not_found",
)
class QueuesMadeByUse(MemoryQueue):
    def queue(self, name):
        if name not in self.queues:
            line = Line(Source("queue", name), 30, None, False)
            self.queues[name] = Queue(QueueInfo(name=name), line)
        return super().queue(name)


@caught_by("test_creating_a_queue_twice_fails_and_loses_nothing")
class SecondQueueReplacesFirst(MemoryQueue):
    async def _create_queue(self, op):
        self.queues.pop(op.queue, None)
        return await super()._create_queue(op)


@caught_by("test_a_queue_has_the_settings_that_were_asked_for")
class SettingsForgotten(MemoryQueue):
    async def _describe_queue(self, op):
        return evolve(await super()._describe_queue(op), dead_letter=None)


@caught_by("test_a_queue_is_deleted_with_its_messages")
class OldMessagesInNewQueue(MemoryQueue):
    lines: ClassVar[dict[str, Line]] = {}

    async def _delete_queue(self, op):
        self.lines[op.queue] = self.queue(op.queue).line
        await super()._delete_queue(op)

    async def _create_queue(self, op):
        info = await super()._create_queue(op)
        self.queues[op.queue].line = self.lines.pop(op.queue, self.queues[op.queue].line)
        return info


@caught_by("test_places_of_dead_letters_are_not_listed")
class PlacesOfDeadLettersListed(MemoryQueue):
    async def _create_queue(self, op):
        if op.dead_letter is not None:
            await super()._create_queue(evolve(op, queue=f"{op.queue}-dead", dead_letter=None))
        return await super()._create_queue(op)


@caught_by("test_queues_are_listed_by_name")
class PrefixIgnored(MemoryQueue):
    async def _list_queues(self, op):
        return await super()._list_queues(evolve(op, prefix=""))


@caught_by("test_listing_continues_after_the_page_of_a_token")
class TokenIgnored(MemoryQueue):
    async def _list_queues(self, op):
        return await super()._list_queues(evolve(op, page_token=None))


@caught_by("test_a_batch_arrives[asyncio-10]", "test_a_batch_of_a_group_comes_in_order")
class RestOfBatchDropped(MemoryQueue):
    async def _send_batch(self, op):
        results = await super()._send_batch(evolve(op, messages=op.messages[:5]))
        return [*results, *[CloudResult.success(results[0].value)] * (len(op.messages) - 5)]


@caught_by("test_messages_of_a_batch_keep_their_own_attributes")
class BatchSharesAttributes(MemoryQueue):
    async def _send_batch(self, op):
        shared = op.messages[0].attributes
        messages = tuple(evolve(message, attributes=shared) for message in op.messages)
        return await super()._send_batch(evolve(op, messages=messages))


@caught_by("test_a_delay_of_one_message_of_a_batch_is_its_own")
class BatchForgetsDelay(MemoryQueue):
    async def _send_batch(self, op):
        messages = tuple(evolve(message, delay=0) for message in op.messages)
        return await super()._send_batch(evolve(op, messages=messages))


@caught_by("test_stats_count_what_waits_and_what_is_leased")
class LeasedCountedAsAvailable(MemoryQueue):
    async def _stats(self, op):
        stats = await super()._stats(op)
        return evolve(stats, available=stats.available + stats.leased)


@caught_by("test_queues_keep_their_messages_apart")
class OneQueueForAll(MemoryQueue):
    def queue(self, name):
        return super().queue(max(self.queues)) if name in self.queues else super().queue(name)


@caught_by("test_the_same_id_in_two_queues_is_no_duplicate")
class IdsOfAllQueues(MemoryQueue):
    async def _create_queue(self, op):
        info = await super()._create_queue(op)
        self.queues[op.queue].line.known = next(iter(self.queues.values())).line.known
        return info


@caught_by("test_a_subscription_made_later_gets_only_what_comes_later")
class LateSubscriptionsGetOldMessages(MemoryPubSub):
    old: ClassVar[list[OutgoingMessage]] = []

    def spread(self, topic, message):
        self.old.append(message)
        return super().spread(topic, message)

    async def _create_subscription(self, op):
        info = await super()._create_subscription(op)
        for message in self.old:
            self.topics[op.topic].lines[op.subscription].put(message)
        return info


@caught_by(
    "test_every_subscription_gets_all",
    "test_every_subscription_gets_all_of_a_batch",
)
class OneCopyForAll(MemoryPubSub):
    async def _create_subscription(self, op):
        info = await super()._create_subscription(op)
        lines = self.topics[op.topic].lines
        lines[op.subscription] = next(iter(lines.values()))
        return info


@caught_by(
    "test_a_filter_lets_only_its_messages_through", "test_a_filter_works_on_each_message_of_a_batch"
)
class FilterIgnored(MemoryPubSub):
    def spread(self, topic, message):
        for line in topic.lines.values():
            line.put(message)
        return "published"


@caught_by("test_a_filter_lets_only_its_messages_through")
class FilterOfAnyAttribute(MemoryPubSub):
    def spread(self, topic, message):
        for name, info in topic.subscriptions.items():
            wanted = info.filter.items()
            if not wanted or any(message.attributes.get(n) in values for n, values in wanted):
                topic.lines[name].put(message)
        return "published"


@caught_by("test_after_unsubscribing_the_others_go_on")
class UnsubscribesAll(MemoryPubSub):
    async def _delete_subscription(self, op):
        await super()._delete_subscription(op)
        self.topics[op.topic].lines.clear()
        self.topics[op.topic].subscriptions.clear()


@caught_by("test_a_topic_is_deleted_with_its_subscriptions")
class SubscriptionsSurviveTheirTopic(MemoryPubSub):
    gone: ClassVar[dict[str, Topic]] = {}

    async def _delete_topic(self, op):
        self.gone[op.topic] = self.topic(op.topic)
        await super()._delete_topic(op)

    def topic(self, name):
        return self.gone.get(name) or super().topic(name)

    def line(self, source):
        return self.topic(source.topic).lines[source.name]

    def subscription(self, topic, name):
        return self.topic(topic).subscriptions[name]


@caught_by("test_subscriptions_of_one_name_to_two_topics_are_different")
class SubscriptionsByNameAlone(MemoryPubSub):
    lines: ClassVar[dict[str, Line]] = {}

    def line(self, source):
        return self.lines.setdefault(source.name, super().line(source))


@caught_by("test_publishing_without_subscriptions_is_fine")
class NeedsSubscriptions(MemoryPubSub):
    def spread(self, topic, message):
        if not topic.lines:
            raise NotFoundError("nobody listens")
        return super().spread(topic, message)


@caught_by("test_a_missing_subscription_is_not_found_and_named[asyncio-receive]")
class MissingSubscriptionIsEmpty(MemoryPubSub):
    def line(self, source):
        if source.name not in self.topic(source.topic).lines:
            return Line(source, 30, None, False)
        return super().line(source)
