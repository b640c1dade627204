"""consume is cancelled: handlers end or are cancelled, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from attrs import define, field
from cloudkit.api.messaging import Handler, Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, values
from cloudkit.testing.outcome import behaviour

_MANY = 60


@define
class Consumption:
    """A call of consume that is under way.

    Attributes:
        scope: Cancels it.
        ended: Set when it has ended.
    """

    scope: anyio.CancelScope = field(factory=anyio.CancelScope)
    ended: anyio.Event = field(factory=anyio.Event)

    async def run(self, channel: Channel, handler: Handler, options: dict[str, Any]) -> None:
        """Consume until cancelled."""
        with self.scope:
            await channel.consume(handler, **options)
        self.ended.set()

    async def stop(self) -> None:
        """Cancel it and wait until it has ended."""
        self.scope.cancel()
        await self.ended.wait()


def _at_least(count: int, found: Sized) -> bool:
    return len(found) >= count


class DrainingBehaviours(MessagingSuite):
    """The handlers running get their time; what they do not finish goes back."""

    __test__ = False

    @asynccontextmanager
    async def cancellable(
        self, channel: Channel, handler: Handler, **options: Any
    ) -> AsyncIterator[Consumption]:
        """Consume, and let the test say when that is cancelled.

        Args:
            channel: Where from.
            handler: Called with each message.
            **options: Of ``consume``.
        """
        consumption = Consumption()
        options.setdefault("wait", self.waiting(channel))
        async with flat_task_group() as tasks:
            tasks.start_soon(consumption.run, channel, handler, options)
            try:
                yield consumption
            finally:
                tasks.cancel_scope.cancel()

    async def test_running_handlers_end_after_consuming_is_cancelled(
        self, channel: Channel
    ) -> None:
        for number in range(3):
            await channel.send(f"body {number}")
        begun, ended, release = set[bytes](), set[bytes](), anyio.Event()

        async def handle(message: Message) -> None:
            begun.add(message.body)
            await release.wait()
            ended.add(message.body)

        options = {"concurrency": 3, "drain_timeout": self.patience}
        async with self.cancellable(channel, handle, **options) as consumption:
            await self.eventually(lambda: len(begun) == 3)
            consumption.scope.cancel()
            await anyio.sleep(self.quiet)
            assert not consumption.ended.is_set(), "it waits for its handlers"
            release.set()
            await consumption.ended.wait()
        assert ended == begun
        await self.assert_nothing_comes(channel)

    async def test_nothing_more_is_received_after_consuming_is_cancelled(
        self, channel: Channel
    ) -> None:
        await channel.send(b"first")
        begun: list[bytes] = []
        release = anyio.Event()

        async def handle(message: Message) -> None:
            begun.append(message.body)
            await release.wait()

        options = {"concurrency": 1, "drain_timeout": self.patience}
        async with self.cancellable(channel, handle, **options) as consumption:
            await self.eventually(lambda: begun)
            consumption.scope.cancel()
            await channel.send(b"second")
            release.set()
            await consumption.ended.wait()
        assert begun == [b"first"]
        assert await self.take_bodies(channel, 1) == [b"second"]

    async def test_a_handler_that_does_not_end_in_time_is_cancelled_and_its_message_given_back(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body")
        begun: list[Message] = []
        cancelled: list[Message] = []

        async def handle(message: Message) -> None:
            begun.append(message)
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.append(message)

        options = {"concurrency": 1, "drain_timeout": 0.05}
        async with self.cancellable(channel, handle, **options) as consumption:
            await self.eventually(lambda: begun)
            with anyio.fail_after(self.patience):
                await consumption.stop()
        assert cancelled == begun
        again = await self.receive_one(channel)  # long before the lease would end
        assert (again.body, again.receive_count) == (b"body", 2)

    async def test_consuming_that_is_cancelled_while_it_waits_ends_at_once(
        self, channel: Channel
    ) -> None:
        wait = channel.limits.max_wait_seconds
        async with self.cancellable(channel, print, wait=wait) as consumption:
            await anyio.sleep(self.quiet)
            with anyio.fail_after(min(self.patience, max(wait / 2, 1))):
                await consumption.stop()

    async def test_a_message_that_was_being_handled_again_and_again_is_not_lost(
        self, channel: Channel
    ) -> None:
        await channel.send(b"body")
        for count in (1, 2, 3):
            begun: list[int] = []

            async def handle(message: Message, begun: list[int] = begun) -> None:
                begun.append(message.receive_count)
                await anyio.sleep_forever()

            options = {"concurrency": 1, "drain_timeout": 0}
            async with self.cancellable(channel, handle, **options) as consumption:
                await self.eventually(partial(len, begun))
                await consumption.stop()
            assert begun == [count]
        assert await self.take_bodies(channel, 1) == [b"body"]

    @behaviour("extend")
    async def test_nothing_is_lost_when_consumers_are_cancelled_over_and_over(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        bodies = {f"body {number}".encode() for number in range(_MANY)}
        values(await channel.send_batch(sorted(bodies)))
        handled = set[bytes]()

        async def handle(message: Message) -> None:
            await anyio.sleep(0.005)
            handled.add(message.body)

        for stage in (1, 2, 3):
            target = _MANY * stage // 4
            async with self.cancellable(channel, handle, drain_timeout=0) as consumption:
                await self.within(lease, partial(_at_least, target, handled))
                await consumption.stop()
        async with self.consuming(channel, handle):
            await self.within(lease * 2, lambda: handled == bodies)
        assert handled == bodies
        await self.assert_nothing_comes(channel, during=lease + self.quiet)
