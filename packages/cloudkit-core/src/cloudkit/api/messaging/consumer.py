"""Handles messages as they come, keeps their leases, and loses none."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import anyio
from anyio.abc import TaskGroup
from attrs import define, field, frozen
from cloudkit.api.messaging.leases import Leases
from cloudkit.api.messaging.models import Message, Source
from cloudkit.api.messaging.operations import Receive
from cloudkit.api.tasks import flat_task_group
from cloudkit.api.validation import whole_number
from cloudkit.common import (
    CloudError,
    Duration,
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
    seconds,
    utc_now,
)

Handler: TypeAlias = Callable[[Message], Awaitable[Any] | Any]
"""Handles one message: returns when it is done, raises when it failed."""

DEFAULT_LEASE = 30.0
SETTLE_SECONDS = 10.0
EMPTY_WAIT = 1.0
LEAST_INTERVAL = 0.25
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
LONGEST_RETRY_DELAY = 60.0
LEAST_OF_LEASE = 0.05
"""Part of a lease that passes at least between two attempts to prolong it."""

_LOST = (NotFoundError, PreconditionFailedError)
_logger = logging.getLogger("cloudkit.consumer")


class RejectMessage(Exception):  # noqa: N818  (an instruction, not an error)
    """Raised by a handler: the message can never be handled, make it a dead letter at once.

    Args:
        reason: Why, for whoever looks at the dead letters.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


def _to_seconds(value: Duration) -> float:
    return seconds(value, "a duration of consume")


def _to_visibility(value: Duration | None) -> float | None:
    return None if value is None else seconds(value, "visibility")


def _to_retry_delay(value: Duration | None) -> float | None:
    return None if value is None else seconds(value, "retry_delay")


def _check_concurrency(instance: object, attribute: object, value: Any) -> None:
    whole_number(value, "concurrency")


@frozen(kw_only=True)
class ConsumeOptions:
    """How messages are consumed.

    Attributes:
        concurrency: Handlers running at once.
        visibility: Length of the leases in seconds; None for that of the queue.
        wait: Longest wait of one receive, in seconds.
        retry_delay: Seconds until a message whose handler failed is visible again; None for none the
            first time, and then 1, 2, 4 and so on up to 60, where the provider can delay messages.
        drain_timeout: Seconds that handlers get to end when consuming is cancelled.
        stop_when_empty: Whether to return when nothing is left, instead of waiting for more.
    """

    concurrency: int = field(default=10, validator=_check_concurrency)
    visibility: float | None = field(default=None, converter=_to_visibility)
    wait: float = field(default=20.0, converter=_to_seconds)
    retry_delay: float | None = field(default=None, converter=_to_retry_delay)
    drain_timeout: float = field(default=10.0, converter=_to_seconds)
    stop_when_empty: bool = False


@define(eq=False)
class _Delivery:
    """A message between receive and settlement. Times are those of the event loop's clock."""

    message: Message
    lease: float
    leased_until: float
    renew_at: float
    scope: anyio.CancelScope = field(factory=lambda: anyio.CancelScope(shield=True))
    # Held while the lease is prolonged: what settles the message may need the lease that comes back.
    renewing: anyio.Lock = field(factory=anyio.Lock)
    lost: bool = False
    settled: bool = False

    def renewed(self, message: Message) -> None:
        now = anyio.current_time()
        self.message = message
        self.leased_until = now + self.lease
        self.renew_at = now + self.lease / 2

    def lose(self) -> None:
        self.lost = True
        self.scope.cancel()


class Consumer:
    """One run of ``consume``.

    Messages of one group are handled one after the other; when one of them fails, those behind it go
    back too, so that their order holds. Every delivery has a shielded scope of its own: cancelling
    ``consume`` stops receiving at once, and gives the handlers ``drain_timeout`` to end.

    Args:
        contract: Where the messages are leased.
        source: The queue or subscription.
        handler: Called with each message.
        options: How.
    """

    def __init__(
        self, contract: Leases[Any], source: Source, handler: Handler, options: ConsumeOptions
    ) -> None:
        _check_handler(handler)
        if options.retry_delay:
            _require_delay(contract, source)
        self._contract = contract
        self._source = source
        self._handler = handler
        self._options = options
        self._active: set[_Delivery] = set()
        self._lanes = 0
        self._lane_ended = anyio.Event()
        self._keeper_wanted = anyio.Event()
        self._keeper = anyio.CancelScope(shield=True)
        self._stopping = False

    async def run(self) -> None:
        """Consume until cancelled, or until nothing is left.

        Raises:
            CloudError: Receiving failed in a way that another try does not mend.
        """
        async with flat_task_group() as tasks:
            tasks.start_soon(self._keep_leases)
            try:
                await self._receive_all(tasks)
            finally:
                self._drain()

    def _drain(self) -> None:
        self._stopping = True
        for delivery in self._active:
            delivery.scope.deadline = anyio.current_time() + self._options.drain_timeout
        if self._lanes == 0:
            self._keeper.cancel()

    # Receiving

    async def _receive_all(self, tasks: TaskGroup) -> None:
        limits = self._contract.capabilities
        longest = EMPTY_WAIT if self._options.stop_when_empty else limits.max_wait_seconds
        wait = min(self._options.wait, longest, limits.max_wait_seconds)
        while True:
            free = await self._free_lanes()
            idle = self._lanes == 0
            began = anyio.current_time()
            messages = await self._receive_some(min(free, limits.max_receive), wait)
            for lane in _lanes(messages):
                self._start(tasks, lane)
            if messages:
                continue
            if not self._options.stop_when_empty:
                await anyio.sleep_until(began + LEAST_INTERVAL)  # the service may not have waited
            elif idle:
                return
            elif self._lanes:
                # A handler that ran meanwhile may have given its message back, or still do, or send
                # more: look again when one has ended.
                await self._lane_ended.wait()

    async def _free_lanes(self) -> int:
        while self._lanes >= self._options.concurrency:
            await self._lane_ended.wait()
        return self._options.concurrency - self._lanes

    async def _receive_some(self, count: int, wait: float) -> Sequence[Message]:
        pause = FIRST_PAUSE
        operation = Receive(
            source=self._source,
            max_messages=count,
            wait=wait,
            visibility=self._options.visibility,
        )
        while True:
            try:
                return await self._contract._run(operation, self._contract._receive)
            except CloudError as error:
                # What says when to come back is no end: an open circuit breaker, for instance.
                if not error.retryable and error.retry_after is None:
                    raise
                _logger.warning("receiving from %s failed, trying again: %s", self._source, error)
                least = error.retry_after or 0.0
            await anyio.sleep(max(pause, least))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _start(self, tasks: TaskGroup, messages: Sequence[Message]) -> None:
        lane = [self._delivery(message) for message in messages]
        self._active.update(lane)
        self._lanes += 1
        self._keeper_wanted.set()
        tasks.start_soon(self._run_lane, lane)

    def _delivery(self, message: Message) -> _Delivery:
        now = anyio.current_time()
        if message.leased_until is not None:
            lease = max((message.leased_until - utc_now()).total_seconds(), 0.1)
        elif self._contract.capabilities.extend:
            lease = self._options.visibility or DEFAULT_LEASE
        else:
            lease = math.inf  # the service has no leases that end
        return _Delivery(message, lease, now + lease, now + lease / 2)

    # Handling

    async def _run_lane(self, lane: list[_Delivery]) -> None:
        # Runs on while consume is cancelled: everything that waits here is shielded.
        try:
            going = True
            for delivery in lane:
                if delivery.lost:
                    going = False  # it comes back, and those behind it must come after it
                elif going and not self._stopping:
                    going = await self._handle(delivery)
                else:
                    await self._settle(delivery, self._contract.nack)
                self._active.discard(delivery)
        finally:
            # However it ended, Ctrl-C included: a lease that is kept for nobody would never end, nor
            # would consume.
            self._active.difference_update(lane)
            self._lanes -= 1
            ended, self._lane_ended = self._lane_ended, anyio.Event()
            ended.set()
            if self._stopping and self._lanes == 0:
                self._keeper.cancel()

    async def _handle(self, delivery: _Delivery) -> bool:
        """Handle and settle one message; False when it did not end well."""
        contract, message = self._contract, delivery.message
        failure: BaseException | None = None
        done = False
        try:
            with delivery.scope:
                result = self._handler(message)
                if inspect.isawaitable(result):
                    await result
                done = True
        except (Exception, anyio.get_cancelled_exc_class()) as error:  # noqa: BLE001
            # Whatever the handler raises. A cancellation that the scope lets through is none of consume's:
            # the handler waited for something else that was cancelled.
            failure = error
        if done:
            await self._settle(delivery, contract.ack)
        elif delivery.lost:
            _logger.warning("lost the lease of message %s of %s", message.id, self._source)
        elif isinstance(failure, RejectMessage) and contract.capabilities.dead_letter:
            await self._settle(delivery, partial(contract.dead_letter, reason=failure.reason))
        else:
            if failure is not None:
                _logger.error("message %s of %s failed", message.id, self._source, exc_info=failure)
            delay = 0.0 if failure is None else self._retry_delay(message)
            await self._settle(delivery, partial(contract.nack, delay=delay))
        return done or isinstance(failure, RejectMessage)

    def _retry_delay(self, message: Message) -> float:
        if self._options.retry_delay is not None:
            return self._options.retry_delay
        # What fails again and again must not be all that is done; what failed once may just have
        # had bad luck.
        again = message.receive_count - 2
        if again < 0 or not self._contract.capabilities.nack_delay:
            return 0.0
        return min(2.0 ** min(again, 10), LONGEST_RETRY_DELAY)

    async def _settle(
        self, delivery: _Delivery, settle: Callable[[Message], Awaitable[None]]
    ) -> None:
        with anyio.move_on_after(SETTLE_SECONDS, shield=True) as scope:
            try:
                async with delivery.renewing:
                    delivery.settled = True
                    await settle(delivery.message)
            except _LOST:
                _logger.warning("the lease of message %s had ended", delivery.message.id)
            except CloudError as error:
                # It comes back when its lease ends: handled twice perhaps, but never lost.
                _logger.error(  # noqa: TRY400  (the error says it all)
                    "message %s could not be settled: %s", delivery.message.id, error
                )
        if scope.cancelled_caught:
            _logger.error("message %s could not be settled in time", delivery.message.id)

    # Keeping leases

    async def _keep_leases(self) -> None:
        with self._keeper:
            async with anyio.create_task_group() as tasks:
                while True:
                    next_due = min((d.renew_at for d in self._active), default=math.inf)
                    pause = next_due - anyio.current_time()
                    if pause > 0:
                        self._keeper_wanted = anyio.Event()
                        with anyio.move_on_after(pause):
                            await self._keeper_wanted.wait()
                    now = anyio.current_time()
                    for delivery in [d for d in self._active if d.renew_at <= now]:
                        delivery.renew_at = math.inf  # until its outcome is known
                        tasks.start_soon(self._renew, delivery)

    async def _renew(self, delivery: _Delivery) -> None:
        async with delivery.renewing:
            if delivery.settled:
                return
            left = delivery.leased_until - anyio.current_time()
            kept = left > 0 and await self._extend(delivery, left)
        now = anyio.current_time()
        if not kept or now >= delivery.leased_until:
            if delivery in self._active:
                delivery.lose()
        elif delivery.renew_at == math.inf:  # it failed, for now
            pause = max((delivery.leased_until - now) / 3, delivery.lease * LEAST_OF_LEASE)
            delivery.renew_at = min(now + pause, delivery.leased_until)
        self._keeper_wanted.set()

    async def _extend(self, delivery: _Delivery, left: float) -> bool:
        """Try to prolong; False when the lease is lost for certain."""
        if not self._contract.capabilities.extend:
            return True  # it cannot be helped, until it ends
        length = max(delivery.lease, self._contract.capabilities.min_visibility_seconds)
        with anyio.move_on_after(left):
            try:
                delivery.renewed(await self._contract.extend(delivery.message, length))
            except _LOST:
                return False
            except CloudError as error:
                _logger.warning("a lease could not be prolonged: %s", error)
        return True


def _check_handler(handler: object) -> None:
    if not callable(handler):
        raise ValidationError("the handler must be a function of one message")
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # some that are written in C do not tell
    try:
        signature.bind(object())
    except TypeError as error:
        raise ValidationError(
            f"the handler must be a function of one message; it is {handler!r}: {error}"
        ) from None


def _require_delay(contract: Leases[Any], source: Source) -> None:
    try:
        contract.capabilities.require("nack_delay", "retry_delay")
    except CloudError as error:
        raise error.complete(
            provider=contract._runner.provider,
            service=source.service,
            operation="consume",
            resource=str(source),
        ) from None


def _lanes(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages that may be handled side by side; those of one group stay in one lane."""
    lanes: list[list[Message]] = []
    groups: dict[str, list[Message]] = {}
    for message in messages:
        if message.group is not None and message.group in groups:
            groups[message.group].append(message)
            continue
        lanes.append([message])
        if message.group is not None:
            groups[message.group] = lanes[-1]
    return lanes
