"""``cloudkit cp`` on the local provider, beside ``cp -r`` and rclone's local backend."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from tools.bench.report import Row, print_rows

MIB = 1024 * 1024
SMALL_FILES = 1000
SMALL_BYTES = 4096
LARGE_BYTES = 1024 * MIB
ROUNDS = 3
_numbers = itertools.count()
COMMAND = str(Path(sys.executable).with_name("cloudkit"))


@frozen
class Task:
    """What is copied.

    Attributes:
        name: In words.
        source: The folder with it.
        rounds: How often it is measured; the fastest counts.
        tidy: Whether copies are removed at once, and not only at the end. Where many files have just
            been removed, ext4 is slow to make new ones: that would be measured of the next.
    """

    name: str
    source: Path
    rounds: int
    tidy: bool


def run(*, quick: bool = False) -> bool:
    """Measure and print.

    Args:
        quick: Only see whether it runs.

    Returns:
        Whether all targets were met.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="cloudkit-bench-") as folder:
        for task in _tasks(Path(folder), quick=quick):
            work = Path(folder, task.source.name + "-copies")
            work.mkdir()
            rows += _rows(task, work)
            shutil.rmtree(work)
    return print_rows("copying files, ratio to cp -r", rows)


def _tasks(folder: Path, *, quick: bool) -> list[Task]:
    count, size = (50, 16 * MIB) if quick else (SMALL_FILES, LARGE_BYTES)
    small, large = folder / "small", folder / "large"
    for number in range(count):
        path = small / str(number % 10) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SMALL_BYTES))
    large.mkdir()
    piece = os.urandom(8 * MIB)
    with (large / "large.bin").open("wb") as file:
        for _ in range(size // len(piece)):
            file.write(piece)
    rounds = 1 if quick else ROUNDS
    return [
        Task(f"{count:,} files of {SMALL_BYTES // 1024} KiB", small, rounds, tidy=False),
        Task(f"one file of {size // MIB:,} MiB", large, rounds, tidy=True),
    ]


def _rows(task: Task, folder: Path) -> list[Row]:
    base = _fastest(task, folder, lambda target: ["cp", "-r", str(task.source), str(target)])
    rows = [Row(f"{task.name}: cp -r", _seconds(base), 1.0)]
    if shutil.which("rclone") is None:
        rows.append(Row(f"{task.name}: rclone", "not installed"))
    else:
        spent = _fastest(task, folder, lambda target: _rclone(task.source, target))
        rows.append(Row(f"{task.name}: rclone copy", _seconds(spent), spent[0] / base[0]))
    store = folder / "store"
    bucket = f"local://{store}//bucket"
    _timed([COMMAND, "mb", bucket])
    up = _fastest(task, store, lambda target: _cloudkit(str(task.source), bucket))
    rows.append(Row(f"{task.name}: cloudkit cp, to the cloud", _seconds(up), up[0] / base[0]))
    down = _fastest(task, folder, lambda target: _cloudkit(bucket, str(target)))
    rows.append(Row(f"{task.name}: cloudkit cp, back", _seconds(down), down[0] / base[0]))
    same = _timed([*_cloudkit(str(task.source), bucket), "--skip-unchanged"])
    rows.append(Row(f"{task.name}: again, all unchanged", _seconds(same), same[0] / base[0]))
    return rows


def _rclone(source: Path, target: Path) -> list[str]:
    return ["rclone", "copy", "--config", os.devnull, str(source), str(target)]


def _cloudkit(source: str, target: str) -> list[str]:
    return [COMMAND, "cp", "-r", "--no-progress", source, target]


def _fastest(
    task: Task, folder: Path, command: Callable[[Path], Sequence[str]]
) -> tuple[float, float]:
    """Seconds on the clock and of the processor; of several rounds the one that took least."""
    found = []
    for _ in range(task.rounds):
        target = folder / f"target-{next(_numbers)}"
        found.append(_timed(command(target)))
        if task.tidy:
            shutil.rmtree(target, ignore_errors=True)
    return min(found)


def _timed(command: Sequence[str]) -> tuple[float, float]:
    before = os.times()
    began = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    after = os.times()
    used = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return seconds, used


def _seconds(spent: tuple[float, float]) -> str:
    return f"{spent[0]:.2f} s, processor {spent[1]:.2f} s"
