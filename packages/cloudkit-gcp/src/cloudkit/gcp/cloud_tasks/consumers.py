"""Who handles the messages that are posted: the running calls of ``consume``."""

from __future__ import annotations

import inspect
import logging
from enum import Enum

import anyio
from attrs import define, field
from cloudkit.api.messaging import ConsumeOptions, Handler, Message
from cloudkit.common import ConflictError, ValidationError, utc_now

_logger = logging.getLogger("cloudkit.consumer")


class Outcome(Enum):
    """What became of a message."""

    DONE = 200
    FAILED = 500
    UNHANDLED = 503


@define(eq=False)
class _Consumption:
    """One call of ``consume``.

    Attributes:
        handler: Called with each message.
        limiter: As many handlers as may run at once.
        scopes: Of the messages that wait or are handled; whether their handler has begun.
        stopping: Whether it was cancelled.
        idle: Set when it is stopping and nothing is left.
    """

    handler: Handler
    limiter: anyio.CapacityLimiter
    scopes: dict[anyio.CancelScope, bool] = field(factory=dict)
    stopping: bool = False
    idle: anyio.Event = field(factory=anyio.Event)

    def stop(self, drain_timeout: float) -> None:
        self.stopping = True
        for scope, begun in self.scopes.items():
            if begun:
                scope.deadline = min(scope.deadline, anyio.current_time() + drain_timeout)
            else:
                scope.cancel()
        self._check_idle()

    def ended(self, scope: anyio.CancelScope) -> None:
        del self.scopes[scope]
        self._check_idle()

    def _check_idle(self) -> None:
        if self.stopping and not self.scopes:
            self.idle.set()


class Consumers:
    """The running calls of ``consume``, one a queue."""

    def __init__(self) -> None:
        self._running: dict[str, _Consumption] = {}

    def __contains__(self, queue: object) -> bool:
        """Whether a queue is consumed."""
        return queue in self._running

    async def run(self, queue: str, handler: Handler, options: ConsumeOptions) -> None:
        """Have a queue's messages handled until cancelled.

        Args:
            queue: The queue.
            handler: Called with each message.
            options: How.

        Raises:
            ConflictError: The queue is consumed already.
        """
        if not callable(handler):
            raise ValidationError("the handler must be a function of one message")
        if queue in self._running:
            raise ConflictError(f"{queue!r} is consumed already by this client")
        limiter = anyio.CapacityLimiter(options.concurrency)
        consumption = self._running[queue] = _Consumption(handler, limiter)
        try:
            await anyio.sleep_forever()
        finally:
            del self._running[queue]
            consumption.stop(options.drain_timeout)
            with anyio.CancelScope(shield=True):
                await consumption.idle.wait()

    async def handle(self, message: Message, scope: anyio.CancelScope) -> Outcome:
        """Have a message handled by whoever consumes its queue.

        Args:
            message: The message.
            scope: Cancels its handler; also when the lease ends.
        """
        consumption = self._running.get(message.source.name)
        if consumption is None:
            return Outcome.UNHANDLED
        if message.leased_until is not None:
            left = (message.leased_until - utc_now()).total_seconds()
            scope.deadline = anyio.current_time() + left
        outcome = Outcome.UNHANDLED
        consumption.scopes[scope] = False
        try:
            with scope:
                async with consumption.limiter:
                    consumption.scopes[scope] = True
                    outcome = await _call(consumption.handler, message)
        finally:
            consumption.ended(scope)
        return outcome


async def _call(handler: Handler, message: Message) -> Outcome:
    try:
        result = handler(message)
        if inspect.isawaitable(result):
            await result
    except Exception:  # whatever a handler raises
        _logger.exception("message %s of %s failed", message.id, message.source)
        return Outcome.FAILED
    return Outcome.DONE
