"""How far a copy is, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rich.progress import Progress


class Display(Protocol):
    """Told what is found and what is done."""

    def found(self, size: int | None) -> None:
        """There is one more to copy."""

    def moved(self, size: int) -> None:
        """So many bytes more are there."""

    def done(self) -> None:
        """One more is finished, well or not."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def make_display(*, wanted: bool) -> Display:
    """A bar on stderr when that is a terminal, else nothing.

    Args:
        wanted: Whether a bar may be shown.
    """
    return Bar() if wanted and sys.stderr.isatty() else Nothing()


class Nothing:
    """Shows nothing."""

    def found(self, size: int | None) -> None:
        """Nothing."""

    def moved(self, size: int) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing."""


class Bar:
    """A bar with bytes, rate and the time that is left."""

    def __init__(self) -> None:
        self._progress = _bar()
        self._found = 0
        self._done = 0
        self._total = 0
        self._moved = 0
        self._task = self._progress.add_task(self._files(), total=None)

    def found(self, size: int | None) -> None:
        """There is one more to copy."""
        self._found += 1
        self._total += size or 0
        self._show()

    def moved(self, size: int) -> None:
        """So many bytes more are there."""
        self._moved += size
        self._total = max(self._total, self._moved)  # sizes are not all known before
        self._show()

    def done(self) -> None:
        """One more is finished, well or not."""
        self._done += 1
        self._show()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def _show(self) -> None:
        self._progress.update(
            self._task,
            completed=self._moved,
            total=self._total or None,
            description=self._files(),
        )

    def _files(self) -> str:
        return f"{self._done}/{self._found} files"


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
