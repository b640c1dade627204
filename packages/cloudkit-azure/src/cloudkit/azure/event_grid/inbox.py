"""Receiving without losing anything: long polls that outlive the calls that wanted them.

The service lets a receive wait ten seconds at least, and locks what it answers with, whether or not
anybody still listens. So a call that must return earlier, or is cancelled, leaves its poll to the next
call for the same subscription. What comes while nobody asks is given back after a moment.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

SHORTEST_POLL, LONGEST_POLL = 10, 120
"""Seconds that the service lets a receive wait."""
LEAST_WAIT = 0.3
"""Seconds until it is believed that nothing is there: what is there comes at once, over the network."""
HOLD_SECONDS = 1.0
"""Seconds that events are kept which nobody asks for."""

_logger = logging.getLogger("cloudkit.azure.event_grid")


@frozen(eq=False)
class Received:
    """An event that is locked.

    Attributes:
        event: As JSON says it.
        token: Of its lock.
        count: How often it has been delivered.
        at: When it came.
    """

    event: Mapping[str, Any]
    token: str = field(repr=False)
    count: int
    at: datetime


@define(eq=False)
class Order:
    """What one receive wants.

    Attributes:
        count: At most so many events.
        wait: Seconds to wait for the first.
        taken: What it got.
        withdrawn: Whether nobody waits for it any more.
        inbox: Where it was given to.
    """

    count: int
    wait: float
    taken: list[Received] = field(factory=list)
    withdrawn: bool = False
    inbox: Inbox | None = None

    def withdraw(self) -> None:
        """Nobody waits any more: others may have what it got. Does not block."""
        self.withdrawn = True
        if self.inbox is not None:
            self.inbox.take_back(self)


class Inbox:
    """What comes in for one subscription.

    There are never fewer polls than orders; a poll that is left over serves the next order.

    Args:
        fetch: Receives at most so many events, waiting so many seconds for the first. Blocks.
        give_back: Releases the locks with these tokens. Blocks.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], list[Received]],
        give_back: Callable[[Sequence[str]], None],
    ) -> None:
        self._fetch = fetch
        self._give_back = give_back
        self._changed = threading.Condition()
        self._held: dict[str, Received] = {}
        self._failures: deque[Exception] = deque()
        self._orders = 0
        self._polls = 0
        self._closed = False

    def take(self, order: Order) -> None:
        """Wait until there is something for an order, or its time is up. Blocks.

        Args:
            order: Gets what there is.

        Raises:
            Exception: Whatever a poll failed with.
        """
        end = time.monotonic() + max(order.wait, LEAST_WAIT)
        with self._changed:
            order.inbox = self
            self._orders += 1
            try:
                while not order.withdrawn and not self._serve(order):
                    left = end - time.monotonic()
                    if left <= 0 or self._closed:
                        return
                    if self._polls < self._orders:
                        self._start_poll(order.count, left)
                    self._changed.wait(left)
            finally:
                self._orders -= 1
                if not self._orders:
                    self._failures.clear()

    def take_back(self, order: Order) -> None:
        """Give to others what an order got that was withdrawn."""
        with self._changed:
            found, order.taken = order.taken, []
            self._held.update((item.token, item) for item in found)
            self._changed.notify_all()
        if found:
            self._start(self._guard, found)

    @property
    def idle(self) -> bool:
        """Whether it is of no use at present."""
        with self._changed:
            return not (self._orders or self._polls or self._held)

    def close(self) -> None:
        """Give back everything. Blocks."""
        with self._changed:
            self._closed = True
            left, self._held = list(self._held), {}
            self._changed.notify_all()
        if left:
            self._return(left)

    def _serve(self, order: Order) -> bool:
        for token in list(self._held)[: order.count]:
            order.taken.append(self._held.pop(token))
        if order.taken:
            self._changed.notify_all()
            return True
        if self._failures:
            raise self._failures.popleft()
        return False

    def _start_poll(self, count: int, left: float) -> None:
        self._polls += 1
        seconds = min(max(math.ceil(left), SHORTEST_POLL), LONGEST_POLL)
        self._start(self._poll, count, seconds)

    def _poll(self, count: int, seconds: int) -> None:
        found: list[Received] = []
        failure: Exception | None = None
        try:
            found = self._fetch(count, seconds)
        except Exception as error:  # noqa: BLE001  # raised in the thread that waits
            failure = error
        with self._changed:
            self._polls -= 1
            self._held.update((item.token, item) for item in found)
            if failure is not None and self._orders:
                self._failures.append(failure)
            self._changed.notify_all()
        if found:
            self._guard(found)

    def _guard(self, found: Sequence[Received]) -> None:
        """Give back, after a moment, what nobody asks for."""

        def untaken() -> list[str]:
            return [item.token for item in found if item.token in self._held]

        with self._changed:
            self._changed.wait_for(lambda: not untaken(), HOLD_SECONDS)
            left = untaken()
            for token in left:
                del self._held[token]
        if left and not self._closed:
            self._return(left)

    def _return(self, tokens: Sequence[str]) -> None:
        try:
            self._give_back(tokens)
        except Exception as error:  # noqa: BLE001  # the locks end by themselves
            _logger.debug("what nobody asked for could not be given back: %s", error)

    @staticmethod
    def _start(func: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=func, args=args, name="cloudkit-inbox", daemon=True).start()
