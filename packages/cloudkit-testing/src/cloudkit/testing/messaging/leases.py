"""Leases: a message that was received is hidden until it is settled or its lease ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import pytest
from cloudkit.api.messaging import Leases, Message
from cloudkit.common import NotFoundError, PreconditionFailedError, ValidationError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.refusals import unsent_message
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, Watched, values
from cloudkit.testing.outcome import behaviour

Settle: TypeAlias = Callable[[Leases[Any], Message], Awaitable[object]]

LATE: dict[str, Settle] = {
    "ack": lambda leases, message: leases.ack(message),
    "nack": lambda leases, message: leases.nack(message),
}


async def _late(settle: Awaitable[object]) -> None:
    """A lease has ended: the service may tell, or do nothing."""
    with suppress(NotFoundError, PreconditionFailedError):
        await settle


class LeaseBehaviours(MessagingSuite):
    """Nobody else gets a leased message; none is lost with its receiver."""

    __test__ = False

    async def test_a_leased_message_is_hidden(self, channel: Channel) -> None:
        await channel.send(b"body")
        await self.receive_one(channel)
        await self.assert_nothing_comes(channel)

    async def test_a_message_comes_back_when_its_lease_ends(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.short_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        await channel.send(b"body")
        first = await self.receive_one(channel)
        second = await self.receive_one(channel, within=lease)
        third = await self.receive_one(channel, within=lease)
        assert [m.receive_count for m in (first, second, third)] == [1, 2, 3]
        assert (second.body, dict(second.attributes)) == (first.body, dict(first.attributes))

    async def test_an_acknowledged_message_does_not_come_back_when_its_lease_would_have_ended(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        await channel.send(b"body")
        await channel.ack(await self.receive_one(channel))
        await self.assert_nothing_comes(channel, during=lease + self.quiet)

    async def test_acknowledging_twice_is_fine(self, channel: Channel) -> None:
        await channel.send(b"body")
        message = await self.receive_one(channel)
        await channel.ack(message)
        await channel.ack(message)
        await self.assert_nothing_comes(channel)

    async def test_only_what_was_acknowledged_is_gone(self, channel: Channel) -> None:
        for number in range(3):
            await channel.send(f"body {number}")
        first, second, third = await self.receive_some(channel, 3)
        await channel.ack(second)
        await channel.nack(first)
        await channel.nack(third)
        left = await self.take_bodies(channel, 2)
        assert sorted(left) == sorted([first.body, third.body])
        await self.assert_nothing_comes(channel)

    async def test_a_message_given_back_comes_at_once(self, channel: Channel) -> None:
        await channel.send(b"body")
        for count in (1, 2, 3):
            message = await self.receive_one(channel)  # long before the lease would end
            assert message.receive_count == count
            await channel.nack(message)
        await channel.ack(await self.receive_one(channel))
        await self.assert_nothing_comes(channel)

    @behaviour("nack_delay")
    async def test_a_message_given_back_with_a_delay_comes_later(self, channel: Channel) -> None:
        await channel.send(b"body")
        message = await self.receive_one(channel)
        began = anyio.current_time()
        await channel.nack(message, delay=self.delay)
        again = await self.receive_one(channel, within=self.delay)
        assert anyio.current_time() - began >= self.delay / 2
        assert again.receive_count == message.receive_count + 1

    @behaviour("extend", "extend_length")
    async def test_a_lease_is_prolonged(self, open_channel: OpenChannel, contract: Any) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        await channel.send(b"body")
        message = await self.receive_one(channel)
        longer = await channel.contract.extend(message, self.long_lease(channel.limits))
        if message.leased_until is not None:
            assert longer.leased_until is not None
            assert longer.leased_until > message.leased_until
        assert (longer.id, longer.body) == (message.id, message.body)
        await self.assert_nothing_comes(channel, during=lease * 1.5)
        await channel.ack(longer)
        await self.assert_nothing_comes(channel)

    @behaviour("extend", "extend_length")
    async def test_a_prolonged_lease_ends_as_well(self, channel: Channel, contract: Any) -> None:
        lease = self.short_lease(contract.capabilities)
        await channel.send(b"body")
        message = await self.receive_one(channel)
        await channel.contract.extend(message, lease)
        again = await self.receive_one(channel, within=lease)
        assert again.receive_count == message.receive_count + 1

    @behaviour("extend")
    async def test_a_lease_is_prolonged_by_its_own_length(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        await channel.send(b"body")
        message = await self.receive_one(channel)
        for _ in range(4):
            await self.assert_nothing_comes(channel, during=lease / 2)
            longer = await channel.contract.extend(message, lease)
            if message.leased_until is not None:
                assert longer.leased_until is not None
                assert longer.leased_until > message.leased_until
            message = longer
        again = await self.receive_one(channel, within=lease)
        assert again.receive_count == message.receive_count + 1

    @pytest.mark.parametrize("settle", LATE)
    async def test_who_comes_late_takes_nothing_from_the_next(
        self, open_channel: OpenChannel, contract: Any, settle: str
    ) -> None:
        late, current, channel = await self._leased_twice(open_channel, contract)
        await _late(LATE[settle](channel.contract, late))
        if channel.limits.extend:  # or its own lease may end meanwhile
            await self.assert_nothing_comes(channel)
        await channel.nack(current)
        again = await self.receive_one(channel)
        assert again.body == current.body, "the late one lost the other's message"

    @behaviour("extend")
    async def test_who_prolongs_late_takes_nothing_from_the_next(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        late, current, channel = await self._leased_twice(open_channel, contract)
        await _late(channel.contract.extend(late, self.long_lease(channel.limits)))
        await channel.nack(current)
        await channel.ack(await self.receive_one(channel))
        await self.assert_nothing_comes(channel)

    async def test_an_ack_after_the_lease_ended_is_an_error_or_fine(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        late, current, channel = await self._leased_twice(open_channel, contract)
        await channel.ack(current)
        for settle in LATE.values():
            await _late(settle(channel.contract, late))
        await self.assert_nothing_comes(channel)

    async def test_giving_back_what_was_acknowledged_brings_nothing_back(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body")
        message = await self.receive_one(channel)
        await channel.ack(message)
        await _late(channel.nack(message))
        await self.assert_nothing_comes(channel)

    async def test_lengths_of_leases_are_checked_before_sending(self, unsent: Watched) -> None:
        channel, message = unsent.channel, unsent_message(unsent.channel.source)
        limits = channel.limits
        wrong: list[Any] = [-1, limits.max_visibility_seconds + 1, float("nan"), "1"]
        if limits.min_visibility_seconds > 0:
            wrong.append(limits.min_visibility_seconds / 2)
        for length in wrong:
            with pytest.raises(ValidationError):
                await channel.contract.extend(message, length)
            if limits.visibility:
                with pytest.raises(ValidationError):
                    await channel.receive(visibility=length)
        for delay in wrong[:4] if limits.nack_delay else []:
            with pytest.raises(ValidationError):
                await channel.nack(message, delay=delay)

    async def test_many_messages_are_acknowledged_at_once(self, channel: Channel) -> None:
        count = channel.limits.ack_batch + 2
        values(await channel.send_batch([f"body {n}" for n in range(count)]))
        messages = await self.receive_some(channel, count)
        results = await channel.contract.ack_batch(messages)
        assert [result.value.id for result in results] == [message.id for message in messages]
        assert await channel.contract.ack_batch([]) == []
        await self.assert_nothing_comes(channel)

    async def _leased_twice(
        self, open_channel: OpenChannel, contract: Any
    ) -> tuple[Message, Message, Channel]:
        """A message whose lease has ended, the same leased anew, and where."""
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        await channel.send(b"body")
        late = await self.receive_one(channel)
        current = await self.receive_one(channel, within=lease)
        assert current.receive_count == late.receive_count + 1
        if channel.limits.extend:
            long = self.long_lease(channel.limits)
            current = await channel.contract.extend(current, long)
        return late, current, channel
