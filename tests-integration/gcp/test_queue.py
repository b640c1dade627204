"""MessageQueue on Pub/Sub, as Google's emulator has it."""

from __future__ import annotations

import pytest
from anyio.to_thread import run_sync
from cloudkit.api.messaging import DeadLetterPolicy, OutgoingMessage
from cloudkit.common import UnsupportedOperationError, ValidationError
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.pubsub.names import last_part
from cloudkit.gcp.pubsub.subscriptions import MOST_ATTEMPTS
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.queue import MessageQueueSuite
from emulators import pubsub
from gcp.messaging import PROJECT, PubSubClouds


class TestPubSubQueue(PubSubClouds, MessageQueueSuite):
    known_defects = pubsub.QUEUE_DEFECTS

    async def test_what_was_received_a_hundred_times_comes_back_and_is_counted_anew(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body", attributes={"a": "b"})
        for count in range(1, MOST_ATTEMPTS + 1):
            message = await self.receive_one(channel)
            assert message.receive_count == count
            await channel.nack(message)
        message = await self.receive_one(channel)
        assert (message.body, message.attributes) == (b"body", {"a": "b"})
        assert message.receive_count == 1

    async def test_a_queue_goes_with_all_that_belongs_to_it(self, cloud: GcpCloud) -> None:
        name = self.fresh_name("queue")
        await cloud.queue.create_queue(name, dead_letter=DeadLetterPolicy(max_receives=5))
        made = {f"{name}~~queue{suffix}" for suffix in ("", "~dead", "~delayed")}
        assert await run_sync(self._places, cloud, name) == (made, made)
        assert name not in {info.name async for info in cloud.pubsub.list_topics()}
        await cloud.queue.delete_queue(name)
        assert await run_sync(self._places, cloud, name) == (set(), set())

    async def test_a_queue_that_was_not_made_to_the_end_can_be_deleted(
        self, cloud: GcpCloud
    ) -> None:
        name = self.fresh_name("queue")
        path = f"projects/{PROJECT}/topics/{name}~~queue"
        await run_sync(lambda: cloud.native.publisher.create_topic(name=path, retry=None))
        await cloud.queue.delete_queue(name)
        assert await run_sync(self._places, cloud, name) == (set(), set())

    async def test_a_delayed_message_of_a_fifo_queue_is_refused(
        self, cloud: GcpCloud, ordered: Channel
    ) -> None:
        with pytest.raises(UnsupportedOperationError, match="lose its place"):
            await cloud.queue.send(ordered.name, b"body", delay=1)
        (result,) = await cloud.queue.send_batch(
            ordered.name, [OutgoingMessage(body=b"body", delay=1)]
        )
        assert isinstance(result.error, UnsupportedOperationError)

    async def test_a_group_is_for_fifo_queues(self, cloud: GcpCloud, channel: Channel) -> None:
        with pytest.raises(ValidationError, match="fifo"):
            await cloud.queue.send(channel.name, b"body", group="a")

    @staticmethod
    def _places(cloud: GcpCloud, name: str) -> tuple[set[str], set[str]]:
        """Topics and subscriptions whose names begin with that of a queue."""
        project = f"projects/{PROJECT}"
        topics = cloud.native.publisher.list_topics(project=project, retry=None)
        subscriptions = cloud.native.subscriber.list_subscriptions(project=project, retry=None)
        found = [
            {last_part(item.name) for item in items if last_part(item.name).startswith(name)}
            for items in (topics, subscriptions)
        ]
        return found[0], found[1]
