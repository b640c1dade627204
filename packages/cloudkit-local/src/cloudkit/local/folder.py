"""The folder that everything is kept in."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from attrs import frozen
from cloudkit.common import ConfigurationError
from cloudkit.local.errors import DATA_NAME, INDEX_NAME, unusable_folder
from cloudkit.local.owner import living_owners

MARKER = "cloudkit-local.json"
FORMAT = 1


@frozen
class Folder:
    """A folder in our layout.

    ::

        cloudkit-local.json     says that the folder is ours, and the version of the layout
        data.sqlite3            tables, queues and topics
        objects.sqlite3         index of the objects; can be made anew from the files below
        objects/                bytes and attributes of the objects, and the parts of unfinished uploads
        buckets/                names of the buckets
        temporary/              what living processes are writing
        secret                  signs URLs

    Attributes:
        root: The folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Folder:
        """Use a folder; it is made, with its parents, when it is missing.

        Raises:
            ConfigurationError: It cannot be used, or it holds something else.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            marker = root / MARKER
            if not marker.exists():
                _claim(root, marker)
            _check(root, marker.read_text(encoding="utf-8"))
            if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, "no permission to read and write", str(root))
        except OSError as error:
            raise unusable_folder(error, root) from error
        return cls(root)

    @property
    def data(self) -> Path:
        """Database of tables, queues and topics."""
        return self.root / DATA_NAME

    @property
    def index(self) -> Path:
        """Database of the objects."""
        return self.root / INDEX_NAME

    @property
    def temporary(self) -> Path:
        """What living processes are writing."""
        return self.root / "temporary"

    def secret(self) -> bytes:
        """The secret that signs URLs, the same for all processes on the folder.

        Raises:
            OSError: It cannot be read or made.
        """
        path = self.root / "secret"
        if not path.exists():
            write_new(path, secrets.token_hex(32).encode(), mode=0o600)
        return path.read_bytes()

    def set_index_aside(self) -> None:
        """Give the database of the objects another name, so that a new one is made.

        Raises:
            ConfigurationError: A living process uses the folder.
            OSError: It cannot be renamed.
        """
        if self.temporary.exists() and living_owners(self.temporary):
            raise ConfigurationError(
                f"a process is using the objects in {self.root}",
                provider="local",
                hint="Stop all processes that use the folder.",
            )
        mark = f"damaged-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"
        for suffix in ("", "-wal", "-shm"):
            file = self.index.with_name(self.index.name + suffix)
            if file.exists():
                file.rename(file.with_name(f"{file.name}.{mark}"))


def write_new(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Make a file, unless there is one: whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return  # another process was faster
    finally:
        temporary.unlink()


def _claim(root: Path, marker: Path) -> None:
    foreign = [name for name in os.listdir(root) if MARKER not in name]  # noqa: PTH208
    if foreign and not marker.exists():
        raise ConfigurationError(
            f"the folder {root} holds something else (such as {min(foreign)!r})",
            provider="local",
            hint="Give an empty folder, or one that does not exist yet.",
        )
    write_new(marker, json.dumps({"format": FORMAT}).encode())


def _check(root: Path, marker: str) -> None:
    try:
        content: Any = json.loads(marker)
        version = content["format"]
    except (ValueError, TypeError, KeyError):
        version = None
    if not isinstance(version, int):
        raise ConfigurationError(
            f"{root / MARKER} is damaged",
            provider="local",
            hint=f'If the folder is a CloudKit one, write {{"format": {FORMAT}}} into that file.',
        )
    if version > FORMAT:
        raise ConfigurationError(
            f"the folder {root} has layout version {version}, but this cloudkit-local knows "
            f"versions up to {FORMAT}",
            provider="local",
            hint="Upgrade cloudkit-local, or use another folder.",
        )
