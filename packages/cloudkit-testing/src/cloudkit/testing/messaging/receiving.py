"""Receiving: none, some, at once or with a wait; and what a message says about itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest
from cloudkit.api.messaging import Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import NotFoundError, ValidationError, utc_now
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, WatchChannel, Watched


class ReceivingBehaviours(MessagingSuite):
    """Receiving gives what there is, never more than was asked for, and waits as told."""

    __test__ = False

    async def test_what_was_sent_is_received_and_gone_once_acknowledged(
        self, open_channel: OpenChannel
    ) -> None:
        channel = await open_channel()
        await channel.send(b"body")
        message = await self.receive_one(channel)
        await channel.ack(message)
        await self.assert_nothing_comes(channel)

    async def test_an_empty_channel_gives_nothing_at_once(self, channel: Channel) -> None:
        with anyio.fail_after(self.patience):
            for _ in range(5):
                assert await channel.receive(max_messages=channel.limits.max_receive) == []

    async def test_a_wait_that_ends_with_nothing_gives_nothing(self, channel: Channel) -> None:
        assert await channel.receive(wait=self.waiting(channel)) == []

    async def test_a_wait_ends_early_when_a_message_comes(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel() as watched:
            wait = min(self.long_wait, watched.channel.limits.max_wait_seconds)
            messages, seconds = list[Message](), 0.0
            for _ in range(self.tries):
                messages, seconds = await self._received_while_waiting(watched, wait)
                if messages:
                    break
                # A service may answer a wait early and empty; but not each time.
                await self.take_bodies(watched.channel, 1)
            assert messages, "no receive got what was sent while it waited"
            assert seconds < max(wait * 0.75, self.patience / 2)

    async def test_a_wait_gives_at_once_what_is_there_already(self, channel: Channel) -> None:
        await channel.send(b"body")
        wait = min(self.long_wait, channel.limits.max_wait_seconds)
        with anyio.fail_after(max(wait * 0.75, self.patience / 2)):
            messages: list[Message] = []
            while not messages:
                messages = await channel.receive(wait=wait, max_messages=channel.limits.max_receive)
        assert [message.body for message in messages] == [b"body"]

    async def test_never_more_messages_than_asked_for(self, channel: Channel) -> None:
        bodies = {f"body {n}".encode() for n in range(channel.limits.max_receive + 3)}
        for body in bodies:
            await channel.send(body)
        asked, found = 1, set[bytes]()

        async def all_found() -> bool:
            nonlocal asked
            messages = await channel.receive(max_messages=asked, wait=self.waiting(channel))
            assert len(messages) <= asked
            asked = asked % channel.limits.max_receive + 1
            found.update(message.body for message in messages)
            return found == bodies

        await self.eventually(all_found)

    @pytest.mark.parametrize("wrong", [0, -1, 1.5, "1", None, True], ids=ascii)
    async def test_a_wrong_number_of_messages_is_refused_before_sending(
        self, unsent: Watched, wrong: Any
    ) -> None:
        with pytest.raises(ValidationError):
            await unsent.channel.receive(max_messages=wrong)

    async def test_limits_of_a_receive_are_checked_before_sending(self, unsent: Watched) -> None:
        limits = unsent.channel.limits
        for wrong in (
            {"max_messages": limits.max_receive + 1},
            {"wait": -1},
            {"wait": limits.max_wait_seconds + 1},
            {"wait": float("nan")},
            {"wait": "1"},
        ):
            with pytest.raises(ValidationError):
                await unsent.channel.receive(**wrong)

    async def test_a_message_says_where_it_comes_from_and_how_often_it_came(
        self, channel: Channel
    ) -> None:
        began = utc_now()
        sent = await channel.send(b"body")
        assert isinstance(sent.id, str)
        message = await self.receive_one(channel)
        assert message.id
        assert message.source == channel.source
        assert message.receive_count == 1
        assert message.dead_letter_reason is None
        if message.leased_until is not None:
            assert message.leased_until > began, "the lease has not ended, and times are aware"
        if message.sent_at is not None:
            assert abs((message.sent_at - began).total_seconds()) < 300, (
                "clocks may differ a little"
            )

    async def test_different_messages_have_different_ids(self, channel: Channel) -> None:
        for number in range(5):
            await channel.send(f"body {number}")
        messages = await self.receive_some(channel, 5)
        assert len({message.id for message in messages}) == 5

    async def test_equal_messages_are_different_messages(self, channel: Channel) -> None:
        for _ in range(3):
            await channel.send(b"the same")
        ids = set[str]()

        async def all_received() -> bool:
            messages = await channel.receive(wait=self.waiting(channel))
            ids.update(message.id for message in messages)
            return len(ids) == 3

        await self.eventually(all_received)

    async def test_competing_receivers_share_the_messages(self, channel: Channel) -> None:
        bodies = {f"body {n}".encode() for n in range(20)}
        for body in bodies:
            await channel.send(body)
        found: list[bytes] = []

        async def work() -> None:
            while set(found) != bodies:
                for message in await channel.receive(max_messages=2, wait=self.waiting(channel)):
                    found.append(message.body)
                    await channel.ack(message)

        with anyio.fail_after(self.patience):
            async with flat_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(work)
        assert sorted(found) == sorted(bodies)

    async def test_a_missing_channel_is_not_found_and_named(self, missing: Channel) -> None:
        calls = (partial(missing.send, b"body"), missing.receive, partial(missing.consume, print))
        for call in calls:
            with pytest.raises(NotFoundError) as caught:
                await call()
            assert (missing.topic or missing.name) in str(caught.value)
        (result,) = await missing.send_batch([b"body"])
        assert isinstance(result.error, NotFoundError)

    async def _received_while_waiting(
        self, watched: Watched, wait: float
    ) -> tuple[list[Message], float]:
        """What one receive gets that is sent while it waits, and how many seconds later it ends."""
        messages: list[Message] = []
        before = watched.faults.count("receive")

        async def receive() -> None:
            messages.extend(await watched.channel.receive(wait=wait))

        async with flat_task_group() as tasks:
            tasks.start_soon(receive)
            await self.eventually(lambda: watched.faults.count("receive") > before)
            await anyio.sleep(min(self.quiet, wait / 2))  # so that it waits by now
            began = anyio.current_time()
            await watched.channel.send(b"sent while somebody waits")
        return messages, anyio.current_time() - began
