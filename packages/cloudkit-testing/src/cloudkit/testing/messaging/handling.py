"""consume: what becomes of a message when its handler returns, or raises."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import anyio
import pytest
from cloudkit.api.messaging import Message, RejectMessage
from cloudkit.common import (
    NotFoundError,
    PermissionDeniedError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.spi import NoRetry
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, WatchChannel, Watched
from cloudkit.testing.outcome import behaviour


class HandlerError(Exception):
    """What the handlers of these behaviours fail with."""


class HandlingBehaviours(MessagingSuite):
    """Handled means acknowledged, and failed means given back."""

    __test__ = False

    async def test_a_message_is_acknowledged_when_its_handler_returns(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        bodies = {f"body {n}".encode() for n in range(3)}
        for body in bodies:
            await channel.send(body)
        handled = Counter[bytes]()

        async def handle(message: Message) -> None:
            handled[message.body] += 1

        async with self.consuming(channel, handle):
            await self.eventually(lambda: set(handled) == bodies)
        await self.assert_nothing_comes(channel, during=lease + self.quiet)
        assert handled == Counter(bodies)

    async def test_a_plain_function_may_be_the_handler(self, channel: Channel) -> None:
        await channel.send(b"body")
        handled: list[bytes] = []
        async with self.consuming(channel, lambda message: handled.append(message.body)):
            await self.eventually(lambda: handled)
        assert handled == [b"body"]
        await self.assert_nothing_comes(channel)

    async def test_messages_are_handled_as_they_come(self, channel: Channel) -> None:
        handled = set[bytes]()

        async def handle(message: Message) -> None:
            handled.add(message.body)

        async with self.consuming(channel, handle):
            for number in range(3):
                await channel.send(f"body {number}")
                await self.eventually(partial(handled.__contains__, f"body {number}".encode()))

    async def test_a_message_whose_handler_raises_comes_back(self, channel: Channel) -> None:
        await channel.send(b"body")
        counts: list[int] = []

        async def handle(message: Message) -> None:
            counts.append(message.receive_count)
            if len(counts) < 3:
                raise HandlerError("not yet")

        async with self.consuming(channel, handle):
            await self.eventually(lambda: len(counts) >= 3)  # long before the lease would end
        assert counts == [1, 2, 3]
        await self.assert_nothing_comes(channel)

    async def test_a_handler_that_raises_does_not_stop_the_others(self, channel: Channel) -> None:
        for number in range(6):
            await channel.send(f"body {number}")
        seen, handled = Counter[bytes](), set[bytes]()

        async def handle(message: Message) -> None:
            seen[message.body] += 1
            if message.body.endswith((b"1", b"4")) and seen[message.body] == 1:
                raise HandlerError("the first time")
            handled.add(message.body)

        async with self.consuming(channel, handle, concurrency=2):
            await self.eventually(lambda: len(handled) == 6)

    @behaviour("nack_delay")
    async def test_a_message_whose_handler_raises_comes_back_after_the_retry_delay(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body")
        times: list[float] = []

        async def handle(message: Message) -> None:
            times.append(anyio.current_time())
            if len(times) == 1:
                raise HandlerError("not yet")

        async with self.consuming(channel, handle, retry_delay=self.delay):
            await self.eventually(lambda: len(times) == 2)
        assert times[1] - times[0] >= self.delay / 2

    @behaviour("dead_letter")
    async def test_a_message_that_no_handler_can_handle_becomes_a_dead_letter(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        policy = self.few_receives(contract.capabilities)
        channel = await open_channel(dead_letter=policy)
        await channel.send(b"poison")
        counts: list[int] = []

        async def handle(message: Message) -> None:
            counts.append(message.receive_count)
            raise HandlerError("never")

        async with self.consuming(channel, handle):
            await self.eventually(lambda: len(counts) >= policy.max_receives)
            if channel.limits.list_dead_letters:
                (dead,) = await self.receive_dead_letters(channel)
                assert dead.body == b"poison"
        await self.assert_nothing_comes(channel)
        assert counts == list(range(1, policy.max_receives + 1))

    @behaviour("dead_letter")
    async def test_a_message_that_a_handler_rejects_becomes_a_dead_letter_at_once(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        policy = self.few_receives(contract.capabilities)
        channel = await open_channel(dead_letter=policy)
        await channel.send(b"bad")
        await channel.send(b"good")
        seen = Counter[bytes]()

        async def handle(message: Message) -> None:
            seen[message.body] += 1
            if message.body == b"bad":
                raise RejectMessage("cannot be read")

        async with self.consuming(channel, handle):
            await self.eventually(lambda: len(seen) == 2)
        await self.assert_nothing_comes(channel)
        assert seen == {b"bad": 1, b"good": 1}
        if channel.limits.list_dead_letters:
            (dead,) = await self.receive_dead_letters(channel)
            assert dead.body == b"bad"
            assert dead.dead_letter_reason in {None, "cannot be read"}

    async def test_consuming_ends_when_nothing_is_left_if_told_so(self, channel: Channel) -> None:
        bodies = {f"body {n}".encode() for n in range(12)}
        for body in bodies:
            await channel.send(body)
        handled = set[bytes]()

        async def handle(message: Message) -> None:
            if message.body not in handled and message.body.endswith(b"1"):
                handled.add(message.body)
                raise HandlerError("it is left as long as it has not been handled")
            handled.add(message.body)

        with anyio.fail_after(self.patience * 2):
            while handled != bodies:  # a service may say too early that nothing is left
                await channel.consume(handle, concurrency=3, stop_when_empty=True)
        await self.assert_nothing_comes(channel)

    async def test_consuming_does_not_end_before_what_a_handler_sends_is_handled(
        self, channel: Channel
    ) -> None:
        handled: list[bytes] = []

        async def handle(message: Message) -> None:
            handled.append(message.body)
            if message.body != b"0":
                await channel.send(str(int(message.body) - 1))

        await channel.send(b"5")
        with anyio.fail_after(self.patience * 2):
            while b"0" not in handled:
                await channel.consume(handle, stop_when_empty=True)
        in_order = list(dict.fromkeys(handled))  # at least once: one may have come twice
        assert in_order == [b"5", b"4", b"3", b"2", b"1", b"0"]

    async def test_consuming_goes_on_after_the_service_was_away(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel(retry=NoRetry()) as watched:
            handled: list[bytes] = []
            watched.faults.lose_request("receive", ServiceUnavailableError("down"), times=2)
            async with self.consuming(watched.channel, lambda m: handled.append(m.body)):
                await watched.channel.send(b"body")
                await self.eventually(lambda: handled)
            assert watched.faults.count("receive") >= 3

    async def test_consuming_ends_with_the_error_that_no_other_try_mends(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel() as watched:
            watched.faults.lose_request("receive", PermissionDeniedError("no longer"))
            with anyio.fail_after(self.patience), pytest.raises(PermissionDeniedError) as caught:
                await watched.channel.consume(print)
            assert caught.value.operation == "receive"

    async def test_consuming_from_a_missing_channel_ends_with_not_found(
        self, missing: Channel
    ) -> None:
        with anyio.fail_after(self.patience), pytest.raises(NotFoundError) as caught:
            await missing.consume(print)
        assert (missing.topic or missing.name) in str(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"concurrency": 0},
            {"concurrency": 1.5},
            {"wait": -1},
            {"visibility": -1},
            {"retry_delay": -1},
            {"drain_timeout": -1},
        ],
        ids=str,
    )
    async def test_wrong_options_of_consume_are_refused_before_anything_is_received(
        self, unsent: Watched, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(ValidationError):
            await unsent.channel.consume(print, **wrong)

    async def test_what_is_no_handler_is_refused_before_anything_is_received(
        self, unsent: Watched
    ) -> None:
        handler: Any = "print"
        with pytest.raises(ValidationError):
            await unsent.channel.consume(handler)

    async def test_a_retry_delay_is_refused_where_messages_come_back_at_once(
        self, unsent: Watched
    ) -> None:
        self.restrict(unsent.channel.contract, nack_delay=False)
        with pytest.raises(UnsupportedOperationError):
            await unsent.channel.consume(print, retry_delay=1)
