"""Topics and subscriptions: creating, finding, describing, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cloudkit.api.pubsub import PubSub
from cloudkit.common import AlreadyExistsError, NotFoundError, ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.faults import Faults
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.outcome import behaviour, require
from cloudkit.testing.pubsub.suite import Subscribe, TopicSuite
from cloudkit.testing.suite import MakeCloud

INVALID_NAMES = ["", "a/b", "../up", "two words", "nul\x00", "x" * 300, "-", "ümlaut", "a\nb"]

TOPIC_CALLS: dict[str, Callable[[PubSub, str], Awaitable[Any]]] = {
    "describe_topic": lambda pubsub, topic: pubsub.describe_topic(topic),
    "delete_topic": lambda pubsub, topic: pubsub.delete_topic(topic),
    "publish": lambda pubsub, topic: pubsub.publish(topic, b"body"),
    "create_subscription": lambda pubsub, topic: pubsub.create_subscription(topic, "ck-name"),
    "list_subscriptions": lambda pubsub, topic: pubsub.list_subscriptions(topic).to_list(),
    "describe_subscription": lambda pubsub, topic: pubsub.describe_subscription(topic, "ck-name"),
    "delete_subscription": lambda pubsub, topic: pubsub.delete_subscription(topic, "ck-name"),
    "receive": lambda pubsub, topic: pubsub.receive(topic, "ck-name"),
    "consume": lambda pubsub, topic: pubsub.consume(topic, "ck-name", print),
    "dead_letters": lambda pubsub, topic: pubsub.dead_letters(topic, "ck-name", max_messages=1),
}
SUBSCRIPTION_CALLS: dict[str, Callable[[PubSub, str, str], Awaitable[Any]]] = {
    "describe_subscription": lambda pubsub, topic, name: pubsub.describe_subscription(topic, name),
    "delete_subscription": lambda pubsub, topic, name: pubsub.delete_subscription(topic, name),
    "receive": lambda pubsub, topic, name: pubsub.receive(topic, name),
    "receive_waiting": lambda pubsub, topic, name: pubsub.receive(topic, name, wait=1),
    "consume": lambda pubsub, topic, name: pubsub.consume(topic, name, print),
    "dead_letters": lambda pubsub, topic, name: pubsub.dead_letters(topic, name, max_messages=1),
}


class TopicBehaviours(TopicSuite):
    """Topics and subscriptions come and go."""

    __test__ = False

    async def test_a_topic_exists_from_create_to_delete(
        self, pubsub: PubSub, cleanup: Cleanup
    ) -> None:
        topic = self.fresh_name("topic")
        assert not await pubsub.topic_exists(topic)
        cleanup.later(pubsub.delete_topic, topic)
        created = await pubsub.create_topic(topic)
        assert (created.name, created.ordering) == (topic, False)
        assert await pubsub.topic_exists(topic)
        assert await pubsub.describe_topic(topic) == created
        await pubsub.delete_topic(topic)
        assert not await pubsub.topic_exists(topic)

    @behaviour("ordering")
    async def test_an_ordered_topic_says_so(self, pubsub: PubSub, ordered: Channel) -> None:
        assert ordered.topic is not None
        assert (await pubsub.describe_topic(ordered.topic)).ordering

    async def test_creating_a_topic_twice_fails_and_loses_nothing(
        self, pubsub: PubSub, channel: Channel
    ) -> None:
        assert channel.topic is not None
        await channel.send(b"body")
        with pytest.raises(AlreadyExistsError) as caught:
            await pubsub.create_topic(channel.topic)
        assert channel.topic in str(caught.value)
        assert await self.take_bodies(channel, 1) == [b"body"]

    async def test_topics_are_listed_by_name(self, pubsub: PubSub, cleanup: Cleanup) -> None:
        mine = {await self.new_topic(pubsub, cleanup) for _ in range(3)}
        whole = [info.name async for info in pubsub.list_topics()]
        assert mine <= set(whole)
        assert whole == sorted(set(whole))
        paged = [info.name async for info in pubsub.list_topics(page_size=1)]
        assert mine <= set(paged)
        assert len(paged) == len(set(paged))

    async def test_listing_topics_continues_after_the_page_of_a_token(
        self, pubsub: PubSub, cleanup: Cleanup
    ) -> None:
        for _ in range(2):
            await self.new_topic(pubsub, cleanup)
        first = await anext(pubsub.list_topics(page_size=1).pages())
        assert len(first.items) == 1
        assert first.next_token is not None
        rest = [info.name async for info in pubsub.list_topics(page_token=first.next_token)]
        assert rest
        assert first.items[0].name not in rest

    @behaviour("subscriptions")
    async def test_a_subscription_exists_from_create_to_delete(
        self, pubsub: PubSub, topic: str
    ) -> None:
        name, limits = self.fresh_name("subscription"), pubsub.capabilities
        visibility = max(12.0, limits.min_visibility_seconds)
        policy = self.few_receives(limits) if limits.dead_letter else None
        assert not await pubsub.subscription_exists(topic, name)
        created = await pubsub.create_subscription(
            topic, name, visibility=visibility, dead_letter=policy
        )
        assert (created.topic, created.name) == (topic, name)
        assert (created.visibility, created.dead_letter) == (visibility, policy)
        assert (dict(created.filter), created.push_endpoint) == ({}, None)
        assert await pubsub.describe_subscription(topic, name) == created
        assert await pubsub.subscription_exists(topic, name)
        await pubsub.delete_subscription(topic, name)
        assert not await pubsub.subscription_exists(topic, name)
        assert await pubsub.topic_exists(topic)

    @behaviour("subscriptions")
    async def test_subscribing_twice_by_one_name_fails_and_loses_nothing(
        self, pubsub: PubSub, channel: Channel
    ) -> None:
        assert channel.topic is not None
        await channel.send(b"body")
        with pytest.raises(AlreadyExistsError) as caught:
            await pubsub.create_subscription(channel.topic, channel.name)
        assert channel.name in str(caught.value)
        assert await self.take_bodies(channel, 1) == [b"body"]

    @behaviour("subscriptions")
    async def test_subscriptions_are_listed_by_name(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe, cleanup: Cleanup
    ) -> None:
        other = await self.new_topic(pubsub, cleanup)
        await subscribe(other)
        assert await pubsub.list_subscriptions(topic).to_list() == []
        mine = sorted([(await subscribe(topic)).name for _ in range(3)])
        listed = await pubsub.list_subscriptions(topic).to_list()
        assert [info.name for info in listed] == mine
        paged = await pubsub.list_subscriptions(topic, page_size=1).to_list()
        assert [info.name for info in paged] == mine
        for info in listed:
            assert info == await pubsub.describe_subscription(topic, info.name)

    @behaviour("subscriptions")
    async def test_subscribe_and_unsubscribe_are_other_names(
        self, pubsub: PubSub, topic: str
    ) -> None:
        name = self.fresh_name("subscription")
        assert (await pubsub.subscribe(topic, name)).name == name
        assert await pubsub.subscription_exists(topic, name)
        await pubsub.unsubscribe(topic, name)
        assert not await pubsub.subscription_exists(topic, name)

    @behaviour("subscriptions")
    async def test_a_topic_is_deleted_with_its_subscriptions(
        self, pubsub: PubSub, channel: Channel
    ) -> None:
        assert channel.topic is not None
        await channel.send(b"body")
        await pubsub.delete_topic(channel.topic)
        assert not await pubsub.subscription_exists(channel.topic, channel.name)
        with pytest.raises(NotFoundError):
            await channel.receive()

    @pytest.mark.parametrize("call", TOPIC_CALLS)
    async def test_a_missing_topic_is_not_found_and_named(
        self, cloud: Any, pubsub: PubSub, call: str
    ) -> None:
        self._require(cloud, call)
        topic = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await TOPIC_CALLS[call](pubsub, topic)
        assert topic in str(caught.value)
        assert not await pubsub.topic_exists(topic)

    @behaviour("subscriptions")
    @pytest.mark.parametrize("call", SUBSCRIPTION_CALLS)
    async def test_a_missing_subscription_is_not_found_and_named(
        self, cloud: Any, pubsub: PubSub, topic: str, call: str
    ) -> None:
        self._require(cloud, call)
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await SUBSCRIPTION_CALLS[call](pubsub, topic, name)
        assert name in str(caught.value)

    async def test_a_batch_to_a_missing_topic_fails_message_by_message(
        self, pubsub: PubSub
    ) -> None:
        topic = self.fresh_name("missing")
        results = await pubsub.publish_batch(topic, [b"first", b"second"])
        assert len(results) == 2
        for result in results:
            assert isinstance(result.error, NotFoundError)
            assert topic in str(result.error)

    @pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
    async def test_an_invalid_name_is_refused_before_sending(
        self, make_cloud: MakeCloud, name: str
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            calls = [
                cloud.pubsub.create_topic(name),
                cloud.pubsub.topic_exists(name),
                cloud.pubsub.publish(name, b"body"),
            ]
            if cloud.capabilities.pubsub.subscriptions:
                calls += [
                    cloud.pubsub.create_subscription(name, "ck-name"),
                    cloud.pubsub.create_subscription("ck-name", name),
                    cloud.pubsub.receive("ck-name", name),
                ]
            for call in calls:
                with pytest.raises(ValidationError):
                    await call
        assert faults.count() == 0

    @staticmethod
    def _require(cloud: Any, call: str) -> None:
        if "subscription" in call or call in {"receive", "receive_waiting", "consume"}:
            require(cloud.capabilities, "pubsub.subscriptions")
        if call == "dead_letters":
            require(cloud.capabilities, "pubsub.subscriptions", "pubsub.list_dead_letters")
