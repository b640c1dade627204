"""Waking tasks of an event loop from other threads, many with one wake-up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import anyio
from anyio.lowlevel import RunVar, current_token


class Settable(Protocol):
    """Something that is set inside its event loop."""

    def set(self) -> object:
        """Tell whoever waits."""


class Mailbox:
    """Sets events of one event loop from any thread.

    What is posted before the loop gets round to it costs one wake-up of the loop together.
    """

    def __init__(self) -> None:
        self._call_soon = _call_soon()
        self._posted: deque[Settable] = deque()
        self._scheduled = False

    def post(self, event: Settable) -> None:
        """Have an event set. Does nothing once the loop is gone: nobody waits any more."""
        # No lock: what is appended before the flag is read as set is taken by the delivery that
        # is still to come, because that clears the flag before it takes anything.
        self._posted.append(event)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        while self._posted:
            self._posted.popleft().set()


_mailbox: RunVar[Mailbox] = RunVar("cloudkit.local.mailbox")


def current_mailbox() -> Mailbox:
    """The mailbox of the running event loop."""
    try:
        return _mailbox.get()
    except LookupError:
        mailbox = Mailbox()
        _mailbox.set(mailbox)
        return mailbox


def _call_soon() -> Callable[[Callable[[], object]], None]:
    loop: Any = current_token().native_token
    if hasattr(loop, "run_sync_soon"):
        import trio

        return _ignoring(trio.RunFinishedError, loop.run_sync_soon, lambda: True)
    return _ignoring(RuntimeError, loop.call_soon_threadsafe, lambda: bool(loop.is_closed()))


def _ignoring(
    error_type: type[Exception], call_soon: Callable[..., object], gone: Callable[[], bool]
) -> Callable[[Callable[[], object]], None]:
    def call(func: Callable[[], object]) -> None:
        try:
            call_soon(func)
        except error_type:
            if not gone():
                raise

    return call


class Outcome:
    """What a thread hands back, to a task or to another thread. Set at most once.

    Args:
        mailbox: Of the event loop that waits; None when a thread does.
    """

    __slots__ = ("_error", "_event", "_mailbox", "_result", "abandoned")

    def __init__(self, mailbox: Mailbox | None) -> None:
        self._mailbox = mailbox
        self._event: Any = threading.Event() if mailbox is None else anyio.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self.abandoned = False

    def succeed(self, result: Any) -> None:
        """Hand back a result."""
        self._result = result
        self._wake()

    def fail(self, error: BaseException) -> None:
        """Hand back an error."""
        self._error = error
        self._wake()

    async def wait(self) -> Any:
        """Wait in a task. Cancelling gives up at once."""
        try:
            await self._event.wait()
        except BaseException:
            self.abandoned = True
            raise
        return self._take()

    def wait_blocking(self) -> Any:
        """Wait in a thread."""
        self._event.wait()
        return self._take()

    def _wake(self) -> None:
        if self._mailbox is None:
            self._event.set()
        else:
            self._mailbox.post(self._event)

    def _take(self) -> Any:
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = None  # the traceback holds this frame: no cycle
