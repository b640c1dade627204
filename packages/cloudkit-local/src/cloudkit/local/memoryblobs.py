"""Blobs in memory."""

from __future__ import annotations

from collections.abc import Iterator

from cloudkit.local.blobs import BlobReader, Blobs, BlobWriter, FindSidecar
from cloudkit.local.record import ObjectRecord


class MemoryBlobs(Blobs):
    """Blobs in a dictionary, gone when it is."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def create(self) -> BlobWriter:
        """Begin a blob."""
        return _MemoryWriter(self._blobs)

    def open(self, revision: str) -> BlobReader:
        """Open a blob."""
        try:
            return _MemoryReader(self._blobs[revision])
        except KeyError:
            raise FileNotFoundError(revision) from None

    def remove(self, revision: str) -> None:
        """Remove a blob, if it is there."""
        self._blobs.pop(revision, None)

    def recover(self, find: FindSidecar) -> None:
        """Nothing outlives its process."""

    def records(self) -> Iterator[ObjectRecord]:
        """None: the index lives as long as the blobs."""
        return iter(())

    def keep_bucket(self, name: str, created: int) -> None:
        """The index is enough."""

    def drop_bucket(self, name: str) -> None:
        """The index is enough."""

    def buckets(self) -> Iterator[tuple[str, int]]:
        """None, as for records."""
        return iter(())

    def drop_strays(self) -> None:
        """Nothing is ever left over."""

    def close(self) -> None:
        """Forget everything."""
        self._blobs.clear()


class _MemoryReader(BlobReader):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]

    def close(self) -> None:
        self._data = b""


class _MemoryWriter(BlobWriter):
    def __init__(self, blobs: dict[str, bytes]) -> None:
        super().__init__()
        self._blobs = blobs
        self._pieces: list[bytes] = []

    def publish(self, sidecar: bytes | None) -> None:
        whole = len(self._pieces) == 1
        self._blobs[self.revision] = self._pieces[0] if whole else b"".join(self._pieces)
        self._pieces = []

    def settle(self) -> None:
        """There is nothing to do."""

    def discard(self) -> None:
        self._pieces = []
        self._blobs.pop(self.revision, None)

    def _append(self, data: bytes) -> None:
        self._pieces.append(bytes(data))

    def _adopt(self, revision: str) -> bool:
        try:
            self._pieces = [self._blobs[revision]]
        except KeyError:
            raise FileNotFoundError(revision) from None
        return True
