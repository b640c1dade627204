"""An object that is open for reading, and the proof that its bytes are those that were written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from cloudkit.api.storage import ByteRange
from cloudkit.common import IntegrityError
from cloudkit.local.blobs import CHUNK, BlobReader
from cloudkit.local.record import ObjectRecord


class OpenedObject:
    """An object that is open for reading.

    Args:
        record: The object.
        blob: Its bytes.
        byte_range: What to read of it; None for all.

    Raises:
        ValidationError: The range begins at or behind the end.
    """

    def __init__(
        self, record: ObjectRecord, blob: BlobReader, byte_range: ByteRange | None
    ) -> None:
        self.record = record
        self.blob = blob
        self.start, self.stop = (
            (0, record.size) if byte_range is None else byte_range.resolve(record.size)
        )

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return self.stop - self.start

    def read(self) -> bytes:
        """All bytes at once.

        Raises:
            IntegrityError: They are not those that were written.
        """
        chunk, _ = self.step(self.start, 0, self.size)
        if len(chunk) == self.size:
            return chunk
        return b"".join(self.verified())  # the system gives at most 2 GiB at once

    def verified(self) -> Iterator[bytes]:
        """The bytes in chunks. The last is only given when everything was right.

        Raises:
            IntegrityError: They are not those that were written.
        """
        position, checksum = self.start, 0
        while position < self.stop:
            chunk, checksum = self.step(position, checksum)
            position += len(chunk)
            yield chunk

    def step(self, position: int, checksum: int, size: int = CHUNK) -> tuple[bytes, int]:
        """The chunk at a position, and the checksum of all up to its end.

        Raises:
            IntegrityError: The bytes are not those that were written.
        """
        chunk = self.blob.read(position, min(size, self.stop - position))
        whole = self.size == self.record.size
        if whole:
            checksum = zlib.crc32(chunk, checksum)
        cut_short = not chunk and position < self.stop
        at_end = position + len(chunk) == self.stop
        if cut_short or (at_end and whole and f"{checksum:08x}" != self.record.crc32):
            raise IntegrityError(
                f"the stored bytes of {self.record.key!r} are not those that were written: size "
                "or CRC-32 differ",
                hint="The file system has damaged them: write the object again.",
            )
        return chunk, checksum
