"""MessageQueue on SQS, as two emulators have it."""

from __future__ import annotations

from typing import Any, ClassVar

import anyio
import pytest
from aws.clouds import AwsClouds
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.testing.queue import MessageQueueSuite
from emulators import localstack, moto
from emulators.process import Server


class SqsSuite(AwsClouds, MessageQueueSuite):
    __test__ = False

    provider = "aws"
    backlog: ClassVar[int] = 100

    async def test_the_reason_of_a_dead_letter_is_kept_until_it_is_sent_back(
        self, cloud: Any, open_channel: Any
    ) -> None:
        channel = await open_channel(dead_letter=DeadLetterPolicy(max_receives=2))
        await channel.send(b"\xff", attributes={"empty": ""})
        await cloud.queue.dead_letter(await self.receive_one(channel), "why: Grüße \x00")
        (dead,) = await self.receive_dead_letters(channel)
        assert dead.dead_letter_reason == "why: Grüße \x00"
        assert dict(dead.attributes) == {"empty": ""}
        await cloud.queue.nack(dead)
        assert await cloud.queue.redrive(channel.name) == 1
        message = await self.receive_one(channel)
        assert (message.body, dict(message.attributes)) == (b"\xff", {"empty": ""})
        assert message.dead_letter_reason is None

    async def test_a_fifo_queue_is_known_by_its_name_with_and_without_the_suffix(
        self, cloud: Any, cleanup: Any
    ) -> None:
        name = self.fresh_name("queue")
        cleanup.later(cloud.queue.delete_queue, name)
        await cloud.queue.create_queue(name, fifo=True)
        await cloud.queue.send(f"{name}.fifo", b"body")
        (message,) = await cloud.queue.receive(name, wait=1)
        assert (message.body, message.group, message.dedup_id) == (b"body", None, None)
        assert (await cloud.queue.describe_queue(f"{name}.fifo")).fifo
        listed = await cloud.queue.list_queues(prefix=name).to_list()
        assert [info.name for info in listed] == [name]
        for taken in (name, f"{name}.fifo"):
            with pytest.raises(AlreadyExistsError):
                await cloud.queue.create_queue(taken, fifo=True)

    async def test_a_dead_letter_without_a_group_goes_back_to_its_fifo_queue(
        self, cloud: Any, open_channel: Any
    ) -> None:
        channel = await open_channel(ordered=True, dead_letter=DeadLetterPolicy(max_receives=2))
        await channel.send(b"body")
        await cloud.queue.dead_letter(await self.receive_one(channel), "why")
        assert await cloud.queue.redrive(channel.name) == 1
        message = await self.receive_one(channel)
        assert (message.body, message.group) == (b"body", None)

    async def test_a_queue_goes_with_its_place_for_dead_letters(self, cloud: Any) -> None:
        name = self.fresh_name("queue")
        await cloud.queue.create_queue(name, dead_letter=DeadLetterPolicy())
        sqs = cloud.native.sqs
        await cloud.queue.describe_queue(f"{name}_cloudkit-dead")
        await cloud.queue.delete_queue(name)
        found = await anyio.to_thread.run_sync(lambda: sqs.list_queues(QueueNamePrefix=name))
        assert found.get("QueueUrls", []) == []
        with pytest.raises(NotFoundError):
            await cloud.queue.describe_queue(f"{name}_cloudkit-dead")

    async def test_queues_of_subscriptions_are_not_listed(self, cloud: Any, cleanup: Any) -> None:
        topic = self.fresh_name("topic")
        cleanup.later(cloud.pubsub.delete_topic, topic)
        await cloud.pubsub.create_topic(topic)
        await cloud.pubsub.create_subscription(topic, "mail")
        assert await cloud.queue.list_queues(prefix="cksub").to_list() == []


class TestLocalStack(SqsSuite):
    known_defects = localstack.QUEUE_DEFECTS

    @pytest.fixture
    def server(self, localstack: Server) -> Server:
        return localstack


class TestMoto(SqsSuite):
    backends = ("asyncio",)  # a second opinion on the service, not on the runtimes
    known_defects = moto.QUEUE_DEFECTS

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        return moto
