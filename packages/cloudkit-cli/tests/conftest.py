"""The command, run in this process or as it is installed, on a folder of the local provider."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from cloudkit.cli import main

COMMAND = Path(sys.executable).with_name("cloudkit")


@frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The results, where they are JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        """The one result."""
        (row,) = self.rows
        return row


Run = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of ``local://`` and ``local:``, and a directory without a cloudkit.toml."""
    path = tmp_path / "cloud"
    path.mkdir()
    here = tmp_path / "here"
    here.mkdir()
    for name in [*os.environ]:
        if name.startswith("CLOUD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUD_PATH", str(path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(here)
    return path


@pytest.fixture
def cli(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs the command in this process."""

    def run(*arguments: str | Path, code: int = 0) -> Ended:
        capfdbinary.readouterr()
        ended = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        result = Ended(ended, out.decode(), err.decode())
        assert result.code == code, result
        return result

    return run


@pytest.fixture
def installed(folder: Path) -> Run:
    """Runs the installed command as a process."""

    def run(*arguments: str | Path, code: int = 0, text: str = "") -> Ended:
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            input=text,
            timeout=60,
        )
        result = Ended(done.returncode, done.stdout, done.stderr)
        assert result.code == code, result
        return result

    return run


class Started:
    """The installed command, running."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self) -> dict[str, Any]:
        """The next result."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=30)  # what it said in its last moment
        result: dict[str, Any] = json.loads(line)
        return result

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Started]]:
    """Starts the installed command."""
    running: list[Started] = []

    def run(*arguments: str | Path) -> Started:
        running.append(Started([str(argument) for argument in arguments]))
        return running[-1]

    yield run
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate(timeout=30)
