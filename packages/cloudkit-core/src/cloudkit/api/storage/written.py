"""A file that is written in pieces, in any order, hashed along the way, and seen only when it is whole."""

from __future__ import annotations

import errno
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudkit.api.storage.models import ChecksumAlgorithm, Hasher, hasher

PIECE = 1024 * 1024
LONGEST_NAME = 255
"""Bytes of a name, in most file systems."""


class WrittenFile:
    """A file in the making, beside the one that it is to become.

    The methods may be called in several threads at once, ``discard`` at any time. One thread hashes
    from the beginning as far as the file is there without a gap, the others go on. What came out of
    order is read back, from memory mostly, as it has only just been written.

    Args:
        path: What it becomes; replaced when it exists.
        size: Bytes that it will have.
        algorithm: What is computed of the content; None for nothing.
    """

    def __init__(self, path: Path, size: int, algorithm: ChecksumAlgorithm | None) -> None:
        self._path = path
        self._temporary = path.with_name(_temporary_name(path.name))
        self._size = size
        self._algorithm: ChecksumAlgorithm | None = algorithm
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._users = 0
        self._given_up = False
        self._hashing = threading.Lock()
        self._hasher = None if algorithm is None else hasher(algorithm)
        self._hashed = 0
        self._waiting: dict[int, int] = {}

    def create(self) -> None:
        """Make the file, with room for all of it.

        Raises:
            IsADirectoryError: The path is a folder.
            OSError: The file cannot be made.
        """
        with self._lock:
            self._require_wanted()
            if self._path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self._path))
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            self._descriptor = os.open(self._temporary, flags, 0o666)
            os.truncate(self._descriptor, self._size)

    def write(self, data: bytes, offset: int) -> None:
        """Write a piece.

        Raises:
            OSError: The file cannot be written or read, or was discarded.
        """
        with self._in_use() as descriptor:
            view, at = memoryview(data), offset
            while view:
                written = os.pwrite(descriptor, view, at)
                view, at = view[written:], at + written
            if self._hasher is not None:
                self._note(self._hasher, descriptor, data, offset)

    def hexdigest(self) -> str:
        """The checksum, once all is written.

        Raises:
            OSError: The file cannot be read, or was discarded.
        """
        assert self._hasher is not None  # noqa: S101  (who asks has named an algorithm)
        assert self._algorithm is not None  # noqa: S101
        with self._in_use() as descriptor, self._hashing:
            self._catch_up(self._hasher, descriptor)
            if self._waiting:
                # A range that broke off was written anew, over bytes that had been hashed.
                self._hasher, self._hashed = hasher(self._algorithm), 0
                self._waiting = {0: self._size}
                self._catch_up(self._hasher, descriptor)
            return self._hasher.hexdigest()

    def keep(self) -> None:
        """Let the file take its place.

        Raises:
            OSError: It cannot, or was discarded.
        """
        with self._in_use():
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Close the file, and remove it unless it was kept. Does not wait for those who write."""
        with self._lock:
            self._given_up = True
            self._close_unused()
            self._temporary.unlink(missing_ok=True)

    def _note(self, hasher: Hasher, descriptor: int, data: bytes, offset: int) -> None:
        end = offset + len(data)
        if not self._hashing.acquire(blocking=False):
            self._waiting[offset] = end
            return
        try:
            if offset == self._hashed:
                hasher.update(data)
                self._hashed = end
            else:
                self._waiting[offset] = end
            self._catch_up(hasher, descriptor)
        finally:
            self._hashing.release()

    def _catch_up(self, hasher: Hasher, descriptor: int) -> None:
        while (end := self._waiting.pop(self._hashed, None)) is not None:
            while self._hashed < end:
                length = min(PIECE, end - self._hashed)
                piece = os.pread(descriptor, length, self._hashed)
                if not piece:
                    return  # the file has been cut; the checksum will not be the object's
                hasher.update(piece)
                self._hashed += len(piece)

    @contextmanager
    def _in_use(self) -> Iterator[int]:
        with self._lock:
            self._require_wanted()
            assert self._descriptor is not None  # noqa: S101  (it was created)
            self._users += 1
        try:
            yield self._descriptor
        finally:
            with self._lock:
                self._users -= 1
                self._close_unused()

    def _require_wanted(self) -> None:
        if self._given_up:
            raise OSError(errno.ECANCELED, "the file was discarded", str(self._temporary))

    def _close_unused(self) -> None:
        # A descriptor that was closed too early may already be somebody else's file.
        if self._given_up and not self._users and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _temporary_name(name: str) -> str:
    rest = f".{secrets.token_hex(8)}.part"
    begin = os.fsencode(name)[: LONGEST_NAME - 1 - len(rest)]
    return f".{begin.decode(errors='ignore')}{rest}"
