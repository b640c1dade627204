"""Blobs as files.

::

    objects/3f/3fb0…          the bytes of the blob 3fb0…
    objects/3f/3fb0….json     what the object is: its sidecar
    buckets/70686f…           a bucket: its name in hex
    temporary/<owner>/lock    locked as long as the process lives
    temporary/<owner>/3fb0…   bytes being written
    temporary/<owner>/3fb0….json   sidecar of a blob that is published, but not settled

No name comes from outside: keys are inside the sidecars, never in a path.
"""

from __future__ import annotations

import errno
import json
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from cloudkit.local.blobs import BlobReader, Blobs, BlobWriter, FindSidecar
from cloudkit.local.connection import Durability
from cloudkit.local.owner import Owner, dead_owners
from cloudkit.local.record import ObjectRecord

SIDECAR = ".json"
_ENDED = -1
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK})


class FileBlobs(Blobs):
    """Blobs in a folder that several processes may use.

    Args:
        root: The folder; ``objects`` and the others are made in it.
        durability: ``"power"`` for an fsync of everything before it counts as written. The bytes of
            objects are synced in any case.
    """

    def __init__(self, root: Path, durability: Durability) -> None:
        self._objects = root / "objects"
        self._buckets = root / "buckets"
        self._temporary = root / "temporary"
        for folder in (self._objects, self._buckets, self._temporary):
            folder.mkdir(exist_ok=True)
        self._owner = Owner(self._temporary)
        self._sync = durability == "power"

    def create(self) -> BlobWriter:
        """Begin a blob."""
        return _FileWriter(self._owner.folder, self._objects, sync=self._sync)

    def open(self, revision: str) -> BlobReader:
        """Open a blob."""
        return _FileReader(blob_path(self._objects, revision))

    def remove(self, revision: str) -> None:
        """Remove a blob and its sidecar, if they are there."""
        path = blob_path(self._objects, revision)
        sidecar = path.with_name(revision + SIDECAR)
        # The sidecar goes first: without it, the bytes are no object that could come back.
        sidecar.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        sidecar.unlink(missing_ok=True)  # who wrote the blob may have settled it just now

    def recover(self, find: FindSidecar) -> None:
        """Settle or drop what dead processes published, and drop what they did not finish."""
        for owner in dead_owners(self._temporary):
            with owner:
                for sidecar in sorted(owner.folder.glob(f"*{SIDECAR}")):
                    self._recover(sidecar, find)
                owner.remove()

    def records(self) -> Iterator[ObjectRecord]:
        """All objects whose sidecar is whole and whose bytes are there in full length."""
        for sidecar in sorted(
            [*self._objects.glob(f"*/*{SIDECAR}"), *self._temporary.glob(f"*/*{SIDECAR}")]
        ):
            try:
                record = ObjectRecord.from_sidecar(sidecar.read_bytes())
                size = blob_path(self._objects, record.revision).stat().st_size
            except (ValueError, FileNotFoundError):
                continue  # a part of an upload, or never finished
            if record.revision == sidecar.stem and size == record.size:
                yield record

    def keep_bucket(self, name: str, created: int) -> None:
        """Write a small file for the bucket."""
        content = json.dumps({"name": name, "created": created}).encode()
        self._bucket_path(name).write_bytes(content)

    def drop_bucket(self, name: str) -> None:
        """Remove the bucket's file."""
        self._bucket_path(name).unlink(missing_ok=True)

    def buckets(self) -> Iterator[tuple[str, int]]:
        """All buckets that have a file."""
        for path in sorted(self._buckets.iterdir()):
            try:
                content = json.loads(path.read_bytes())
                yield content["name"], content["created"]
            except (ValueError, KeyError):
                continue  # never finished

    def drop_strays(self) -> None:
        """Remove bytes without a sidecar: parts of uploads that a lost index knew.

        Must not be called while others use the folder.
        """
        for path in self._objects.glob("*/*"):
            if not path.suffix and not path.with_name(path.name + SIDECAR).exists():
                path.unlink()

    def close(self) -> None:
        """Give up the lock, so that the next one clears away what is left, if anything is."""
        self._owner.close()

    def _bucket_path(self, name: str) -> Path:
        return self._buckets / name.encode().hex()

    def _recover(self, sidecar: Path, find: FindSidecar) -> None:
        revision = sidecar.stem
        path = blob_path(self._objects, revision)
        content = sidecar.read_bytes()
        try:
            record = ObjectRecord.from_sidecar(content)
        except ValueError:
            record = None  # a part of an upload, or a power cut has taken it
        wanted = find(revision, record)
        if wanted is None:
            path.unlink(missing_ok=True)
        elif wanted:
            if content != wanted:
                sidecar.write_bytes(wanted)
            _settle(sidecar, path)


def blob_path(objects: Path, revision: str) -> Path:
    """Where a blob is."""
    return objects / revision[:2] / revision


class _FileReader(BlobReader):
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        # Also for a reader that is dropped because nobody waits for it any more.
        self._end = weakref.finalize(self, os.close, self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        self._end()


class _FileWriter(BlobWriter):
    def __init__(self, temporary: Path, objects: Path, *, sync: bool) -> None:
        super().__init__()
        self._path = temporary / self.revision
        self._marker = temporary / (self.revision + SIDECAR)
        self._final = blob_path(objects, self.revision)
        self._sync = sync
        self._part = False
        self._descriptor = os.open(self._path, _NEW, 0o666)

    def publish(self, sidecar: bytes | None) -> None:
        self._part = sidecar is None
        # An object's bytes reach the disk before its index entry can: after a power cut it is either
        # the old or the new one, never an entry without its bytes.
        descriptor, self._descriptor = self._descriptor, _ENDED
        self._end(descriptor, sync=self._sync or not self._part)
        marker = os.open(self._marker, _NEW, 0o666)
        try:
            write_all(marker, sidecar or b"")
        finally:
            self._end(marker, sync=self._sync)
        try:
            self._path.rename(self._final)
        except FileNotFoundError:
            self._final.parent.mkdir(exist_ok=True)
            self._path.rename(self._final)
        if self._sync:
            _sync_folders(self._path.parent, self._final.parent, self._final.parent.parent)

    def settle(self) -> None:
        if self._part:
            self._marker.unlink()
        else:
            _settle(self._marker, self._final)

    def discard(self) -> None:
        if self._descriptor != _ENDED:
            os.close(self._descriptor)
            self._descriptor = _ENDED
        self._path.unlink(missing_ok=True)
        self._final.unlink(missing_ok=True)
        self._marker.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        write_all(self._descriptor, data)

    def _adopt(self, revision: str) -> bool:
        own = self._path.with_suffix(".link")
        try:
            os.link(blob_path(self._final.parent.parent, revision), own)
        except OSError as error:
            if error.errno in _NO_LINKS:
                return False
            raise
        own.replace(self._path)
        return True

    def _end(self, descriptor: int, *, sync: bool) -> None:
        try:
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _settle(marker: Path, blob: Path) -> None:
    sidecar = blob.with_name(marker.name)
    marker.replace(sidecar)
    if not blob.exists():  # another writer has replaced the object since, and removed the blob
        sidecar.unlink(missing_ok=True)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folders(*folders: Path) -> None:
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
