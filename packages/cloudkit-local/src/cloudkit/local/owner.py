"""Folders for what is being written, each of one owner: an open client of a living process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_LOCK = "lock"


class Owner:
    """A folder that is locked as long as its owner lives: the system ends the lock with the process.

    Args:
        parent: Where the folder is made.

    Attributes:
        folder: The folder.
    """

    def __init__(self, parent: Path) -> None:
        self.folder, self._descriptor = _make(parent)
        self._end = weakref.finalize(self, os.close, self._descriptor)

    def close(self) -> None:
        """Remove the folder if nothing is left in it, and give up the lock."""
        if not self._end.alive:
            return
        with contextlib.suppress(OSError):  # who opens the parent next tries again
            if [entry.name for entry in self.folder.iterdir()] == [_LOCK]:
                _remove(self.folder)
        self._end()


class DeadOwner:
    """The folder of an owner that is no more, locked while it is looked through."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        _remove(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


def dead_owners(parent: Path) -> Iterator[DeadOwner]:
    """The folders whose owners are dead; those of the living are left alone."""
    for folder in _folders(parent):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            descriptor = _take(folder)
            if descriptor is not None:
                yield DeadOwner(folder, descriptor)


def _folders(parent: Path) -> list[Path]:
    return sorted(entry for entry in parent.iterdir() if entry.is_dir())


def living_owners(parent: Path) -> int:
    """How many owners are alive."""
    alive = 0
    for folder in _folders(parent):
        with contextlib.suppress(FileNotFoundError):
            descriptor = _lock(folder / _LOCK)
            if descriptor is None:
                alive += 1
            else:
                os.close(descriptor)
    return alive


def _make(parent: Path) -> tuple[Path, int]:
    while True:
        folder = parent / secrets.token_hex(8)
        folder.mkdir()
        # Until it is locked, another process may take the folder for a dead one's.
        with contextlib.suppress(FileNotFoundError):
            descriptor = _take(folder)
            if descriptor is not None:
                return folder, descriptor


def _take(folder: Path) -> int | None:
    """The lock of a folder; None when somebody else holds it, or has just removed the folder."""
    descriptor = _lock(folder / _LOCK)
    if descriptor is None or _is_at(descriptor, folder / _LOCK):
        return descriptor
    os.close(descriptor)
    return None


def _remove(folder: Path) -> None:
    """Remove a folder that is locked. Where it cannot be, who opens the parent next tries again.

    The lock goes last, so that nobody else takes the folder before there is nothing left in it. Who
    then takes what is left of it keeps it from being removed here, and removes it.
    """
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.name != _LOCK:
                entry.unlink()
        (folder / _LOCK).unlink()
        folder.rmdir()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
