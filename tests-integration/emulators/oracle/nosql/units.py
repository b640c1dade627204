"""Units that a table may use: so many a second, and what was left over in the last minutes."""

from __future__ import annotations

import time

SAVED_SECONDS = 300


class Bucket:
    """Units that are left.

    Args:
        each_second: How many come; None for no end of them.
    """

    def __init__(self, each_second: int | None = None) -> None:
        self._each_second = each_second
        self._left = float((each_second or 0) * SAVED_SECONDS)
        self._at = time.monotonic()

    @property
    def empty(self) -> bool:
        """Whether all have been used."""
        if self._each_second is None:
            return False
        now = time.monotonic()
        most = float(self._each_second * SAVED_SECONDS)
        self._left = min(most, self._left + (now - self._at) * self._each_second)
        self._at = now
        return self._left <= 0

    def take(self, units: int) -> None:
        """Use some; more than are left where the last request was large."""
        self._left -= units


def units(size: int) -> int:
    """Units of so many bytes: one for each begun KB."""
    return max(1, -(-size // 1024))
