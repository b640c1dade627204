"""PubSub on Pub/Sub, as Google's emulator has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from anyio.to_thread import run_sync
from cloudkit.common import (
    ConflictError,
    NotFoundError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.gcp.pubsub.subscriptions import MOST_ATTEMPTS
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.channel import Channel, SubscriptionChannel
from cloudkit.testing.pubsub import PubSubSuite, PushRequest
from emulators import pubsub
from gcp.messaging import PROJECT, PubSubClouds
from google.api_core.exceptions import NotFound


class TestPubSub(PubSubClouds, PubSubSuite):
    known_defects = pubsub.PUBSUB_DEFECTS

    def decode_push(self, request: PushRequest) -> tuple[bytes, Mapping[str, str]] | None:
        """As Pub/Sub's documentation describes what it posts."""
        message = json.loads(request.body)["message"]
        attributes = {
            name: value
            for name, value in message.get("attributes", {}).items()
            if not name.startswith("cloudkit.")
        }
        return base64.b64decode(message.get("data", "")), attributes

    async def test_without_a_policy_a_message_is_set_aside_after_a_hundred_receives(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body", attributes={"a": "b"})
        for count in range(1, MOST_ATTEMPTS + 1):
            message = await self.receive_one(channel)
            assert message.receive_count == count
            await channel.nack(message)
        await self.assert_nothing_comes(channel)
        (dead,) = await self.receive_dead_letters(channel)
        assert (dead.body, dead.attributes) == (b"body", {"a": "b"})

    async def test_a_subscription_goes_with_its_place_for_dead_letters(
        self, cloud: Any, topic: str
    ) -> None:
        await cloud.pubsub.create_subscription(topic, "mail")
        native, project = cloud.native.publisher, f"projects/{PROJECT}"
        path = f"{project}/topics/{topic}~mail~dead"
        await run_sync(lambda: native.get_topic(topic=path, retry=None))
        listed = [info.name async for info in cloud.pubsub.list_topics()]
        assert not [name for name in listed if "~" in name]
        await cloud.pubsub.delete_topic(topic)
        with pytest.raises(NotFound):
            await run_sync(lambda: native.get_topic(topic=path, retry=None))

    async def test_a_key_is_for_topics_that_keep_the_order(self, cloud: Any, topic: str) -> None:
        with pytest.raises(ValidationError, match="order"):
            await cloud.pubsub.publish(topic, b"body", ordering_key="a")

    # Subscriptions of other programs

    @pytest.fixture
    async def foreign(self, cloud: Any, topic: str, cleanup: Cleanup) -> SubscriptionChannel:
        """A subscription that CloudKit has not made."""
        name = self.fresh_name("foreign")
        cleanup.later(self._remove, cloud, name)
        await self._subscribe(cloud, topic, name, ack_deadline_seconds=60)
        return SubscriptionChannel(cloud.pubsub, topic, name)

    async def test_what_others_have_made_can_be_received_from(
        self, cloud: Any, topic: str, foreign: SubscriptionChannel
    ) -> None:
        await cloud.pubsub.publish(topic, b"body", attributes={"a": "b"})
        message = await self.receive_one(foreign)
        assert (message.body, message.attributes) == (b"body", {"a": "b"})
        await foreign.nack(message)
        message = await self.receive_one(foreign, visibility=30)
        await foreign.contract.extend(message, 60)
        await foreign.ack(message)
        await self.assert_nothing_comes(foreign)
        info = await cloud.pubsub.describe_subscription(topic, foreign.name)
        assert (info.visibility, info.dead_letter, dict(info.filter)) == (60.0, None, {})

    async def test_what_others_have_made_has_no_place_for_dead_letters(
        self, cloud: Any, topic: str, foreign: SubscriptionChannel
    ) -> None:
        await cloud.pubsub.publish(topic, b"body")
        message = await self.receive_one(foreign)
        with pytest.raises(ConflictError):
            await cloud.pubsub.dead_letter(message)
        assert await self.some_dead_letters(foreign) == []

    async def test_the_dead_letters_of_others_are_where_they_want_them(
        self, cloud: Any, topic: str, cleanup: Cleanup
    ) -> None:
        name, place = self.fresh_name("foreign"), await self.new_topic(cloud.pubsub, cleanup)
        cleanup.later(self._remove, cloud, name)
        policy = {"dead_letter_topic": f"projects/{PROJECT}/topics/{place}"}
        await self._subscribe(cloud, topic, name, dead_letter_policy=policy)
        with pytest.raises(ConflictError, match=place):
            await cloud.pubsub.dead_letters(topic, name)

    async def test_what_others_have_made_is_found_by_its_own_topic_only(
        self, cloud: Any, topic: str, foreign: SubscriptionChannel, cleanup: Cleanup
    ) -> None:
        other = await self.new_topic(cloud.pubsub, cleanup)
        with pytest.raises(NotFoundError):
            await cloud.pubsub.receive(other, foreign.name)
        with pytest.raises(NotFoundError):
            await cloud.pubsub.delete_subscription(other, foreign.name)
        assert await cloud.pubsub.list_subscriptions(topic).to_list() == []
        await cloud.pubsub.delete_subscription(topic, foreign.name)
        assert not await cloud.pubsub.subscription_exists(topic, foreign.name)

    async def test_our_own_comes_before_that_of_others(
        self, cloud: Any, topic: str, foreign: SubscriptionChannel
    ) -> None:
        assert await foreign.receive() == []
        await cloud.pubsub.create_subscription(topic, foreign.name)
        await cloud.pubsub.publish(topic, b"body")
        assert await self.take_bodies(foreign, 1) == [b"body"]
        await self.assert_nothing_comes(foreign)
        await cloud.pubsub.delete_subscription(topic, foreign.name)
        assert await self.take_bodies(foreign, 1) == [b"body"]

    async def test_a_filter_that_cannot_be_said_is_not_left_out(
        self, cloud: Any, topic: str, cleanup: Cleanup
    ) -> None:
        name = self.fresh_name("foreign")
        cleanup.later(self._remove, cloud, name)
        await self._subscribe(cloud, topic, name, filter='NOT attributes.a = "b"')
        with pytest.raises(UnsupportedOperationError, match="NOT"):
            await cloud.pubsub.describe_subscription(topic, name)

    @staticmethod
    async def _subscribe(cloud: Any, topic: str, name: str, **options: Any) -> None:
        request = {
            "name": f"projects/{PROJECT}/subscriptions/{name}",
            "topic": f"projects/{PROJECT}/topics/{topic}",
            **options,
        }
        native = cloud.native.subscriber
        await run_sync(lambda: native.create_subscription(request=request, retry=None))

    @staticmethod
    async def _remove(cloud: Any, name: str) -> None:
        native, path = cloud.native.subscriber, f"projects/{PROJECT}/subscriptions/{name}"
        with suppress(NotFound):
            await run_sync(lambda: native.delete_subscription(subscription=path, retry=None))
