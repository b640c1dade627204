"""The log of one call of a function."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TAIL_BYTES = 4096
_LINES = 1000
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class CapturedLog:
    """The last lines that were logged."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)

    def add(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def tail(self) -> str:
        """The last lines, cut to 4 KiB of UTF-8 as AWS does."""
        return "\n".join(self._lines).encode()[-TAIL_BYTES:].decode(errors="ignore")


_current: ContextVar[CapturedLog | None] = ContextVar("cloudkit.local.log", default=None)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log = _current.get()
        if log is not None:
            log.add(self.format(record))


class _Tap:
    """The handler, which is at the root logger as long as somebody wants to see a log."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._handler = _Handler()
        self._handler.setFormatter(logging.Formatter(_FORMAT))

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                logging.getLogger().removeHandler(self._handler)


_tap = _Tap()


@contextmanager
def captured_log(wanted: bool) -> Iterator[CapturedLog | None]:
    """Collect what the block logs with ``logging``, threads that it hands its context to included.

    What the program's own logging configuration drops, by the levels of its loggers, is not seen.

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
