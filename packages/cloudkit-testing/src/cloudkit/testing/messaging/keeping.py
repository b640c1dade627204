"""consume keeps the lease of a message while it is handled, and says when it is lost."""

from __future__ import annotations

import math
from typing import Any

import anyio
import pytest
from attrs import define, field
from cloudkit.api.messaging import Message
from cloudkit.common import CloudError, NetworkError, NotFoundError, PreconditionFailedError
from cloudkit.spi import NoRetry
from cloudkit.testing.messaging.suite import MessagingSuite, OpenChannel, WatchChannel
from cloudkit.testing.outcome import behaviour


@define
class StuckOnce:
    """A handler that does not return the first time, and does afterwards.

    Attributes:
        started: Whether it was called.
        cancelled: Whether the first call was cancelled.
        handled: The bodies of the messages that it handled after that.
    """

    started: bool = False
    cancelled: bool = False
    handled: list[bytes] = field(factory=list)

    async def __call__(self, message: Message) -> None:
        """Handle a message."""
        if self.started:
            self.handled.append(message.body)
            return
        self.started = True
        try:
            await anyio.sleep_forever()
        finally:
            self.cancelled = True


class KeepingBehaviours(MessagingSuite):
    """A handler may take longer than a lease; when the lease is lost all the same, it is cancelled."""

    __test__ = False

    @behaviour("extend")
    async def test_a_handler_longer_than_the_lease_runs_once(
        self, open_channel: OpenChannel, contract: Any
    ) -> None:
        lease = self.renewed_lease(contract.capabilities)
        channel = await open_channel(visibility=lease)
        bodies = [b"body 0", b"body 1", b"body 2"]
        for body in bodies:
            await channel.send(body)
        begun: list[bytes] = []
        ended: list[bytes] = []

        async def handle(message: Message) -> None:
            begun.append(message.body)
            await anyio.sleep(lease * 2.5)
            ended.append(message.body)

        async with self.consuming(channel, handle):
            await self.within(lease * 3, lambda: len(ended) >= len(bodies))
        await self.assert_nothing_comes(channel, during=lease + self.quiet)
        assert sorted(begun) == sorted(ended) == bodies

    @behaviour("extend")
    @pytest.mark.parametrize("lost", [NotFoundError, PreconditionFailedError])
    async def test_losing_a_lease_cancels_the_handler(
        self, watch_channel: WatchChannel, lost: type[CloudError]
    ) -> None:
        async with watch_channel(self.renewed_lease) as watched:
            channel, faults, handle = watched.channel, watched.faults, StuckOnce()
            faults.lose_request("extend", lost("the test took the lease"))
            await channel.send(b"body")
            lease = self.renewed_lease(channel.limits)
            async with self.consuming(channel, handle):
                await self.within(lease, lambda: handle.cancelled)
                await self.within(lease, lambda: handle.handled)
            assert faults.count("ack") == len(handle.handled), "only what was handled"
        assert set(handle.handled) == {b"body"}

    @behaviour("extend")
    async def test_a_lease_that_cannot_be_prolonged_cancels_the_handler_when_it_ends(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel(self.renewed_lease, retry=NoRetry()) as watched:
            channel, faults, handle = watched.channel, watched.faults, StuckOnce()
            broken = NetworkError("the test broke the connection")
            faults.lose_request("extend", broken, times=math.inf)
            await channel.send(b"body")
            lease = self.renewed_lease(channel.limits)
            async with self.consuming(channel, handle):
                await self.within(lease, lambda: handle.cancelled)
                assert faults.count("extend") > 1, "prolonging is tried more than once"
                faults.heal()
                await self.within(lease, lambda: handle.handled)
            assert faults.count("ack") == len(handle.handled), "only what was handled"
        assert set(handle.handled) == {b"body"}

    @behaviour("extend")
    async def test_a_lease_is_prolonged_again_after_a_failure(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel(self.renewed_lease, retry=NoRetry()) as watched:
            channel, faults = watched.channel, watched.faults
            faults.lose_request("extend", NetworkError("the test broke the connection"))
            await channel.send(b"body")
            lease = self.renewed_lease(channel.limits)
            begun: list[bytes] = []
            ended: list[bytes] = []

            async def handle(message: Message) -> None:
                begun.append(message.body)
                await anyio.sleep(lease * 1.5)
                ended.append(message.body)

            async with self.consuming(channel, handle):
                await self.within(lease * 2, lambda: ended)
            assert faults.count("extend") > 1
        assert begun == ended == [b"body"]

    async def test_a_message_that_could_not_be_acknowledged_comes_back(
        self, watch_channel: WatchChannel
    ) -> None:
        async with watch_channel(self.short_lease, retry=NoRetry()) as watched:
            channel, faults = watched.channel, watched.faults
            faults.lose_request("ack", NetworkError("the test broke the connection"))
            await channel.send(b"body")
            handled: list[bytes] = []
            async with self.consuming(channel, lambda m: handled.append(m.body)):
                await self.within(self.short_lease(channel.limits), lambda: len(handled) == 2)
                await self.eventually(lambda: faults.count("ack") == 2)
        assert handled == [b"body", b"body"]
