"""What only queues do with messages: delays, leases of a chosen length, purging, counting, names."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest
from cloudkit.api.messaging import OutgoingMessage
from cloudkit.api.queue import MessageQueue, QueueStats
from cloudkit.common import ValidationError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import Watched, values
from cloudkit.testing.outcome import behaviour, unsupported
from cloudkit.testing.queue.suite import QueueSuite


class QueueMessageBehaviours(QueueSuite):
    """Messages may come later, be counted, and be dropped all at once."""

    __test__ = False

    @behaviour("delay")
    async def test_a_delayed_message_comes_later(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        began = anyio.current_time()
        await queues.send(channel.name, b"later", delay=timedelta(seconds=self.delay))
        await queues.send(channel.name, b"now")
        assert (await self.receive_one(channel)).body == b"now"
        message = await self.receive_one(channel, within=self.delay)
        assert anyio.current_time() - began >= self.delay / 2
        assert (message.body, message.receive_count) == (b"later", 1)

    @behaviour("delay")
    async def test_a_delay_of_one_message_of_a_batch_is_its_own(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        began = anyio.current_time()
        values(
            await queues.send_batch(
                channel.name, [OutgoingMessage(body=b"later", delay=self.delay), b"now"]
            )
        )
        assert (await self.receive_one(channel)).body == b"now"
        assert (await self.receive_one(channel, within=self.delay)).body == b"later"
        assert anyio.current_time() - began >= self.delay / 2

    @behaviour("delay")
    async def test_a_delay_beyond_the_limit_is_refused_before_sending(
        self, unsent: Watched
    ) -> None:
        contract = unsent.channel.contract
        assert isinstance(contract, MessageQueue)
        for wrong in (-1, contract.capabilities.max_delay_seconds + 1, float("nan")):
            with pytest.raises(ValidationError):
                await contract.send(unsent.channel.name, b"body", delay=wrong)

    @behaviour("visibility")
    async def test_a_receive_chooses_the_length_of_its_lease(self, channel: Channel) -> None:
        lease = self.short_lease(channel.limits)
        await channel.send(b"body")
        first = await self.receive_one(channel, visibility=lease)
        again = await self.receive_one(channel, within=lease)  # long before the queue's own ends
        assert again.receive_count == first.receive_count + 1

    @behaviour("purge")
    async def test_purging_drops_all_messages(self, queues: MessageQueue, channel: Channel) -> None:
        for number in range(12):
            await channel.send(f"body {number}")
        await queues.purge(channel.name)
        await self.assert_nothing_comes(channel)
        assert await queues.queue_exists(channel.name)

    @behaviour("purge", "purge_leased", "extend")
    async def test_purging_drops_leased_messages_as_well(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        lease = self.renewed_lease(channel.limits)
        await channel.send(b"body")
        await queues.extend(await self.receive_one(channel), lease)
        await queues.purge(channel.name)
        await self.assert_nothing_comes(channel, during=lease + self.quiet)

    @behaviour("purge", "delay")
    async def test_purging_drops_delayed_messages_as_well(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        await queues.send(channel.name, b"body", delay=self.delay)
        await queues.purge(channel.name)
        await self.assert_nothing_comes(channel, during=self.delay + self.quiet)

    @behaviour("purge")
    async def test_purging_an_empty_queue_is_fine_and_the_queue_works_on(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        await queues.purge(channel.name)
        await queues.purge(channel.name)
        await channel.send(b"body")
        assert await self.take_bodies(channel, 1) == [b"body"]

    @behaviour("stats")
    async def test_stats_count_what_waits_and_what_is_leased(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        await self._counts(queues, channel, available=0, leased=0, delayed=0)
        for number in range(5):
            await channel.send(f"body {number}")
        await self._counts(queues, channel, available=5, leased=0, delayed=0)
        messages = await self.receive_some(channel, 2)
        await self._counts(queues, channel, available=3, leased=2, delayed=0)
        await channel.ack(messages[0])
        await channel.nack(messages[1])
        await self._counts(queues, channel, available=4, leased=0, delayed=0)

    @behaviour("stats", "delay")
    async def test_stats_count_what_is_delayed(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        delay = min(60.0, queues.capabilities.max_delay_seconds)
        await queues.send(channel.name, b"body", delay=delay)
        await self._counts(queues, channel, available=0, leased=0, delayed=1)

    @behaviour("stats")
    async def test_the_depth_of_a_queue_is_what_waits(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        if (await queues.stats(channel.name)).available is None:
            assert await queues.get_queue_depth(channel.name) == 0
            return
        for number in range(3):
            await channel.send(f"body {number}")

        async def told() -> bool:
            return await queues.get_queue_depth(channel.name) == 3

        await self.eventually(told)

    async def test_delete_is_another_name_of_ack(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        await channel.send(b"body")
        await queues.delete(await self.receive_one(channel))
        await self.assert_nothing_comes(channel)

    @behaviour("extend", "extend_length")
    async def test_change_visibility_is_another_name_of_extend_and_nack(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        lease = self.short_lease(channel.limits)
        await channel.send(b"body")
        message = await self.receive_one(channel)
        await queues.change_visibility(message, timedelta(seconds=lease))
        message = await self.receive_one(channel, within=lease)
        await queues.change_visibility(message, 0)
        assert (await self.receive_one(channel)).receive_count == 3

    @behaviour("retention")
    async def test_a_message_older_than_the_retention_is_dropped(
        self, queues: MessageQueue
    ) -> None:
        if self.short_retention is None:
            unsupported("attribute short_retention", "the service keeps messages longer than that")
        name = self.fresh_name("queue")
        await queues.create_queue(name, retention=self.short_retention)
        try:
            await queues.send(name, b"body")
            await anyio.sleep(self.short_retention + self.quiet)
            assert await queues.receive(name) == []
        finally:
            await queues.delete_queue(name)

    async def _counts(self, queues: MessageQueue, channel: Channel, **expected: int) -> None:
        last: list[QueueStats] = []

        async def told() -> bool:
            last[:] = [await queues.stats(channel.name)]
            return all(getattr(last[0], name) in {None, n} for name, n in expected.items())

        try:
            await self.eventually(told)
        except AssertionError:
            raise AssertionError(f"stats are {last}, not {expected}") from None
