"""Errors of files and of SQLite as CloudErrors: the only place where they are translated."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from cloudkit.common import (
    CloudError,
    ConfigurationError,
    PermissionDeniedError,
    ProviderError,
    ServiceUnavailableError,
)

INDEX_NAME = "objects.sqlite3"
DATA_NAME = "data.sqlite3"

_REBUILD = " Without a backup, LocalCloud.rebuild(path) makes it anew from the objects' files."
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


def translate(error: Exception, root: Path | None, service: str) -> CloudError | None:
    """The CloudError for an error of the operating system or of SQLite.

    Args:
        error: What was raised.
        root: The provider's folder, for the message; None in memory.
        service: The contract that was used.

    Returns:
        None when the error is of another kind.
    """
    place = "memory" if root is None else str(root)
    if isinstance(error, sqlite3.Error):
        return _sqlite_error(error, place, f"{place}/{database_name(service)}")
    if isinstance(error, OSError) and error.errno is not None:
        return _os_error(error, place)
    return None


def database_name(service: str) -> str:
    """The database that a contract uses."""
    return INDEX_NAME if service == "storage" else DATA_NAME


def unusable_folder(error: OSError, root: Path) -> ConfigurationError:
    """The ConfigurationError for a folder that cannot be used at all."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return ConfigurationError(
            f"{error.filename or root} is a file, not a folder",
            provider="local",
            hint="Give the path of a folder.",
        )
    return ConfigurationError(
        f"the folder {root} cannot be used: {error.strerror} ({error.filename or root})",
        provider="local",
        code=errno.errorcode.get(error.errno or 0),
        hint="Give a folder that this user may read and write, or correct its permissions.",
    )


def _os_error(error: OSError, place: str) -> CloudError:
    number = error.errno or 0
    code = errno.errorcode.get(number, str(number))
    if number in _FULL:
        return _full(place, code)
    if number in _FORBIDDEN:
        return _forbidden(place, code)
    if number in _EXHAUSTED:
        return ServiceUnavailableError(
            f"the system has run out of something: {error.strerror}",
            code=code,
            unprocessed=True,
            hint="Raise the limit (ulimit -n for files), or use a lower max_concurrency.",
        )
    return ProviderError(f"a file in {place} cannot be used: {error.strerror}", code=code)


def _sqlite_error(error: sqlite3.Error, place: str, file: str) -> CloudError:
    number = getattr(error, "sqlite_errorcode", 0) & 0xFF
    code = getattr(error, "sqlite_errorname", None)
    if number in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ServiceUnavailableError(
            "another process kept the database busy for too long", code=code, unprocessed=True
        )
    if number == sqlite3.SQLITE_FULL:
        return _full(place, code)
    if number in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return _forbidden(place, code)
    if number in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return ProviderError(
            f"the database {file} is damaged: {error}",
            code=code,
            hint="Stop all processes that use the folder, then put a backup of the file in its place."
            + (_REBUILD if file.endswith(INDEX_NAME) else ""),
        )
    if number in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}:
        return ProviderError(
            f"the database {file} cannot be read or written: {error}",
            code=code,
            hint="See that the folder is there, may be written, and has space left.",
        )
    return ProviderError(f"the database refused: {error}", code=code)


def _full(place: str, code: str | None) -> CloudError:
    return ProviderError(
        f"there is no space left in {place}; nothing was changed",
        code=code,
        status=507,
        unprocessed=True,
        hint="Free some space, then do it again.",
    )


def _forbidden(place: str, code: str | None) -> CloudError:
    return PermissionDeniedError(
        f"the system does not let this process write in {place}, or read it",
        code=code,
        hint="Correct the permissions of the folder and the files in it.",
    )
