"""Batches: one result for each message, whatever their number."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import OutgoingMessage
from cloudkit.common import PayloadTooLargeError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.samples import BODIES, KIB
from cloudkit.testing.messaging.suite import MessagingSuite, Watched, values
from cloudkit.testing.outcome import behaviour

_LIMIT = 64 * KIB


class BatchBehaviours(MessagingSuite):
    """A batch is as good as its messages one by one."""

    __test__ = False

    @pytest.mark.parametrize("count", [1, 10, 25])
    async def test_a_batch_arrives(self, channel: Channel, count: int) -> None:
        bodies = [f"body {number}".encode() for number in range(count)]
        results = await channel.send_batch(bodies)
        assert len(results) == count
        assert all(isinstance(result.value.id, str) for result in results)
        assert sorted(await self.take_bodies(channel, count)) == sorted(bodies)
        await self.assert_nothing_comes(channel)

    @pytest.mark.parametrize("count", [1, 10, 25])
    async def test_a_bad_message_of_a_batch_does_not_hold_up_the_others(
        self, channel: Channel, count: int
    ) -> None:
        self.restrict(channel.contract, max_message_bytes=_LIMIT)
        bodies = [f"body {number}".encode() for number in range(count)]
        bad = count // 2
        bodies.insert(bad, bytes(_LIMIT + 1))
        results = await channel.send_batch(bodies)
        assert [result.ok for result in results] == [index != bad for index in range(count + 1)]
        error = results[bad].error
        assert isinstance(error, PayloadTooLargeError)
        assert error.provider
        assert error.operation
        del bodies[bad]
        assert sorted(await self.take_bodies(channel, count)) == sorted(bodies)

    async def test_an_empty_batch_sends_nothing(self, unsent: Watched) -> None:
        assert await unsent.channel.send_batch([]) == []

    async def test_strange_bodies_arrive_in_a_batch(self, channel: Channel) -> None:
        values(await channel.send_batch(BODIES.values()))
        received = await self.take_bodies(channel, len(BODIES))
        assert sorted(received) == sorted(BODIES.values())

    @behaviour("attributes")
    async def test_messages_of_a_batch_keep_their_own_attributes(self, channel: Channel) -> None:
        messages = [
            OutgoingMessage(body=f"body {n}", attributes={"number": str(n)} if n else {})
            for n in range(12)
        ]
        values(await channel.send_batch(messages))
        for message in await self.receive_some(channel, 12):
            number = message.text().removeprefix("body ")
            assert dict(message.attributes) == ({"number": number} if number != "0" else {})

    async def test_a_batch_larger_than_a_request_is_split(self, channel: Channel) -> None:
        size = min(200 * KIB, channel.limits.max_message_bytes)
        bodies = [bytes([number]) * size for number in range(4)]
        values(await channel.send_batch(bodies))
        assert sorted(await self.take_bodies(channel, 4)) == bodies

    async def test_a_batch_of_nothing_but_bad_messages_sends_nothing(self, unsent: Watched) -> None:
        self.restrict(unsent.channel.contract, max_message_bytes=4)
        results = await unsent.channel.send_batch([b"too large", b"too large as well"])
        assert [type(result.error) for result in results] == [PayloadTooLargeError] * 2
