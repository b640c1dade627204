"""Dead letters go back to their queue."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.queue import MessageQueue
from cloudkit.common import ValidationError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import OpenChannel, Watched
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.queue.suite import QueueSuite


class RedriveBehaviours(QueueSuite):
    """What was set aside can be tried again."""

    __test__ = False

    @pytest.fixture
    async def set_aside(
        self, queues: MessageQueue, open_channel: OpenChannel, contract: Any
    ) -> Channel:
        """A queue with three dead letters."""
        channel = await open_channel(dead_letter=self.few_receives(contract.capabilities))
        for number in range(3):
            await channel.send(f"body {number}")
        for message in await self.receive_some(channel, 3):
            await queues.dead_letter(message, "for the test")
        await self.assert_nothing_comes(channel)
        return channel

    @behaviour("dead_letter", "redrive")
    async def test_dead_letters_are_sent_back_and_received_anew(
        self, queues: MessageQueue, set_aside: Channel
    ) -> None:
        assert await queues.redrive(set_aside.name) in {0, 3}, "as far as the service tells"
        messages = await self.receive_some(set_aside, 3)
        assert sorted(message.body for message in messages) == [b"body 0", b"body 1", b"body 2"]
        assert {message.receive_count for message in messages} == {1}
        assert not any(message.source.dead_letters for message in messages)
        if set_aside.limits.list_dead_letters:
            assert await self.some_dead_letters(set_aside) == []

    @behaviour("dead_letter", "redrive")
    async def test_no_more_dead_letters_are_sent_back_than_asked_for(
        self, queues: MessageQueue, set_aside: Channel
    ) -> None:
        assert await queues.redrive(set_aside.name, max_messages=1) in {0, 1}
        await self.receive_one(set_aside)
        await self.assert_nothing_comes(set_aside)
        if set_aside.limits.list_dead_letters:
            assert len(await self.receive_dead_letters(set_aside, 2)) == 2

    @behaviour("dead_letter", "redrive")
    async def test_what_was_sent_back_fails_as_often_as_before_until_it_is_set_aside_again(
        self, queues: MessageQueue, set_aside: Channel
    ) -> None:
        await queues.redrive(set_aside.name, max_messages=1)
        for count in range(1, self.few_receives(set_aside.limits).max_receives + 1):
            message = await self.receive_one(set_aside)
            assert message.receive_count == count
            await set_aside.nack(message)
        await self.assert_nothing_comes(set_aside)

    @behaviour("dead_letter", "redrive")
    async def test_with_no_dead_letters_nothing_is_sent_back(
        self, queues: MessageQueue, open_channel: OpenChannel, contract: Any
    ) -> None:
        channel = await open_channel(dead_letter=self.few_receives(contract.capabilities))
        await channel.send(b"body")
        assert await queues.redrive(channel.name) == 0
        assert len(await self.receive_some(channel, 1)) == 1
        await self.assert_nothing_comes(channel)

    @behaviour("dead_letter", "list_dead_letters", "purge")
    async def test_purging_a_queue_leaves_its_dead_letters(
        self, queues: MessageQueue, set_aside: Channel
    ) -> None:
        await set_aside.send(b"alive")
        await queues.purge(set_aside.name)
        await self.assert_nothing_comes(set_aside)
        dead = await self.receive_dead_letters(set_aside, 3)
        assert sorted(message.body for message in dead) == [b"body 0", b"body 1", b"body 2"]

    @behaviour("dead_letter", "stats")
    async def test_stats_count_dead_letters(self, queues: MessageQueue, set_aside: Channel) -> None:
        async def told() -> bool:
            return (await queues.stats(set_aside.name)).dead in {None, 3}

        await self.eventually(told)

    @behaviour("redrive")
    async def test_a_wrong_number_to_send_back_is_refused_before_sending(
        self, unsent: Watched
    ) -> None:
        contract = unsent.channel.contract
        assert isinstance(contract, MessageQueue)
        for wrong in (0, -1, 1.5, "1"):
            number: Any = wrong
            with pytest.raises(ValidationError):
                await contract.redrive(unsent.channel.name, max_messages=number)
