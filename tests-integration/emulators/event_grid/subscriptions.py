"""A subscription with pull delivery: its events, their locks, and what becomes of them."""

from __future__ import annotations

import base64
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.event_grid.errors import invalid, missing
from emulators.event_grid.events import Event
from emulators.event_grid.filters import admits, check_filters

LONGEST_LOCK = 300
MAX_DELIVERIES = 10
DELAYS = frozenset({0, 10, 60, 600, 3600})
RENEWABLE_SECONDS = 3600.0
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DEFAULTS = {
    "receiveLockDurationInSeconds": 60,
    "maxDeliveryCount": MAX_DELIVERIES,
    "eventTimeToLive": "P7D",
}


@dataclass(eq=False)
class Delivery:
    """One event in one subscription. Times are those of the monotonic clock.

    Attributes:
        event: As it was published.
        published: When.
        visible: From when on it can be received.
        count: How often it was received.
        token: Of its lock, while it has one.
        locked_at: When that was taken.
        locked_until: When it ends.
    """

    event: Event
    published: float
    visible: float
    count: int = 0
    token: str | None = None
    locked_at: float = 0.0
    locked_until: float = 0.0


class PullSubscription:
    """What a subscription does; called by many threads.

    Args:
        properties: As the resource manager got them.
        shortest_lock: Seconds of the shortest lock that is allowed.

    Raises:
        EventGridError: 400: they are wrong.
    """

    def __init__(self, properties: Any, shortest_lock: int) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Delivery] = []
        self._ended: set[str] = set()
        self._gone = False
        self.dead_letters: list[Any] = []
        self.configure(properties, shortest_lock)

    def configure(self, properties: Any, shortest_lock: int) -> None:
        """Take other settings."""
        delivery = properties.get("deliveryConfiguration") or {}
        if delivery.get("deliveryMode", "Queue") != "Queue":
            raise invalid("The delivery mode is Queue or Push, and cannot be changed.")
        queue = {**_DEFAULTS, **(delivery.get("queue") or {})}
        lock, most = queue["receiveLockDurationInSeconds"], queue["maxDeliveryCount"]
        if not isinstance(lock, int) or not shortest_lock <= lock <= LONGEST_LOCK:
            raise invalid(
                f"receiveLockDurationInSeconds is from {shortest_lock} to {LONGEST_LOCK}."
            )
        if not isinstance(most, int) or not 1 <= most <= MAX_DELIVERIES:
            raise invalid(f"maxDeliveryCount is from 1 to {MAX_DELIVERIES}.")
        check_filters(properties.get("filtersConfiguration"))
        self._lifetime = _seconds(queue["eventTimeToLive"])
        self._lock_seconds, self._most = lock, most
        self._destination = queue.get("deadLetterDestinationWithResourceIdentity")
        self._filters = properties.get("filtersConfiguration")
        self.properties = {
            "deliveryConfiguration": {"deliveryMode": "Queue", "queue": queue},
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            **({"filtersConfiguration": self._filters} if self._filters else {}),
        }

    def offer(self, events: Sequence[Event]) -> None:
        """Take those events that the filters let through."""
        now = time.monotonic()
        taken = [Delivery(event, now, now) for event in events if admits(self._filters, event)]
        with self._changed:
            self._waiting += taken
            self._changed.notify_all()

    def close(self) -> None:
        """The subscription is deleted: whoever waits is told."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def receive(self, most: int, wait: float) -> list[Delivery]:
        """Lock some events; waits for the first.

        Args:
            most: At most so many.
            wait: Seconds.

        Raises:
            EventGridError: 404: the subscription was deleted meanwhile.
        """
        end = time.monotonic() + wait
        with self._changed:
            while True:
                if self._gone:
                    raise missing("The event subscription")
                now = time.monotonic()
                self._expire(now)
                found = [item for item in self._waiting if item.visible <= now and not item.token]
                if found or now >= end:
                    return [self._lock(item, now) for item in found[:most]]
                self._changed.wait(min(end, self._next_change(end)) - now)

    def settle(
        self, tokens: Sequence[str], action: Callable[[Delivery], None]
    ) -> dict[str, list[Any]]:
        """Do something about locked events, each on its own.

        Args:
            tokens: Of their locks.
            action: One of the methods below.
        """
        succeeded, failed = list[Any](), list[Any]()
        with self._changed:
            self._expire(time.monotonic())
            locked = {item.token: item for item in self._waiting if item.token}
            for token in tokens:
                try:
                    if token not in locked:
                        raise self._lost(token)
                    action(locked.pop(token))
                    succeeded.append(token)
                except TokenError as error:
                    failed.append({"lockToken": token, "error": error.body()})
            self._changed.notify_all()
        return {"succeededLockTokens": succeeded, "failedLockTokens": failed}

    # Actions, for ``settle``

    def acknowledge(self, item: Delivery) -> None:
        """It is done."""
        self._end_lock(item)
        self._waiting.remove(item)

    def release(self, delay: int) -> Callable[[Delivery], None]:
        """It can be received again, after some seconds."""

        def act(item: Delivery) -> None:
            self._give_back(item, time.monotonic() + delay)

        return act

    def reject(self, item: Delivery) -> None:
        """It is set aside."""
        self._end_lock(item)
        self._set_aside(item, "Rejected")

    def renew(self, item: Delivery) -> None:
        """Its lock begins anew."""
        now = time.monotonic()
        if now > item.locked_at + RENEWABLE_SECONDS:
            raise TokenError("TokenLost", "The lock was held for longer than an hour.")
        item.locked_until = now + self._lock_seconds

    # What happens by itself

    def _lock(self, item: Delivery, now: float) -> Delivery:
        item.count += 1
        item.token = base64.b64encode(secrets.token_bytes(24)).decode()
        item.locked_at, item.locked_until = now, now + self._lock_seconds
        return item

    def _end_lock(self, item: Delivery) -> None:
        assert item.token is not None
        self._ended.add(item.token)
        item.token = None

    def _give_back(self, item: Delivery, visible: float) -> None:
        self._end_lock(item)
        item.visible = visible
        if item.count >= self._most:
            self._set_aside(item, "MaxDeliveryAttemptsExceeded")

    def _set_aside(self, item: Delivery, reason: str) -> None:
        self._waiting.remove(item)
        if self._destination is not None:
            properties = {"deadletterreason": reason, "deliveryattempts": item.count}
            self.dead_letters.append({"deadLetterProperties": properties, "event": item.event})

    def _expire(self, now: float) -> None:
        for item in list(self._waiting):
            if item.token and item.locked_until <= now:
                self._give_back(item, item.locked_until)
        for item in list(self._waiting):
            if not item.token and item.published + self._lifetime <= now:
                self._set_aside(item, "TimeToLiveExceeded")

    def _next_change(self, end: float) -> float:
        times = [item.locked_until if item.token else item.visible for item in self._waiting]
        return min(times, default=end)

    def _lost(self, token: str) -> TokenError:
        if token in self._ended:
            return TokenError("TokenLost", "Token has expired.")
        return TokenError("BadToken", "The token is not one of this subscription.")


class TokenError(Exception):
    """Nothing can be done about a lock."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def body(self) -> dict[str, str]:
        """As the service says it."""
        return {"code": self.code, "message": str(self)}


def _seconds(duration: str) -> float:
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise invalid(f"{duration!r} is no duration.")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if not 60 <= total <= 7 * 86400:
        raise invalid("eventTimeToLive is from a minute to the retention of the topic.")
    return float(total)
