"""What a client remembers of entities and of leases."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict

from cloudkit.api.messaging import Message

REMEMBERED = 10_000
"""Messages that are remembered to be done, so that they can be acknowledged twice."""


class Known:
    """What this client has seen of a namespace. Others may know more."""

    def __init__(self) -> None:
        self.sessions: dict[str, bool] = {}
        """Path → whether it wants sessions."""
        self.fifo: dict[str, bool] = {}
        """Queue → whether it has sessions and drops duplicates."""
        self._lock = threading.Lock()
        self._leases: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._prune_at: dict[str, int] = {}
        self._complete: OrderedDict[str, None] = OrderedDict()

    def forget(self, path: str) -> None:
        """An entity is made, or removed."""
        with self._lock:
            for known in (self.sessions, self.fifo):
                known.pop(path, None)
            self._leases.pop(path, None)
            self._prune_at.pop(path, None)

    def lease(self, path: str, message: Message) -> None:
        """A message was leased, or its lease prolonged."""
        until = message.leased_until
        with self._lock:
            leases = self._leases[path]
            leases[message.lease] = 0.0 if until is None else until.timestamp()
            if len(leases) >= self._prune_at.get(path, REMEMBERED):
                now = time.time()
                self._leases[path] = {t: end for t, end in leases.items() if end > now}
                self._prune_at[path] = 2 * len(self._leases[path]) + REMEMBERED

    def settle(self, path: str, message: Message) -> None:
        """A lease was given back."""
        with self._lock:
            self._leases[path].pop(message.lease, None)

    def leased(self, path: str) -> int:
        """How many messages this client has leased."""
        now = time.time()
        with self._lock:
            current = {t: end for t, end in self._leases.pop(path, {}).items() if end > now}
            if current:
                self._leases[path] = current
            return len(current)

    def complete(self, token: str) -> None:
        """A message was acknowledged, or may have been."""
        with self._lock:
            self._complete[token] = None
            if len(self._complete) > REMEMBERED:
                self._complete.popitem(last=False)

    def is_complete(self, token: str) -> bool:
        """Whether a message was acknowledged by this client."""
        return token in self._complete
