"""Waiting for changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import anyio
from cloudkit.local.mailbox import current_mailbox


class Watch:
    """One task's wait for changes of a channel; made by ``Database.watch``.

    Changes from when it was entered on are noticed, so check, then wait, misses nothing.
    """

    def __init__(self, watches: Watches, channel: str) -> None:
        self._watches = watches
        self._channel = channel
        self._mailbox = current_mailbox()
        self._event = anyio.Event()

    async def changed(self, timeout: float | None = None) -> bool:
        """Wait for a change since the last call, or since the watch was entered.

        Changes by other processes are noticed within about 0.05 seconds. As theirs name no channel,
        they wake everybody: look before you leap.

        Args:
            timeout: Seconds to wait at most; None for ever.

        Returns:
            Whether there was a change; False when the time passed.
        """
        with anyio.move_on_after(timeout):
            await self._event.wait()
        if not self._event.is_set():
            return False
        self._event = anyio.Event()
        return True

    def set(self) -> None:
        """Note a change. Called in the watch's event loop."""
        self._event.set()

    def trigger(self) -> None:
        """Note a change, from any thread."""
        self._mailbox.post(self)

    def __enter__(self) -> Self:
        self._watches.add(self._channel, self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._watches.remove(self._channel, self)


class Watches:
    """All watches of a database.

    Args:
        on_add: Called in any thread after a watch was added.
    """

    def __init__(self, on_add: Callable[[], object]) -> None:
        self._on_add = on_add
        self._lock = threading.Lock()
        self._by_channel: dict[str, set[Watch]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_channel)

    def add(self, channel: str, watch: Watch) -> None:
        """Begin to wake a watch."""
        with self._lock:
            self._by_channel.setdefault(channel, set()).add(watch)
        self._on_add()

    def remove(self, channel: str, watch: Watch) -> None:
        """Stop waking a watch."""
        with self._lock:
            watches = self._by_channel[channel]
            watches.discard(watch)
            if not watches:
                del self._by_channel[channel]

    def notify(self, channels: Iterable[str]) -> None:
        """Wake those who watch one of the channels."""
        with self._lock:
            woken = [w for c in dict.fromkeys(channels) for w in self._by_channel.get(c, ())]
        for watch in woken:
            watch.trigger()

    def notify_all(self) -> None:
        """Wake everybody."""
        with self._lock:
            woken = [watch for watches in self._by_channel.values() for watch in watches]
        for watch in woken:
            watch.trigger()
