"""What is published reaches every subscription, each with a copy of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cloudkit.api.messaging import Message, OutgoingMessage
from cloudkit.api.pubsub import PubSub
from cloudkit.common import ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.channel import SubscriptionChannel
from cloudkit.testing.messaging.suite import Watched, values
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.pubsub.suite import Subscribe, TopicSuite

PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "red": {"colour": "red"},
    "red and large": {"colour": "red", "size": "large"},
    "blue and large": {"colour": "blue", "size": "large"},
    "green and small": {"colour": "green", "size": "small"},
    "Red": {"colour": "Red"},
    "red indeed": {"colour": "red indeed"},
    "Colour": {"Colour": "red"},
}
"""Body → attributes."""

FILTERS: dict[str, tuple[dict[str, str | Sequence[str]], set[str]]] = {
    "one value": ({"colour": "red"}, {"red", "red and large"}),
    "two values": ({"colour": ["red", "blue"]}, {"red", "red and large", "blue and large"}),
    "two attributes": ({"colour": "red", "size": "large"}, {"red and large"}),
    "two of both": (
        {"colour": ["red", "green"], "size": ["small", "large"]},
        {"red and large", "green and small"},
    ),
    "nothing": ({"shape": "round"}, set()),
    "everything": ({}, set(PUBLISHED)),
}
"""Filter → the bodies that it lets through."""


class FanoutBehaviours(TopicSuite):
    """Every subscription gets all, from when it was made, and on its own."""

    __test__ = False

    async def test_publishing_without_subscriptions_is_fine(
        self, pubsub: PubSub, topic: str
    ) -> None:
        sent = await pubsub.publish(topic, b"nobody hears this")
        assert isinstance(sent.id, str)
        values(await pubsub.publish_batch(topic, [b"nor", b"this"]))

    @behaviour("subscriptions")
    async def test_every_subscription_gets_all(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        first, second = await subscribe(topic), await subscribe(topic)
        bodies = [f"body {number}".encode() for number in range(5)]
        for body in bodies:
            await pubsub.publish(topic, body)
        assert sorted(await self.take_bodies(first, 5)) == bodies
        assert sorted(await self.take_bodies(second, 5)) == bodies
        await self.assert_nothing_comes(first)
        await self.assert_nothing_comes(second)

    @behaviour("subscriptions")
    async def test_every_subscription_gets_all_of_a_batch(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        channels = [await subscribe(topic) for _ in range(3)]
        bodies = sorted(f"body {number}".encode() for number in range(25))
        values(await pubsub.publish_batch(topic, bodies))
        for channel in channels:
            assert sorted(await self.take_bodies(channel, 25)) == bodies

    @behaviour("subscriptions", "new_subscription_starts_at_end")
    async def test_a_subscription_made_later_gets_only_what_comes_later(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        early = await subscribe(topic)
        await pubsub.publish(topic, b"before")
        late = await subscribe(topic)
        await self.assert_nothing_comes(late)
        await pubsub.publish(topic, b"after")
        assert await self.take_bodies(late, 1) == [b"after"]
        assert sorted(await self.take_bodies(early, 2)) == [b"after", b"before"]
        await self.assert_nothing_comes(late)

    @behaviour("subscriptions")
    async def test_a_subscription_gets_what_is_published_right_after_it_was_made(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        for number in range(3):
            channel = await subscribe(topic)
            body = f"body {number}".encode()
            await pubsub.publish(topic, body)
            assert body in await self.take_bodies(channel, 1)

    @behaviour("subscriptions")
    async def test_what_one_subscription_does_with_a_message_is_nothing_to_the_others(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        first, second, third = [await subscribe(topic) for _ in range(3)]
        await pubsub.publish(topic, b"body")
        await first.ack(await self.receive_one(first))
        message = await self.receive_one(second)
        await second.nack(message)
        assert (await self.receive_one(second)).receive_count == 2
        assert (await self.receive_one(third)).receive_count == 1
        await self.assert_nothing_comes(first)

    @behaviour("subscriptions")
    async def test_topics_keep_their_messages_apart(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe, cleanup: Cleanup
    ) -> None:
        other = await self.new_topic(pubsub, cleanup)
        mine, theirs = await subscribe(topic), await subscribe(other)
        await pubsub.publish(topic, b"mine")
        assert await self.take_bodies(mine, 1) == [b"mine"]
        await self.assert_nothing_comes(theirs)

    @behaviour("subscriptions")
    async def test_subscriptions_of_one_name_to_two_topics_are_different(
        self, pubsub: PubSub, topic: str, cleanup: Cleanup
    ) -> None:
        other, name = await self.new_topic(pubsub, cleanup), self.fresh_name("subscription")
        for place in (topic, other):
            cleanup.later(pubsub.delete_subscription, place, name)
            await pubsub.create_subscription(place, name)
        await pubsub.publish(topic, b"body")
        theirs = SubscriptionChannel(pubsub, other, name)
        await self.assert_nothing_comes(theirs)
        message = await self.receive_one(SubscriptionChannel(pubsub, topic, name))
        assert message.source.topic == topic
        await self.assert_nothing_comes(theirs)

    @behaviour("subscriptions")
    async def test_after_unsubscribing_the_others_go_on(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        leaving, staying = await subscribe(topic), await subscribe(topic)
        await pubsub.publish(topic, b"before")
        await pubsub.unsubscribe(topic, leaving.name)
        await pubsub.publish(topic, b"after")
        assert sorted(await self.take_bodies(staying, 2)) == [b"after", b"before"]
        assert not await pubsub.subscription_exists(topic, leaving.name)

    @behaviour("subscriptions")
    async def test_competing_consumers_of_a_subscription_share_its_messages(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        shared, other = await subscribe(topic), await subscribe(topic)
        bodies = {f"body {number}".encode() for number in range(20)}
        handled: list[list[bytes]] = [[], []]

        async def first(message: Message) -> None:
            handled[0].append(message.body)

        async def second(message: Message) -> None:
            handled[1].append(message.body)

        async with self.consuming(shared, first), self.consuming(shared, second):
            values(await pubsub.publish_batch(topic, sorted(bodies)))
            await self.eventually(lambda: set(handled[0] + handled[1]) == bodies)
        assert len(handled[0] + handled[1]) == len(bodies), "each message to one of them"
        assert set(await self.take_bodies(other, 20)) == bodies

    @behaviour("subscriptions", "filters", "attributes")
    @pytest.mark.parametrize(("wanted", "through"), FILTERS.values(), ids=FILTERS)
    async def test_a_filter_lets_only_its_messages_through(
        self,
        pubsub: PubSub,
        topic: str,
        subscribe: Subscribe,
        wanted: dict[str, str | Sequence[str]],
        through: set[str],
    ) -> None:
        filtered, everything = await subscribe(topic, filter=wanted), await subscribe(topic)
        described = await pubsub.describe_subscription(topic, filtered.name)
        expected = {n: (v,) if isinstance(v, str) else tuple(v) for n, v in wanted.items()}
        assert {name: set(found) for name, found in described.filter.items()} == {
            name: set(allowed) for name, allowed in expected.items()
        }
        for body, attributes in PUBLISHED.items():
            await pubsub.publish(topic, body, attributes=attributes)
        found = await self.take_bodies(filtered, len(through))
        assert {body.decode() for body in found} == through
        assert len(await self.take_bodies(everything, len(PUBLISHED))) == len(PUBLISHED)
        await self.assert_nothing_comes(filtered)

    @behaviour("subscriptions", "filters", "attributes")
    async def test_a_filter_works_on_each_message_of_a_batch(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        filtered = await subscribe(topic, filter={"number": ["1", "7", "11"]})
        messages = [
            OutgoingMessage(body=str(number), attributes={"number": str(number)})
            for number in range(12)
        ]
        values(await pubsub.publish_batch(topic, messages))
        assert sorted(await self.take_bodies(filtered, 3)) == [b"1", b"11", b"7"]
        await self.assert_nothing_comes(filtered)

    @behaviour("subscriptions", "filters", "attributes")
    async def test_strange_values_are_filtered_by_as_they_are(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        strange = ["'", '"', "\\", "a b", "Grüße", "%", "x' OR '1' = '1", "*", "a,b", "null"]
        for value in strange:
            await pubsub.unsubscribe(topic, (await subscribe(topic, filter={"a": value})).name)
        filtered = await subscribe(topic, filter={"a": strange[:5]})
        for value in strange:
            await pubsub.publish(topic, value, attributes={"a": value})
        found = await self.take_bodies(filtered, 5)
        assert {body.decode() for body in found} == set(strange[:5])
        await self.assert_nothing_comes(filtered)

    @behaviour("subscriptions", "filters")
    async def test_what_is_no_filter_is_refused_before_sending(self, unsent: Watched) -> None:
        contract = unsent.channel.contract
        assert isinstance(contract, PubSub)
        wrong: list[Any] = [{"": "a"}, {"a": ""}, {"a": []}, {"a": [1]}, {1: "a"}, "a", ["a"]]
        for nonsense in wrong:
            with pytest.raises(ValidationError):
                await contract.create_subscription("ck-topic", "ck-name", filter=nonsense)

    @behaviour("subscriptions")
    async def test_what_is_no_length_of_a_lease_is_refused_before_sending(
        self, unsent: Watched
    ) -> None:
        contract = unsent.channel.contract
        assert isinstance(contract, PubSub)
        longest = contract.capabilities.max_visibility_seconds
        for wrong in (-1, longest + 1, float("nan")):
            with pytest.raises(ValidationError):
                await contract.create_subscription("ck-topic", "ck-name", visibility=wrong)
