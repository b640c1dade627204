"""Subscriptions that push to an HTTP endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import define, field
from cloudkit.api.pubsub import PubSub
from cloudkit.common import ValidationError
from cloudkit.testing.messaging.samples import BODIES
from cloudkit.testing.messaging.suite import Watched, values
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest, push_server
from cloudkit.testing.pubsub.suite import Subscribe, TopicSuite

Pushed = tuple[bytes, dict[str, str]]
_ATTRIBUTE = "cloudkit-attribute-"


@define
class Endpoint:
    """An endpoint that takes messages.

    Attributes:
        url: Its address.
        taken: Bodies and attributes of the messages that it took.
        refused: Those that it did not.
        failures: How many requests it still answers with an error.
    """

    url: str = ""
    taken: list[Pushed] = field(factory=list)
    refused: list[Pushed] = field(factory=list)
    failures: int = 0


class PushBehaviours(TopicSuite):
    """Messages are posted to an endpoint, and again until it takes them."""

    __test__ = False

    def decode_push(self, request: PushRequest) -> tuple[bytes, Mapping[str, str]] | None:
        """Body and attributes of a pushed message.

        Services wrap them differently; override it with the form of yours. By default it is that of
        the local provider: the body as it is, and attributes percent-encoded in headers.

        Args:
            request: What was posted.

        Returns:
            None when it is no message, but for example a handshake, which ``answer_push`` answers.
        """
        attributes = {
            name[len(_ATTRIBUTE) :]: unquote(value)
            for name, value in request.headers.items()
            if name.lower().startswith(_ATTRIBUTE)
        }
        return request.body, attributes

    async def answer_push(self, request: PushRequest) -> PushAnswer:
        """The answer to a request that is no message; for services with a handshake."""
        return PushAnswer()

    @asynccontextmanager
    async def endpoint(self) -> AsyncIterator[Endpoint]:
        """An endpoint on 127.0.0.1 while a block runs."""
        endpoint = Endpoint()

        async def answer(request: PushRequest) -> PushAnswer:
            message = self.decode_push(request)
            if message is None:
                return await self.answer_push(request)
            body, attributes = message
            if endpoint.failures > 0:
                endpoint.failures -= 1
                endpoint.refused.append((body, dict(attributes)))
                return PushAnswer(status=503)
            endpoint.taken.append((body, dict(attributes)))
            return PushAnswer()

        async with push_server(answer) as endpoint.url:
            yield endpoint

    @behaviour("push", "subscriptions")
    async def test_messages_are_pushed_to_the_endpoint(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as endpoint:
            name = (await subscribe(topic, push_endpoint=endpoint.url)).name
            info = await pubsub.describe_subscription(topic, name)
            assert info.push_endpoint == endpoint.url
            attributes = self._pushed_attributes(pubsub)
            await pubsub.publish(topic, b"\x00body\xff", attributes=attributes)
            await self.eventually(lambda: endpoint.taken)
            assert endpoint.taken[0] == (b"\x00body\xff", attributes)

    @behaviour("push", "subscriptions")
    async def test_pushed_bodies_arrive_byte_for_byte(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as endpoint:
            await subscribe(topic, push_endpoint=endpoint.url)
            values(await pubsub.publish_batch(topic, BODIES.values()))
            await self.eventually(
                lambda: {body for body, _ in endpoint.taken} >= set(BODIES.values())
            )
            assert {body for body, _ in endpoint.taken} == set(BODIES.values())

    @behaviour("push", "subscriptions")
    async def test_a_message_that_the_endpoint_refuses_is_pushed_again(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as endpoint:
            endpoint.failures = 2
            await subscribe(topic, push_endpoint=endpoint.url)
            await pubsub.publish(topic, b"body")
            await self.within(self.patience, lambda: endpoint.taken)
            assert [body for body, _ in endpoint.refused] == [b"body", b"body"]
            assert endpoint.taken[0][0] == b"body"

    @behaviour("push", "subscriptions")
    async def test_a_pushed_message_is_received_from_other_subscriptions_as_well(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as endpoint:
            await subscribe(topic, push_endpoint=endpoint.url)
            channel = await subscribe(topic)
            await pubsub.publish(topic, b"body")
            assert await self.take_bodies(channel, 1) == [b"body"]
            await self.eventually(lambda: endpoint.taken)

    @behaviour("push", "subscriptions", "filters", "attributes")
    async def test_a_filter_holds_for_what_is_pushed(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as endpoint:
            await subscribe(topic, push_endpoint=endpoint.url, filter={"kind": "wanted"})
            await pubsub.publish(topic, b"unwanted", attributes={"kind": "other"})
            await pubsub.publish(topic, b"wanted", attributes={"kind": "wanted"})
            await self.eventually(lambda: endpoint.taken)
            assert {body for body, _ in endpoint.taken} == {b"wanted"}

    @behaviour("push", "subscriptions")
    async def test_nothing_more_is_pushed_after_unsubscribing(
        self, pubsub: PubSub, topic: str, subscribe: Subscribe
    ) -> None:
        async with self.endpoint() as first, self.endpoint() as second:
            leaving = await subscribe(topic, push_endpoint=first.url)
            await subscribe(topic, push_endpoint=second.url)
            await pubsub.publish(topic, b"before")
            await self.eventually(lambda: first.taken and second.taken)
            await pubsub.unsubscribe(topic, leaving.name)
            await pubsub.publish(topic, b"after")
            await self.eventually(lambda: b"after" in {body for body, _ in second.taken})
            assert {body for body, _ in first.taken} == {b"before"}

    @behaviour("push", "subscriptions")
    @pytest.mark.parametrize("url", ["", "no url", "ftp://host/", "http://", "/path", 1], ids=ascii)
    async def test_what_is_no_endpoint_is_refused_before_sending(
        self, unsent: Watched, url: Any
    ) -> None:
        contract = unsent.channel.contract
        assert isinstance(contract, PubSub)
        with pytest.raises(ValidationError):
            await contract.create_subscription("ck-topic", "ck-name", push_endpoint=url)

    @staticmethod
    def _pushed_attributes(pubsub: PubSub) -> dict[str, str]:
        if not pubsub.capabilities.attributes:
            return {}
        return {"name": "value", "Upper.lower-1": "  Grüße, 世界 %20 \r\n", "empty": ""}
