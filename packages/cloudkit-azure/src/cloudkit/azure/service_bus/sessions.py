"""Sessions that are held: each while messages of it are leased. Blocks.

The order inside a group is kept by sessions. A session is locked by the link that accepted it, so the
link stays, with a connection of its own, until the last message that came over it is settled. Then
the session is free for the next receiver, here or elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import define, field
from cloudkit.azure.service_bus.connections import Connection, Pool
from cloudkit.azure.service_bus.links import Delivery, SessionLink, Unwanted
from cloudkit.azure.service_bus.requests import ask
from cloudkit.common import PreconditionFailedError

T = TypeVar("T")

LEAST_WAIT = 0.1
"""Seconds that the service looks for a session at least."""


@define(eq=False)
class Held:
    """A session that is locked, and its messages that are leased.

    Attributes:
        connection: Of its own.
        link: To the session.
        path: The queue or subscription.
        until: When the lock ends, in seconds, as the service said last.
        leases: Lock token → message.
        lock: Held by the thread that uses the link.
    """

    connection: Connection
    link: SessionLink
    path: str
    until: float
    leases: dict[str, Delivery] = field(factory=dict)
    lock: threading.Lock = field(factory=threading.Lock)


class Sessions:
    """The sessions that are held.

    Args:
        pool: Where connections come from.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._held: dict[str, Held] = {}
        self._lock = threading.Lock()

    def receive(
        self, path: str, count: int, wait: float, unwanted: Callable[[], bool]
    ) -> tuple[Held, Sequence[Delivery]] | None:
        """Accept the next session, and receive messages of it.

        Args:
            path: The queue or subscription.
            count: At most so many messages.
            wait: Seconds to wait for a session that has some.
            unwanted: Whether nobody waits any more.

        Returns:
            The session with its messages; None when there is none in time.
        """
        self._drop_ended()
        end = time.monotonic() + wait
        while not unwanted():
            left = max(end - time.monotonic(), 0.0)
            found = self._accept(path, count, left, unwanted)
            if found is not None and unwanted():
                held, deliveries = found
                held.link.release(deliveries)
                for delivery in deliveries:
                    self._forget(held, delivery.token)
                return None
            if found is not None or left <= 0:
                return found
        return None

    def find(self, token: str) -> Held | None:
        """The session of a message; None when it was received without one, or the session is lost."""
        return self._held.get(token)

    def settle(self, held: Held, token: str, outcome: str, **details: Any) -> None:
        """Say what became of a message; with the last one, the session is let go.

        Args:
            held: Its session.
            token: Its lock token.
            outcome: AMQP's word.
            **details: What belongs to the outcome.

        Raises:
            PreconditionFailedError: The session was let go of meanwhile.
        """
        with held.lock:
            delivery = held.leases.get(token)
            if delivery is None:
                raise PreconditionFailedError("the lease of the session has ended")
            try:
                held.link.settle(delivery, outcome, **details)
            finally:
                self._forget(held, token)

    def renew(self, held: Held) -> float:
        """Prolong the lock of a session, with all its messages.

        Returns:
            When it ends, in seconds.
        """
        with held.lock:
            answer = ask(
                held.link.client,
                held.connection.place,
                held.path,
                "renew-session-lock",
                {"session-id": held.link.session},
                held.link,
            )
            held.until = answer[b"expiration"] / 1000
            return held.until

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            all_held, self._held = set(self._held.values()), {}
        for held in all_held:
            held.link.close()
            held.connection.close()

    def _accept(
        self, path: str, count: int, wait: float, unwanted: Callable[[], bool]
    ) -> tuple[Held, Sequence[Delivery]] | None:
        connection = self.pool.take(SessionLink, path)
        held: Held | None = None
        try:
            link = connection.attach(
                lambda amqp, place: SessionLink(amqp, place, path, max(wait, LEAST_WAIT), unwanted)
            )
            try:
                deliveries = link.take(count, 0, lambda: False)
                if deliveries:
                    held = Held(connection, link, path, link.until)
            finally:
                if held is None:
                    link.close()
        except Exception as error:
            if isinstance(error, Unwanted) or _is_none_free(error):
                return None
            raise
        finally:
            if held is None:
                self.pool.give_back(connection)
        if held is None:
            return None
        with self._lock:
            for delivery in deliveries:
                held.leases[delivery.token] = delivery
                self._held[delivery.token] = held
        return held, deliveries

    def _forget(self, held: Held, token: str) -> None:
        with self._lock:
            held.leases.pop(token, None)
            self._held.pop(token, None)
        if not held.leases:
            held.link.close()
            self.pool.give_back(held.connection)

    def _drop_ended(self) -> None:
        """Let go of sessions whose lock ended while nobody settled their messages."""
        now = time.time()
        with self._lock:
            ended = {held for held in self._held.values() if held.until < now}
        for held in ended:
            if not held.lock.acquire(blocking=False):
                continue  # somebody prolongs it just now
            try:
                for token in list(held.leases):
                    self._forget(held, token)
            finally:
                held.lock.release()


def _is_none_free(error: Exception) -> bool:
    condition = getattr(error, "condition", b"")
    return condition in {b"com.microsoft:timeout", b"com.microsoft:session-cannot-be-locked"}
