"""Those who wait for messages of one source, one behind the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import RunVar

_Locks = WeakValueDictionary[tuple[int, str], anyio.Lock]
_locks: RunVar[_Locks] = RunVar("cloudkit.local.lines")


class Lines:
    """The waiting lines of one client, in each event loop its own.

    A message that comes wakes who stands first. Were all of them woken, each of a hundred idle
    consumers would look for each message.
    """

    @asynccontextmanager
    async def turn(self, name: str, end: float) -> AsyncIterator[bool]:
        """Stand in line, and hold the first place inside the block.

        Args:
            name: Of the line.
            end: When to give up, by the clock of the event loop.

        Yields:
            Whether the first place was reached in time.
        """
        lock = self._lock(name)
        got = False
        try:
            with anyio.CancelScope(deadline=end):
                await lock.acquire()
                got = True
            yield got
        finally:
            if got:
                lock.release()

    def _lock(self, name: str) -> anyio.Lock:
        try:
            locks = _locks.get()
        except LookupError:
            locks = WeakValueDictionary()
            _locks.set(locks)
        lock = locks.get((id(self), name))
        if lock is None:
            lock = locks[id(self), name] = anyio.Lock()
        return lock
