"""Connecting, and running what is asynchronous until it is done or a signal comes."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from cloudkit.cli.exits import SignalError
from cloudkit.cli.places import SCHEMES, CloudName
from cloudkit.cli.settings import Settings

if TYPE_CHECKING:
    from cloudkit.api import Cloud

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
FOLDER_VARIABLE = "CLOUD_PATH"
"""Where the local provider looks for its folder."""


class Clouds:
    """The clouds of one command: one for each name, closed together.

    Args:
        settings: Options for all of them.
        make_folder: Whether a folder of the local provider may be made.
        memory: Whether the local provider may go without a folder.
        **extra: Further options, where the command line says nothing else.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        make_folder: bool = False,
        memory: bool = False,
        **extra: Any,
    ) -> None:
        self._options: dict[str, Any] = {**extra, **settings.options}
        self._make_folder = make_folder
        self._memory = memory
        self._open: dict[CloudName, Cloud] = {}
        self._stack = AsyncExitStack()

    async def get(self, name: CloudName) -> Cloud:
        """The cloud of a name, connected once.

        Raises:
            ConfigurationError: The profile or an option is wrong, or the provider not installed.
            UsageError: The local provider has no folder.
            FileNotFoundError: Its folder does not exist.
        """
        if name not in self._open:
            plain = self._plain(name)
            if plain not in self._open:
                self._open[plain] = await self._stack.enter_async_context(self._connect(plain))
            self._open[name] = self._open[plain]
        return self._open[name]

    def _plain(self, name: CloudName) -> CloudName:
        """The same cloud under the one name that it has here, however it is written."""
        from cloudkit.common import profile_names

        if name.profile and name.name in profile_names():
            return name
        if name.profile and name.name in SCHEMES and name.name != "local":
            provider = SCHEMES[name.name]
            raise click.UsageError(
                f"there is no profile '{name.name}'; write {name.name}://… or {provider}:…"
            )
        folder = name.folder
        if name.name == "local" and folder is None:
            folder = self._options.get("path") or os.environ.get(FOLDER_VARIABLE)
        if folder is not None:
            folder = os.path.realpath(Path(folder).expanduser())
        return CloudName(name.name, folder=folder)

    def _connect(self, name: CloudName) -> Cloud:
        from cloudkit.facade import CloudKit

        if name.profile:
            return CloudKit.from_profile(name.name, **self._options)
        options = dict(self._options)
        if name.folder is not None:
            options["path"] = name.folder
        if name.name == "local":
            self._check_folder(name.folder)
        return CloudKit.connect(name.name, **options)

    def _check_folder(self, folder: str | None) -> None:
        if folder is None:
            if self._memory:
                return
            raise click.UsageError(
                "without a folder the local provider keeps all in memory, which ends with this "
                f"command; write local:///FOLDER//NAME, or set {FOLDER_VARIABLE}"
            )
        if not self._make_folder and not Path(folder).is_dir():
            raise FileNotFoundError(
                2, "there is no such folder; 'cloudkit mb' makes it with its first bucket", folder
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


def run(work: Callable[[], Awaitable[int | None]]) -> int | None:
    """Run asynchronous work. SIGINT and SIGTERM cancel it, and it cleans up; a second one kills.

    Args:
        work: The work; gives the exit code, or None for 0.

    Raises:
        SignalError: A signal came.
        Exception: What the work raised.
    """
    import logging

    import anyio

    # What libraries log goes to who has asked for it; errors are told in one line, at the end.
    logging.lastResort = None
    return anyio.run(_until_signal, work)


async def _until_signal(work: Callable[[], Awaitable[int | None]]) -> int | None:
    import anyio

    came: list[int] = []
    outcome: int | None = None
    failure: Exception | None = None

    async def watch(scope: anyio.CancelScope) -> None:
        async for number in signals:
            came.append(number)
            signal.signal(number, signal.SIG_DFL)
            scope.cancel()

    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        _end_at_second()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, tasks.cancel_scope)
            try:
                outcome = await work()
            except Exception as error:  # noqa: BLE001  (raised again below, outside of the group)
                failure = error
            tasks.cancel_scope.cancel()
    if came:
        raise SignalError(came[0]) from failure
    if failure is not None:
        raise failure
    return outcome


def _end_at_second() -> None:
    """Let a second signal end the process, also while it hangs: say at a reader that does not read."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        came.append(number)

    # The event loop hears of signals all the same, by the descriptor that it has set for that.
    for number in _SIGNALS:
        signal.signal(number, note)
