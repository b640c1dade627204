"""consume with many handlers and many consumers: how many at once, and nothing lost between them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field
from cloudkit.api.messaging import Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.handling import HandlerError
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, WatchChannel
from cloudkit.testing.outcome import behaviour

CONSUMERS = 3
SENDERS = 8


@define
class Gauge:
    """Counts what is under way.

    Attributes:
        now: How many now.
        most: How many at most so far.
    """

    now: int = 0
    most: int = 0

    def __enter__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *error: object) -> None:
        self.now -= 1


@define
class FailsSometimes:
    """A handler that fails with every seventh message the first time.

    Attributes:
        seen: How often each body came.
        handled: How often each body was handled.
    """

    seen: Counter[bytes] = field(factory=Counter)
    handled: Counter[bytes] = field(factory=Counter)

    async def __call__(self, message: Message) -> None:
        """Handle a message."""
        self.seen[message.body] += 1
        await anyio.lowlevel.checkpoint()
        if int(message.body) % 7 == 0 and self.seen[message.body] == 1:
            raise HandlerError("the first time")
        self.handled[message.body] += 1


class SharingBehaviours(MessagingSuite):
    """Several handlers, and several consumers, share out the messages."""

    __test__ = False

    @pytest.mark.parametrize("concurrency", [1, 4])
    async def test_no_more_handlers_run_at_once_than_allowed(
        self, channel: Channel, concurrency: int
    ) -> None:
        count = concurrency * 3
        for number in range(count):
            await channel.send(str(number))
        gauge, handled, release = Gauge(), set[bytes](), anyio.Event()

        async def handle(message: Message) -> None:
            with gauge:
                await release.wait()
                await anyio.sleep(0.01)
            handled.add(message.body)

        async with self.consuming(channel, handle, concurrency=concurrency):
            await self.eventually(lambda: gauge.now == concurrency)
            await anyio.sleep(self.quiet)  # time enough to start one too many
            release.set()
            await self.eventually(lambda: len(handled) == count)
        assert gauge.most == concurrency

    async def test_messages_that_no_handler_is_free_for_are_left_to_others(
        self, channel: Channel
    ) -> None:
        for number in range(4):
            await channel.send(str(number))
        begun: list[bytes] = []

        async def handle(message: Message) -> None:
            begun.append(message.body)
            await anyio.sleep_forever()

        async with self.consuming(channel, handle, concurrency=1, drain_timeout=0):
            await self.eventually(lambda: begun)
            others = {message.body for message in await self.receive_some(channel, 3)}
        assert others | set(begun) == {b"0", b"1", b"2", b"3"}

    async def test_several_consumers_handle_every_message(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        bodies = {str(number).encode() for number in range(self.backlog)}
        handlers = [FailsSometimes() for _ in range(CONSUMERS)]
        handled = Counter[bytes]()

        def all_handled() -> bool:
            handled.clear()
            for handler in handlers:
                handled.update(handler.handled)
            return set(handled) == bodies

        async with flat_task_group() as tasks:
            for handler in handlers:
                tasks.start_soon(self._consume, channel, handler)
            await self._send_all(channel, bodies)
            await self.within(lease * 3, all_handled)
            tasks.cancel_scope.cancel()
        await self.assert_nothing_comes(channel, during=lease + self.quiet)

    @behaviour("extend")
    async def test_nothing_is_acknowledged_that_was_not_handled(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel(self.renewed_lease) as watched:
            channel, handler, early = watched.channel, FailsSometimes(), set[bytes]()
            bodies = {str(number).encode() for number in range(42)}

            async def handle(message: Message) -> None:
                early.update(self._acknowledged(watched.faults) - set(handler.handled))
                await handler(message)

            async with self.consuming(channel, handle):
                await self._send_all(channel, bodies)
                await self.within(
                    self.renewed_lease(channel.limits), lambda: set(handler.handled) == bodies
                )
            assert not early, "acknowledged before they were handled"
            assert self._acknowledged(watched.faults) == bodies

    async def _consume(self, channel: Channel, handler: FailsSometimes) -> None:
        await channel.consume(handler, wait=self.waiting(channel))

    @staticmethod
    def _acknowledged(faults: Any) -> set[bytes]:
        acks = [attempt for attempt in faults.attempts if attempt.name == "ack"]
        return {message.body for ack in acks for message in ack.messages}

    @staticmethod
    async def _send_all(channel: Channel, bodies: set[bytes]) -> None:
        left = iter(bodies)

        async def work() -> None:
            for body in left:
                await channel.send(body)

        async with flat_task_group() as tasks:
            for _ in range(SENDERS):
                tasks.start_soon(work)
