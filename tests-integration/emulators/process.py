"""Servers as processes: started on a free port, awaited, stopped; their log shown when a test fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 10.0
SHOWN_BYTES = 8000

_opener = build_opener(ProxyHandler({}))  # what listens here is never behind a proxy


class EmulatorError(Exception):
    """An emulator that should be there is not. This is a failure of the tests, never a skip."""


class Server:
    """A server that runs.

    Attributes:
        name: For messages: ``"localstack"``.
        url: Where it listens: ``"http://127.0.0.1:4566"``.
    """

    running: list[Server] = []  # noqa: RUF012  # pytest shows the logs of all of them

    def __init__(self, name: str, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.url = url
        self._process = process
        self._log = log

    @property
    def log_size(self) -> int:
        """Bytes written to the log so far."""
        return self._log.stat().st_size

    def log_tail(self, since: int = 0) -> str:
        """The end of the log.

        Args:
            since: Only what was written behind this byte.
        """
        with self._log.open("rb") as file:
            file.seek(max(since, self.log_size - SHOWN_BYTES))
            return file.read().decode(errors="replace")

    def await_ready(self, ready: Callable[[str], bool], timeout: float = START_SECONDS) -> None:
        """Wait until the server answers.

        Args:
            ready: Asks the server at a URL whether it is ready; may raise OSError.
            timeout: Seconds.

        Raises:
            EmulatorError: It ended, or did not become ready in time.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise EmulatorError(
                    f"{self.name} ended with status {self._process.returncode}:\n{self.log_tail()}"
                )
            try:
                if ready(self.url):
                    return
            except OSError:
                pass  # it does not listen yet
            time.sleep(0.05)
        raise EmulatorError(f"{self.name} was not ready in {timeout:g} s:\n{self.log_tail()}")

    def stop(self) -> None:
        """End the server and what it has started. May be called twice."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            # It leads a group of its own, so this reaches nothing that others started.
            os.killpg(self._process.pid, number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue


@contextmanager
def serving(
    name: str,
    command: Callable[[int, Path], Sequence[str | Path]],
    ready: Callable[[str], bool],
    *,
    environment: Callable[[int, Path], Mapping[str, str]] = lambda port, folder: {},
    timeout: float = START_SECONDS,
) -> Iterator[Server]:
    """A server while the block runs.

    Args:
        name: For messages.
        command: Makes the command from the port and an empty folder of the server's own.
        ready: Asks the server at a URL whether it is ready; may raise OSError.
        environment: Makes variables from the same, on top of PATH and the like.
        timeout: Seconds until it must be ready.

    Raises:
        EmulatorError: The server does not come up.
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        port = free_port()
        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in command(port, folder)],
                env={**_plain_environment(folder), **environment(port, folder)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(name, f"http://{HOST}:{port}", process, log)
        try:
            server.await_ready(ready, timeout)
            Server.running.append(server)
            yield server
        finally:
            if server in Server.running:
                Server.running.remove(server)
            server.stop()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server gives any HTTP answer below 500 to a GET.

    Raises:
        OSError: Nobody listens.
    """
    try:
        with _opener.open(url, timeout=5) as response:
            return bool(response.status < 500)
    except HTTPError as error:
        return error.code < 500
    except URLError as error:
        raise OSError(str(error.reason)) from error


def _plain_environment(folder: Path) -> dict[str, str]:
    # Settings of the machine (credentials, endpoints, proxies) must not reach the server.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**kept, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
