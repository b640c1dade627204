"""How far a copy is, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from cloudkit.cli.output import size_text

if TYPE_CHECKING:
    from rich.progress import Progress


class Display(Protocol):
    """Told what is found and what is done."""

    def found(self, size: int | None) -> None:
        """There is one more to copy."""

    def moved(self, size: int) -> None:
        """So many bytes more are there."""

    def sized(self, size: int) -> None:
        """One that was found before turns out to have this size."""

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

    def sized(self, size: int) -> None:
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
        self._show()

    def sized(self, size: int) -> None:
        """One that was found before turns out to have this size."""
        self._total += size
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
        self._show(more=0)
        self._progress.stop()

    def _show(self, more: int = 1) -> None:
        # Not by update(total=…), which forgets the rate; and never full before the end, which is when
        # Rich stops to measure it.
        self._progress.tasks[0].total = max(self._total, self._moved + more)
        self._progress.update(self._task, completed=self._moved, description=self._files())

    def _files(self) -> str:
        return f"{self._done}/{self._found} files"


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Bytes a second, in the units of the sizes beside it; Rich has others for rates."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(
                "" if speed is None else f"{size_text(int(speed))}/s", "progress.data.speed"
            )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
