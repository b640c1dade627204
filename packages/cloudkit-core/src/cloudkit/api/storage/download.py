"""Reading an object into a file: in parallel ranges, verified, and renamed into place when whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from anyio import to_thread
from cloudkit.api.storage.hooks import ObjectStorageHooks
from cloudkit.api.storage.models import ByteRange, ChecksumAlgorithm, ObjectInfo
from cloudkit.api.storage.operations import GetObject, HeadObject
from cloudkit.api.storage.upload import Transfer
from cloudkit.api.storage.written import WrittenFile
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import IntegrityError

DEFAULT_RANGE_SIZE = 8 * 1024 * 1024
"""Bytes asked for at once. Providers hold only a piece of them in memory."""

# The fastest first; any of them proves the content.
_CHECKSUMS: tuple[ChecksumAlgorithm, ...] = ("crc32c", "crc32", "md5", "sha1", "sha256")


class Download:
    """One read of an object into a file.

    Args:
        storage: Where from.
        head: Bucket, key and condition.
        path: The file; replaced when it exists.
        transfer: How the object is moved.
        verify: Whether the file is compared with the checksum that the service keeps, if any.
    """

    def __init__(
        self,
        storage: ObjectStorageHooks,
        head: HeadObject,
        path: str | PathLike[str],
        transfer: Transfer,
        *,
        verify: bool,
    ) -> None:
        self._storage = storage
        self._head = head
        self._path = Path(path)
        self._transfer = transfer
        self._verify = verify
        self._done = 0

    async def run(self) -> ObjectInfo:
        """Fetch the object.

        Raises:
            IntegrityError: The file does not match the checksum; it was removed.
            PreconditionFailedError: The object was replaced meanwhile.
            CloudError: Fetching failed; a file that was there before stands.
            OSError: The file cannot be written.
        """
        info = await self._storage._run(self._head, self._storage._head_object)
        file = WrittenFile(self._path, info.size, self._algorithm(info))
        try:
            await to_thread.run_sync(file.create)
            await self._fetch(info, file)
            await to_thread.run_sync(file.keep)
        finally:
            file.discard()
        return info

    def _algorithm(self, info: ObjectInfo) -> ChecksumAlgorithm | None:
        if self._verify:
            for algorithm in _CHECKSUMS:
                if algorithm in info.checksums:
                    return algorithm
        return None

    async def _fetch(self, info: ObjectInfo, file: WrittenFile) -> None:
        size = self._transfer.part_size or DEFAULT_RANGE_SIZE
        ranges = iter([(at, min(at + size, info.size)) for at in range(0, info.size, size)])
        async with flat_task_group() as tasks:
            for _ in range(self._transfer.concurrency):
                tasks.start_soon(self._fetch_ranges, info, ranges, file)
        algorithm = self._algorithm(info)
        if algorithm is not None:
            digest = await to_thread.run_sync(file.hexdigest)
            if digest != info.checksums[algorithm]:
                raise self._damaged(f"the {algorithm} of the file is not the object's")

    async def _fetch_ranges(
        self, info: ObjectInfo, ranges: Iterator[tuple[int, int]], file: WrittenFile
    ) -> None:
        storage = self._storage
        for start, stop in ranges:
            operation = GetObject(
                bucket=self._head.bucket,
                key=self._head.key,
                byte_range=ByteRange(start, stop - 1),
                if_match=info.etag,
            )
            written = await storage._run(
                operation, partial(storage._save_range, write=file.write, start=start)
            )
            if written != stop - start:
                raise self._damaged(f"{written:,} bytes came where {stop - start:,} were asked for")
            self._done += written
            if self._transfer.progress is not None:
                self._transfer.progress(self._done, info.size)

    def _damaged(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"{what}; the file was not kept",
            provider=self._storage._runner.provider,
            service=self._head.service,
            operation="download_file",
            resource=self._head.resource,
        )
