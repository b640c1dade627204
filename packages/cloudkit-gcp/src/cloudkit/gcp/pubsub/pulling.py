"""A pull that is under way."""

from __future__ import annotations

import threading
from typing import Any


class Pulling:
    """A pull that is under way, which another thread may call off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._call: Any = None
        self.unwanted = False

    def begin(self, call: Any) -> None:
        """Say which call is under way."""
        with self._lock:
            self._call = call
        if self.unwanted:
            call.cancel()

    def cancel(self) -> None:
        """Call it off. Does not block."""
        self.unwanted = True
        with self._lock:
            call = self._call
        if call is not None:
            call.cancel()
