"""Base of the behaviours of queues and subscriptions: channels, and receiving with patience."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar

import anyio
import pytest
from attrs import define
from cloudkit.api.messaging import DeadLetterPolicy, Handler, Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import CloudResult, MessagingCapabilities
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.faults import Faults
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.outcome import require
from cloudkit.testing.suite import MakeCloud
from cloudkit.testing.waiting import eventually

T = TypeVar("T")

OpenChannel: TypeAlias = Callable[..., Awaitable[Channel]]
"""Makes a channel with options (``visibility``, ``dead_letter``, ``ordered``); it is removed later."""

Lease: TypeAlias = Callable[[MessagingCapabilities], float]
"""The length of a lease in seconds, by what the provider can do."""

WatchChannel: TypeAlias = Callable[..., AbstractAsyncContextManager["Watched"]]
"""Opens a client of the test's own, and a channel in it with leases of some length."""

_LONG_LEASE = 60.0


@define
class Watched:
    """A channel of a client whose requests are seen and can be broken.

    Attributes:
        channel: The channel.
        faults: Counts the attempts, and breaks them when told.
    """

    channel: Channel
    faults: Faults


class MessagingSuite(ContractSuite):
    """Base of the behaviours of queues and subscriptions.

    Services differ in how fast they are and how finely they measure time, so the behaviours wait for
    what must come, with ``patience``, and believe that nothing comes when it has not for ``quiet``
    seconds. Leases are as short as the provider's ``min_visibility_seconds`` allows.

    Attributes:
        receive_flag: The capability that says that messages can be received.
        quiet: Seconds without a message until a test believes that none comes.
        receive_wait: Longest wait of one receive, in seconds.
        long_wait: Longest wait of a receive that something must end early, in seconds.
        brief_lease: Shortest lease whose end a test waits for, in seconds.
        kept_lease: Shortest lease that must be prolonged in time, in seconds.
        delay: Seconds by which a message is delayed; may come up to half of that early.
        backlog: Messages that several consumers share out among them.
    """

    __test__ = False

    receive_flag: ClassVar[str] = ""
    quiet: ClassVar[float] = 0.3
    receive_wait: ClassVar[float] = 1.0
    long_wait: ClassVar[float] = 10.0
    brief_lease: ClassVar[float] = 0.2
    kept_lease: ClassVar[float] = 1.0
    delay: ClassVar[float] = 1.0
    backlog: ClassVar[int] = 300

    # What a contract's suite defines

    async def new_channel(
        self,
        contract: Any,
        cleanup: Cleanup,
        *,
        visibility: float | None = None,
        dead_letter: DeadLetterPolicy | None = None,
        ordered: bool = False,
    ) -> Channel:
        """Create a channel that is removed at the end of the test.

        Override it where creating needs more than the contract offers.

        Args:
            contract: Where.
            cleanup: What removes it.
            visibility: Length of its leases in seconds; None for one that no test outlives.
            dead_letter: Its dead-letter policy.
            ordered: Whether messages of one group keep their order.
        """
        raise NotImplementedError

    def absent_channel(self, contract: Any) -> Channel:
        """A channel that does not exist."""
        raise NotImplementedError

    # Fixtures

    @pytest.fixture
    def receivable(self, cloud: Any) -> None:
        """Messages can be received; the test is unsupported where they cannot."""
        require(cloud.capabilities, self.receive_flag)

    @pytest.fixture
    def open_channel(self, receivable: None, contract: Any, cleanup: Cleanup) -> OpenChannel:
        """Creates channels of the client under test."""
        return partial(self.new_channel, contract, cleanup)

    @pytest.fixture
    async def channel(self, open_channel: OpenChannel) -> Channel:
        """An empty channel, with leases that no test outlives."""
        return await open_channel()

    @pytest.fixture
    def watch_channel(self, receivable: None, make_cloud: MakeCloud) -> WatchChannel:
        """Opens a client with options of the test's own, and a channel in it."""

        @asynccontextmanager
        async def watch(lease: Lease | None = None, **options: Any) -> AsyncIterator[Watched]:
            faults, cleanup = Faults(), Cleanup()
            async with make_cloud(interceptors=[faults], **options) as cloud:
                contract = getattr(cloud, self.contract_name)
                visibility = None if lease is None else lease(contract.capabilities)
                try:
                    channel = await self.new_channel(contract, cleanup, visibility=visibility)
                    yield Watched(channel, faults)
                finally:
                    faults.heal()
                    await cleanup.run()

        return watch

    @pytest.fixture
    def missing(self, receivable: None, contract: Any) -> Channel:
        """A channel that does not exist."""
        return self.absent_channel(contract)

    @pytest.fixture
    async def unsent(self, receivable: None, make_cloud: MakeCloud) -> AsyncIterator[Watched]:
        """A channel that does not exist, in a client that must send nothing."""
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            contract = getattr(cloud, self.contract_name)
            yield Watched(self.absent_channel(contract), faults)
        assert faults.count() == 0, "something was sent"

    # Lengths

    def long_lease(self, limits: MessagingCapabilities) -> float:
        """Seconds of a lease that no test outlives."""
        return min(max(_LONG_LEASE, limits.min_visibility_seconds), limits.max_visibility_seconds)

    def short_lease(self, limits: MessagingCapabilities) -> float:
        """Seconds of a lease whose end a test waits for."""
        return max(self.brief_lease, limits.min_visibility_seconds)

    def renewed_lease(self, limits: MessagingCapabilities) -> float:
        """Seconds of a lease that must be prolonged in time."""
        return max(self.kept_lease, limits.min_visibility_seconds)

    def few_receives(self, limits: MessagingCapabilities) -> DeadLetterPolicy:
        """A policy that sets a message aside soon, but not at once."""
        return DeadLetterPolicy(max_receives=max(2, limits.min_receives))

    # Waiting

    async def within(self, seconds: float, condition: Callable[[], T | Awaitable[T]]) -> T:
        """Wait until something is true that may take some seconds besides the patience."""
        value: T = await eventually(condition, self.patience + seconds, poll=self.poll)
        return value

    # Receiving

    def waiting(self, channel: Channel) -> float:
        """Seconds that one receive waits."""
        return min(self.receive_wait, channel.limits.max_wait_seconds)

    async def receive_some(
        self, channel: Channel, count: int = 1, *, within: float = 0, **options: Any
    ) -> list[Message]:
        """Receive until so many different messages have come; a service may give fewer at once.

        A message that comes twice, as it may, counts once.

        Args:
            channel: Where from.
            count: How many different bodies.
            within: Seconds until they can come, besides the patience of this suite.
            **options: Of ``receive``.
        """
        found: dict[bytes, Message] = {}
        deadline = anyio.current_time() + self.patience + within
        while len(found) < count:
            missing = min(count - len(found), channel.limits.max_receive)
            options = {"wait": self.waiting(channel), **options}
            messages = await channel.receive(max_messages=missing, **options)
            assert len(messages) <= missing, "more than asked for"
            for message in messages:
                found.setdefault(message.body, message)
            assert anyio.current_time() < deadline or len(found) >= count, (
                f"{len(found)} of {count} messages came in time"
            )
        return list(found.values())

    async def receive_one(self, channel: Channel, *, within: float = 0, **options: Any) -> Message:
        """The next message; arguments as for ``receive_some``."""
        (message,) = await self.receive_some(channel, within=within, **options)
        return message

    async def take_bodies(self, channel: Channel, count: int, *, within: float = 0) -> list[bytes]:
        """Receive and acknowledge so many messages; their bodies in the order they came."""
        messages = await self.receive_some(channel, count, within=within)
        values(await channel.contract.ack_batch(messages))
        return [message.body for message in messages]

    async def assert_nothing_comes(self, channel: Channel, *, during: float = 0) -> None:
        """Nothing can be received, now and for a while.

        Args:
            channel: Where.
            during: Seconds; at least ``quiet``.
        """
        end = anyio.current_time() + max(during, self.quiet)
        while True:
            assert await channel.receive() == []
            if anyio.current_time() >= end:
                return
            await anyio.sleep(self.poll)

    async def some_dead_letters(self, channel: Channel) -> list[Message]:
        """The dead letters that are there now, or some of them."""
        return await channel.dead_letters(max_messages=min(10, channel.limits.max_receive))

    async def receive_dead_letters(self, channel: Channel, count: int = 1) -> list[Message]:
        """Lease so many dead letters, as soon as they are there."""
        found: dict[bytes, Message] = {}

        async def look() -> bool:
            found.update((dead.body, dead) for dead in await self.some_dead_letters(channel))
            return len(found) >= count

        await self.eventually(look)
        return list(found.values())

    @asynccontextmanager
    async def consuming(
        self, channel: Channel, handler: Handler, **options: Any
    ) -> AsyncIterator[None]:
        """Have messages consumed while a block runs; then consuming is cancelled and has ended.

        Args:
            channel: Where from.
            handler: Called with each message.
            **options: Of ``consume``.
        """
        options.setdefault("wait", self.waiting(channel))
        async with flat_task_group() as tasks:
            tasks.start_soon(partial(channel.consume, handler, **options))
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()


def values(results: Iterable[CloudResult[T]]) -> list[T]:
    """The values of a batch that must have succeeded.

    Raises:
        CloudError: A part of it failed.
    """
    return [result.value for result in results]
