"""Tasks of the running event loop that outlive the call that starts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.lowlevel import current_token
from cloudkit.local.mailbox import current_mailbox

_logger = logging.getLogger("cloudkit.local")


class Background:
    """One task beside those of the user. It ends with ``stop``, or with its event loop.

    Args:
        main: What it does.
    """

    def __init__(self, main: Callable[[], Awaitable[object]]) -> None:
        self._main = main
        self._run: _Run | None = None

    def start(self) -> None:
        """Start it in this event loop, unless it runs already, here or in another one."""
        if self._run is None or not self._run.alive:
            self._run = _Run(self._main)

    async def stop(self) -> None:
        """End it, and wait until it has ended, if it belongs to this event loop."""
        run, self._run = self._run, None
        if run is not None and run.alive:
            await run.stop()


class _Run:
    """One start of the task."""

    def __init__(self, main: Callable[[], Awaitable[object]]) -> None:
        self._main = main
        self._mailbox = current_mailbox()
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._loop: Any = current_token().native_token
        self._task: asyncio.Task[None] | None = None
        if isinstance(self._loop, asyncio.AbstractEventLoop):
            self._task = self._loop.create_task(self._work())  # the loop itself does not keep it
        else:
            import trio

            trio.lowlevel.spawn_system_task(self._work)

    @property
    def alive(self) -> bool:
        # trio cancels the task when its loop ends; of asyncio's, not everybody does.
        return not self._ended.is_set() and not (self._task and self._loop.is_closed())

    async def stop(self) -> None:
        if current_token().native_token is self._loop:
            self._scope.cancel()
            await self._ended.wait()
        else:
            self._mailbox.post(self)

    def set(self) -> None:
        self._scope.cancel()

    async def _work(self) -> None:
        try:
            with self._scope:
                await self._main()
        except Exception:
            # There is nobody to raise it to, and trio would take the whole program down.
            _logger.exception("a background task of the local provider has failed")
        finally:
            self._ended.set()
