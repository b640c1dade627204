"""Dead letters: messages that failed too often, or were rejected, are set aside."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from cloudkit.api.messaging import DeadLetterPolicy, Message
from cloudkit.common import ConflictError, NotFoundError, PreconditionFailedError, ValidationError
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel
from cloudkit.testing.outcome import behaviour


class DeadLetterBehaviours(MessagingSuite):
    """A message that nobody can handle is set aside, and not lost."""

    __test__ = False

    @pytest.fixture
    async def dead_channel(self, open_channel: OpenChannel, contract: Any) -> Channel:
        """A channel that sets messages aside after a few receives."""
        return await open_channel(dead_letter=self.few_receives(contract.capabilities))

    @behaviour("dead_letter", "list_dead_letters")
    async def test_a_message_given_back_too_often_is_set_aside(self, dead_channel: Channel) -> None:
        channel, policy = dead_channel, self.few_receives(dead_channel.limits)
        await channel.send(b"\x00poison\xff", attributes=self._attributes(channel))
        for count in range(1, policy.max_receives + 1):
            assert await self.some_dead_letters(channel) == [], "set aside too early"
            message = await self.receive_one(channel)
            assert message.receive_count == count
            await channel.nack(message)
        await self.assert_nothing_comes(channel)
        (dead,) = await self.receive_dead_letters(channel)
        assert dead.body == b"\x00poison\xff"
        assert dict(dead.attributes) == self._attributes(channel)
        assert dead.source.dead_letters
        assert dead.source.name == channel.name

    @behaviour("dead_letter", "list_dead_letters")
    async def test_a_message_whose_leases_end_too_often_is_set_aside(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.short_lease(contract.capabilities)
        policy = self.few_receives(contract.capabilities)
        channel = await open_channel(visibility=lease, dead_letter=policy)
        await channel.send(b"poison")
        for count in range(1, policy.max_receives + 1):
            message = await self.receive_one(channel, within=lease)
            assert message.receive_count == count
        found: list[Message] = []

        async def set_aside() -> bool:
            # Some services do so only when the message would be delivered once more: somebody asks.
            assert await channel.receive() == []
            found.extend(await self.some_dead_letters(channel))
            return bool(found)

        await self.eventually(set_aside)
        assert [dead.body for dead in found] == [b"poison"]
        await self.assert_nothing_comes(channel, during=lease * 2)

    @behaviour("dead_letter", "list_dead_letters")
    async def test_only_what_fails_is_set_aside(self, dead_channel: Channel) -> None:
        channel = dead_channel
        await channel.send(b"good")
        await channel.send(b"poison")
        good, dead = set[bytes](), set[bytes]()

        async def sorted_out() -> bool:
            for message in await channel.receive(wait=self.waiting(channel)):
                if message.body == b"poison":
                    await channel.nack(message)
                else:
                    await channel.ack(message)
                    good.add(message.body)
            dead.update(message.body for message in await self.some_dead_letters(channel))
            return bool(dead)

        await self.eventually(sorted_out)
        assert (good, dead) == ({b"good"}, {b"poison"})

    @behaviour("dead_letter", "list_dead_letters")
    async def test_a_message_is_set_aside_at_once_with_a_reason(
        self, dead_channel: Channel
    ) -> None:
        channel = dead_channel
        await channel.send(b"body", attributes=self._attributes(channel))
        message = await self.receive_one(channel)
        await channel.contract.dead_letter(message, "cannot be read: Grüße")
        await self.assert_nothing_comes(channel)
        (dead,) = await self.receive_dead_letters(channel)
        assert dead.body == b"body"
        assert dict(dead.attributes) == self._attributes(channel)
        assert dead.dead_letter_reason in {None, "cannot be read: Grüße"}

    @behaviour("dead_letter")
    async def test_without_a_policy_nothing_that_is_set_aside_is_lost(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body")
        message = await self.receive_one(channel)
        refusal: ConflictError | None = None
        try:
            await channel.contract.dead_letter(message)
        except ConflictError as error:
            refusal = error
        if refusal is not None:
            assert channel.name in str(refusal)
            await channel.nack(message)
            assert (await self.receive_one(channel)).body == b"body"
            return
        if channel.limits.list_dead_letters:
            (dead,) = await self.receive_dead_letters(channel)
            assert dead.body == b"body"
        await self.assert_nothing_comes(channel)

    @behaviour("dead_letter", "list_dead_letters", "extend")
    async def test_who_sets_aside_late_takes_nothing_from_the_next(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        policy = DeadLetterPolicy(max_receives=contract.capabilities.max_receives)
        channel = await open_channel(visibility=lease, dead_letter=policy)
        await channel.send(b"body")
        late = await self.receive_one(channel)
        current = await self.receive_one(channel, within=lease)
        await channel.contract.extend(current, self.long_lease(channel.limits))
        with suppress(NotFoundError, PreconditionFailedError):
            await channel.contract.dead_letter(late)
        assert await self.some_dead_letters(channel) == []
        await self.assert_nothing_comes(channel)

    async def test_without_a_policy_a_message_comes_back_for_ever(self, channel: Channel) -> None:
        await channel.send(b"body")
        for count in range(1, min(11, channel.limits.max_deliveries or 11) + 1):
            message = await self.receive_one(channel)
            assert message.receive_count == count
            await channel.nack(message)

    @behaviour("dead_letter", "list_dead_letters")
    async def test_an_acknowledged_dead_letter_is_gone_for_good(
        self, dead_channel: Channel
    ) -> None:
        await self._set_aside(dead_channel, b"first", b"second")
        for dead in await self.receive_dead_letters(dead_channel, 2):
            if dead.body == b"first":
                await dead_channel.ack(dead)
            with suppress(NotFoundError, PreconditionFailedError):
                await dead_channel.nack(dead)  # which must not bring the first back
        left = await self.receive_dead_letters(dead_channel)
        assert [dead.body for dead in left] == [b"second"]
        await dead_channel.ack(left[0])
        assert await self.some_dead_letters(dead_channel) == []
        await self.assert_nothing_comes(dead_channel)

    @behaviour("dead_letter", "list_dead_letters")
    async def test_a_dead_letter_given_back_stays_where_it_is(self, dead_channel: Channel) -> None:
        await self._set_aside(dead_channel, b"body")
        for _ in range(3):
            (dead,) = await self.receive_dead_letters(dead_channel)
            await dead_channel.nack(dead)
        await self.assert_nothing_comes(dead_channel)
        assert len(await self.receive_dead_letters(dead_channel)) == 1

    @behaviour("dead_letter", "list_dead_letters")
    async def test_no_dead_letters_are_an_empty_list(self, dead_channel: Channel) -> None:
        await dead_channel.send(b"body")
        assert await self.some_dead_letters(dead_channel) == []

    @behaviour("dead_letter")
    async def test_limits_of_a_policy_are_checked(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        self.restrict(contract, min_receives=2, max_receives=10)
        for wrong in (1, 11):
            with pytest.raises(ValidationError):
                await open_channel(dead_letter=DeadLetterPolicy(max_receives=wrong))
        for nonsense in (0, -1, 1.5, "5"):
            with pytest.raises(ValidationError):
                DeadLetterPolicy(max_receives=nonsense)  # type: ignore[arg-type]

    async def _set_aside(self, channel: Channel, *bodies: bytes) -> None:
        for body in bodies:
            await channel.send(body)
        for message in await self.receive_some(channel, len(bodies)):
            await channel.contract.dead_letter(message, "for the test")

    @staticmethod
    def _attributes(channel: Channel) -> dict[str, str]:
        return {"kind": "poison"} if channel.limits.attributes else {}
