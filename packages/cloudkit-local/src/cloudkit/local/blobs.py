"""Where the bytes of objects are kept: immutable blobs, each named by a revision.

A blob is written, published under a revision of its own, and becomes visible only when the index
refers to it. Afterwards it is settled. A blob that was published but not settled when its process
died is dropped, or settled, by whoever opens the folder next.
"""

from __future__ import annotations

import secrets
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeAlias

from cloudkit.local.record import ObjectRecord

CHUNK = 1024 * 1024
"""Bytes read or written at once."""

FindSidecar: TypeAlias = Callable[[str, ObjectRecord | None], bytes | None]
"""From a revision, and what its sidecar says if it can be read, to the sidecar that the index wants it
to have: empty for a part, None when the index does not refer to it."""


class BlobReader(ABC):
    """An open blob. Stays readable when the blob is removed."""

    @abstractmethod
    def read(self, offset: int, size: int) -> bytes:
        """Some bytes; fewer only at the end."""

    @abstractmethod
    def close(self) -> None:
        """Free it. May be called twice."""

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to stop, in chunks; they end early where the blob does."""
        while start < stop:
            chunk = self.read(start, min(CHUNK, stop - start))
            if not chunk:
                return
            yield chunk
            start += len(chunk)


class BlobWriter(ABC):
    """A blob in the making.

    Attributes:
        revision: Its name.
        size: Bytes written so far.
    """

    def __init__(self) -> None:
        self.revision = secrets.token_hex(16)
        self.size = 0
        self._crc32 = 0

    @property
    def crc32(self) -> str:
        """Checksum of the bytes so far, in hex."""
        return f"{self._crc32:08x}"

    def write(self, data: bytes) -> None:
        """Append some bytes.

        Raises:
            OSError: There is no space left, or another fault.
        """
        self._append(data)
        self.size += len(data)
        self._crc32 = zlib.crc32(data, self._crc32)

    def adopt(self, record: ObjectRecord) -> bool:
        """Take over the bytes of a blob without copying them, where that can be done.

        Returns:
            Whether it could. The writer must be empty, and nothing more may be written.
        """
        if not self._adopt(record.revision):
            return False
        self.size = record.size
        self._crc32 = int(record.crc32, 16)
        return True

    @abstractmethod
    def publish(self, sidecar: bytes | None) -> None:
        """Finish the blob, with its sidecar if it has one (the parts of uploads have none)."""

    @abstractmethod
    def settle(self) -> None:
        """The index refers to the blob now. A fault here loses nothing."""

    @abstractmethod
    def discard(self) -> None:
        """Drop what was written, published or not."""

    @abstractmethod
    def _append(self, data: bytes) -> None:
        """Write."""

    @abstractmethod
    def _adopt(self, revision: str) -> bool:
        """Take over another's bytes."""


class Blobs(ABC):
    """All blobs of a folder, or in memory."""

    @abstractmethod
    def create(self) -> BlobWriter:
        """Begin a blob."""

    @abstractmethod
    def open(self, revision: str) -> BlobReader:
        """Open a blob.

        Raises:
            FileNotFoundError: It was removed.
        """

    @abstractmethod
    def remove(self, revision: str) -> None:
        """Remove a blob, if it is there."""

    @abstractmethod
    def recover(self, find: FindSidecar) -> None:
        """Clear away what dead processes left."""

    @abstractmethod
    def records(self) -> Iterator[ObjectRecord]:
        """All objects that have a sidecar, for an index that was lost."""

    @abstractmethod
    def keep_bucket(self, name: str, created: int) -> None:
        """Remember a bucket outside the index; ``created`` in microseconds since 1970."""

    @abstractmethod
    def drop_bucket(self, name: str) -> None:
        """Forget a bucket."""

    @abstractmethod
    def buckets(self) -> Iterator[tuple[str, int]]:
        """All buckets that are remembered, for an index that was lost."""

    @abstractmethod
    def drop_strays(self) -> None:
        """Remove what belongs to no object, while nobody else uses the folder."""

    @abstractmethod
    def close(self) -> None:
        """Say that this process writes no more."""
