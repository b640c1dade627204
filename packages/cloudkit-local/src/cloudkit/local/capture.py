"""The log of one call of a function."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

TAIL_BYTES = 4096
_PIECES = 1000
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class CapturedLog:
    """The last of what was logged and printed."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque(maxlen=_PIECES)

    def add(self, piece: str) -> None:
        """Add a piece of text."""
        self._pieces.append(piece)

    def tail(self) -> str:
        """The last 4 KiB in UTF-8, as AWS gives them."""
        return "".join(self._pieces).encode(errors="replace")[-TAIL_BYTES:].decode(errors="ignore")


_current: ContextVar[CapturedLog | None] = ContextVar("cloudkit.local.log", default=None)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log = _current.get()
        if log is not None:
            log.add(self.format(record) + "\n")


class _Output:
    """Standard output, which goes where it always goes, and into the log of the call that prints."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        log = _current.get()
        if log is not None:
            log.add(text)
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Tap:
    """Handler and output, which are in place as long as somebody wants to see a log."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._output: _Output | None = None
        self._handler = _Handler()
        self._handler.setFormatter(logging.Formatter(_FORMAT))

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                logging.getLogger().addHandler(self._handler)
                self._output = _Output(sys.stdout)
                sys.stdout = cast("TextIO", self._output)

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                logging.getLogger().removeHandler(self._handler)
                output, self._output = self._output, None
                if output is not None and cast("Any", sys.stdout) is output:
                    sys.stdout = output.stream  # unless somebody else has put something there


_tap = _Tap()


@contextmanager
def captured_log(wanted: bool) -> Iterator[CapturedLog | None]:
    """Collect what the block logs and prints, threads that it hands its context to included.

    What the program's own configuration of ``logging`` drops, by the levels of its loggers, is not
    seen, and neither is what is written to a file descriptor or to standard error.

    Args:
        wanted: Whether to collect anything.

    Yields:
        The log; None when it is not wanted.
    """
    if not wanted:
        yield None
        return
    log = CapturedLog()
    token = _current.set(log)
    _tap.open()
    try:
        yield log
    finally:
        _tap.close()
        _current.reset(token)
