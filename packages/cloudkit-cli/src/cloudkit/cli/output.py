"""What a command prints: lines for people, or JSON, one object a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cloudkit.cli.exits import facts, sentence
from cloudkit.cli.settings import Settings

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream
    from cloudkit.core import WorkerThreads

_PIECE = 1024 * 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Output:
    """Prints results as was asked for.

    Args:
        settings: Says how.
    """

    def __init__(self, settings: Settings) -> None:
        self.json = settings.json

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """Print one result.

        Args:
            values: It, for JSON.
            text: It, for people; what would drive their terminal is made visible.
        """
        if self.json:
            print(to_json(values), flush=True)
        else:
            print(visible(text), flush=True)

    def note(self, text: str) -> None:
        """Tell people something beside the results, on stderr; with ``--json`` nothing."""
        if not self.json:
            print(visible(text), file=sys.stderr, flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Print several results under headings; into a pipe, separated by tabs.

        Args:
            columns: Names of the values that people see, in order.
            rows: All values, by name.
        """
        if self.json:
            for row in rows:
                print(to_json(row), flush=True)
            return
        if not sys.stdout.isatty():
            for row in ({name: name for name in columns}, *rows):
                print("\t".join(_cell(row.get(name)) for name in columns), flush=True)
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name in columns:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(row.get(name))) for name in columns))
        Console(highlight=False).print(table)


def report(error: BaseException, *, as_json: bool) -> None:
    """Say on stderr what went wrong, in one line."""
    if as_json:
        print(to_json(facts(error)), file=sys.stderr, flush=True)
    else:
        print(f"cloudkit: {visible(sentence(error))}", file=sys.stderr, flush=True)


def to_json(values: Mapping[str, Any]) -> str:
    """One line of JSON, in ASCII: names of files need not be valid text."""
    return json.dumps(values, default=_plain)


def visible(text: str, *, lines: bool = False) -> str:
    """The text with what would drive a terminal made visible.

    Args:
        text: It, from anywhere.
        lines: Whether it may have several lines.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else "\t"
    return "".join(
        letter if letter.isprintable() or letter in kept else _escaped(letter) for letter in text
    )


def size_text(size: int) -> str:
    """A size for people."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def time_text(moment: datetime | None) -> str:
    """A time for people, in UTC."""
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def bytes_field(name: str, data: bytes) -> dict[str, str]:
    """Bytes for JSON: as text where they are UTF-8, else in base64 under ``NAME_base64``."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        import base64

        return {f"{name}_base64": base64.b64encode(data).decode()}


def write_bytes(data: bytes) -> None:
    """Write bytes to stdout as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


async def send_stream(
    stream: ByteReceiveStream, moved: Callable[[int], object] | None = None
) -> None:
    """Write a stream to stdout as it is. A reader that does not read does not keep from cancelling.

    Args:
        stream: It.
        moved: Told how many bytes were written in all.
    """
    from anyio import EndOfStream

    sys.stdout.flush()
    done = 0
    while True:
        try:
            piece = await stream.receive(_PIECE)
        except EndOfStream:
            return
        await _writing().run(_write_all, sys.stdout.fileno(), piece)
        done += len(piece)
        if moved is not None:
            moved(done)


@cache
def _writing() -> WorkerThreads:
    from cloudkit.core import WorkerThreads

    return WorkerThreads(1)  # a daemon: the process ends although it hangs


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(str(value))


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", "backslashreplace").decode()
