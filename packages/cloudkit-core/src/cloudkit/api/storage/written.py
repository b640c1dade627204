"""A file that is written in ranges, in any order, and hashed along the way."""

from __future__ import annotations

import os
import threading

from cloudkit.api.storage.models import Hasher

PIECE = 1024 * 1024


class WrittenFile:
    """Writes ranges and hashes the file from its beginning, as far as it is there without a gap.

    The methods may be called in several threads at once; one of them hashes, the others go on. What
    came out of order is read back, from memory mostly, as it has only just been written.

    Args:
        descriptor: The open file; readable and writable.
        hasher: Takes the bytes in order; None when nobody wants to know.
    """

    def __init__(self, descriptor: int, hasher: Hasher | None) -> None:
        self._descriptor = descriptor
        self._hasher = hasher
        self._hashing = threading.Lock()
        self._hashed = 0
        self._waiting: dict[int, int] = {}

    def write(self, data: bytes, offset: int) -> None:
        """Write a range.

        Raises:
            OSError: The file cannot be written or read.
        """
        view, at = memoryview(data), offset
        while view:
            written = os.pwrite(self._descriptor, view, at)
            view, at = view[written:], at + written
        if self._hasher is None:
            return
        if not self._hashing.acquire(blocking=False):
            self._waiting[offset] = at
            return
        try:
            if offset == self._hashed:
                self._hasher.update(data)
                self._hashed = at
            else:
                self._waiting[offset] = at
            self._catch_up(self._hasher)
        finally:
            self._hashing.release()

    def hexdigest(self) -> str:
        """The checksum, once all is written.

        Raises:
            OSError: The file cannot be read.
        """
        assert self._hasher is not None  # noqa: S101  (who asks has given one)
        with self._hashing:
            self._catch_up(self._hasher)
            return self._hasher.hexdigest()

    def _catch_up(self, hasher: Hasher) -> None:
        while (end := self._waiting.pop(self._hashed, None)) is not None:
            while self._hashed < end:
                length = min(PIECE, end - self._hashed)
                piece = os.pread(self._descriptor, length, self._hashed)
                if not piece:
                    return  # the file has been cut; the checksum will not be the object's
                hasher.update(piece)
                self._hashed += len(piece)
