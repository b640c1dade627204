"""PubSub and MessageQueue on the double of Streaming."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import pytest
from anyio import fail_after
from attrs import evolve
from cloudkit.api.messaging import Message
from cloudkit.common import Capabilities, ConflictError, NotFoundError
from cloudkit.core import lazy_property
from cloudkit.oracle import OracleCloud
from cloudkit.oracle.streaming import StreamingMessageQueue, reader
from cloudkit.testing import MakeCloud
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.queue import MessageQueueSuite
from oracle.clouds import OracleClouds


class StreamingClouds(OracleClouds):
    """To be inherited before a suite."""

    # Five looks a second are what the service allows a group; the double does not count.
    cloud_options: ClassVar[Mapping[str, Any]] = {"stream_poll_interval": 0.02}
    backlog: ClassVar[int] = 100
    # Names are looked up in a list, so that a stream is missing is no error of the service.
    native_facts: ClassVar[Collection[str]] = ("request_id",)


class TestTopics(StreamingClouds, PubSubSuite):
    pass


class StreamingCloud(OracleCloud):
    """Oracle's cloud with its queues on Streaming, so that the suite finds them."""

    @lazy_property
    def capabilities(self) -> Capabilities:
        """With those of the other queues."""
        return evolve(super().capabilities, queue=self.streaming.capabilities)

    @property
    def queue(self) -> StreamingMessageQueue:  # type: ignore[override]
        """The other queues."""
        return self.streaming


class TestQueues(StreamingClouds, MessageQueueSuite):
    cloud_type = StreamingCloud
    backends = ("asyncio",)  # leases are those of topics, which are tried on both runtimes


class TestConsumers(StreamingClouds):
    """What happens to the messages of a client that is gone."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(autouse=True)
    def _short_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "SILENCE_SECONDS", 0.5)

    async def test_the_next_client_gets_what_was_not_acknowledged(
        self, make_cloud: MakeCloud
    ) -> None:
        name = f"ck-topic-{uuid.uuid4().hex[:12]}"
        async with make_cloud() as cloud:
            await cloud.pubsub.create_topic(name)
            await cloud.pubsub.create_subscription(name, "mail", visibility=0.5)
            for number in range(4):
                await cloud.pubsub.publish(name, str(number))
            found: list[Message] = []
            while len(found) < 3:
                found += await cloud.pubsub.receive(name, "mail", max_messages=1, wait=5)
            await cloud.pubsub.ack_batch([found[0], found[2]])
        async with make_cloud() as cloud:
            bodies: list[bytes] = []
            with fail_after(20):
                while len(bodies) < 4:
                    more = await cloud.pubsub.receive(name, "mail", max_messages=9, wait=5)
                    bodies += [message.body for message in more]
                    await cloud.pubsub.ack_batch(more)
            # They were read by one request, of which nothing counts before all of it is done.
            assert bodies == [b"0", b"1", b"2", b"3"]
        async with make_cloud() as cloud:
            assert await cloud.pubsub.receive(name, "mail", wait=1.5) == []
            await cloud.pubsub.delete_topic(name)

    async def test_a_topic_takes_as_many_subscriptions_as_its_stream_takes_tags(
        self, make_cloud: MakeCloud
    ) -> None:
        name = f"ck-topic-{uuid.uuid4().hex[:12]}"
        async with make_cloud() as cloud:
            await cloud.pubsub.create_topic(name)
            for number in range(8):
                await cloud.pubsub.create_subscription(name, f"mail-{number}")
            with pytest.raises(ConflictError, match="no more subscriptions"):
                await cloud.pubsub.create_subscription(name, "mail-8")
            await cloud.pubsub.delete_topic(name)

    async def test_a_topic_that_another_client_has_made_anew_is_found(
        self, make_cloud: MakeCloud
    ) -> None:
        name = f"ck-topic-{uuid.uuid4().hex[:12]}"
        async with make_cloud() as cloud, make_cloud() as other:
            await other.pubsub.create_topic(name)
            await other.pubsub.create_subscription(name, "mail")
            await cloud.pubsub.publish(name, b"old")
            (message,) = await cloud.pubsub.receive(name, "mail", wait=5)
            await cloud.pubsub.ack(message)
            await other.pubsub.delete_topic(name)
            with pytest.raises(NotFoundError):
                await cloud.pubsub.receive(name, "mail")
            await other.pubsub.create_topic(name)
            await other.pubsub.create_subscription(name, "mail")
            await cloud.pubsub.publish(name, b"new")
            with fail_after(20):  # until the one that has subscribed is taken for gone
                while not (found := await cloud.pubsub.receive(name, "mail", wait=5)):
                    pass
            assert [each.body for each in found] == [b"new"]
            await cloud.pubsub.delete_topic(name)
