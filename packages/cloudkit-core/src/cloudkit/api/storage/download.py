"""Reading an object into a file: in parallel ranges, verified, and renamed into place when whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup
from cloudkit.api.storage.hooks import ObjectStorageHooks
from cloudkit.api.storage.models import ByteRange, ChecksumAlgorithm, ObjectInfo, hasher
from cloudkit.api.storage.operations import GetObject, HeadObject
from cloudkit.api.storage.upload import Transfer
from cloudkit.api.storage.written import WrittenFile
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import IntegrityError

DEFAULT_RANGE_SIZE = 4 * 1024 * 1024
"""Bytes fetched at once. Allocators keep what threads have freed: twice as much takes four times."""

# The fastest first; any of them proves the content.
_CHECKSUMS: tuple[ChecksumAlgorithm, ...] = ("crc32", "md5", "sha1", "sha256")


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
        descriptor, temporary = await to_thread.run_sync(self._create, info.size)
        try:
            try:
                await self._fetch(info, descriptor)
            finally:
                os.close(descriptor)
            await to_thread.run_sync(os.replace, temporary, self._path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return info

    def _create(self, size: int) -> tuple[int, Path]:
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.part")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            os.truncate(descriptor, size)
        except OSError:
            os.close(descriptor)
            temporary.unlink()
            raise
        return descriptor, temporary

    async def _fetch(self, info: ObjectInfo, descriptor: int) -> None:
        size = self._transfer.part_size or DEFAULT_RANGE_SIZE
        ranges = iter([(at, min(at + size, info.size)) for at in range(0, info.size, size)])
        algorithm = self._algorithm(info)
        file = WrittenFile(descriptor, None if algorithm is None else hasher(algorithm))
        # One range is written while the others are on their way; memory holds no more of them.
        places = anyio.Semaphore(self._transfer.concurrency + 1)
        async with flat_task_group() as tasks:
            for _ in range(self._transfer.concurrency):
                tasks.start_soon(self._fetch_ranges, info, ranges, file, places, tasks)
        if algorithm is not None:
            digest = await to_thread.run_sync(file.hexdigest)
            if digest != info.checksums[algorithm]:
                raise self._damaged(f"the {algorithm} of the file is not the object's")

    def _algorithm(self, info: ObjectInfo) -> ChecksumAlgorithm | None:
        known = [algorithm for algorithm in _CHECKSUMS if algorithm in info.checksums]
        return known[0] if known and self._verify else None

    async def _fetch_ranges(
        self,
        info: ObjectInfo,
        ranges: Iterator[tuple[int, int]],
        file: WrittenFile,
        places: anyio.Semaphore,
        tasks: TaskGroup,
    ) -> None:
        for start, stop in ranges:
            await places.acquire()
            operation = GetObject(
                bucket=self._head.bucket,
                key=self._head.key,
                byte_range=ByteRange(start, stop - 1),
                if_match=info.etag,
            )
            data = await self._storage._run(operation, self._storage._get_object)
            if len(data) != stop - start:
                raise self._damaged(
                    f"{len(data):,} bytes came where {stop - start:,} were asked for"
                )
            tasks.start_soon(self._write_range, info, data, start, file, places)
            del data  # or it would stay in memory while the next part is on its way

    async def _write_range(
        self, info: ObjectInfo, data: bytes, start: int, file: WrittenFile, places: anyio.Semaphore
    ) -> None:
        await to_thread.run_sync(file.write, data, start)
        self._done += len(data)
        if self._transfer.progress is not None:
            self._transfer.progress(self._done, info.size)
        del data  # before another one is fetched
        places.release()

    def _damaged(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"{what}; the file was not kept",
            provider=self._storage._runner.provider,
            service=self._head.service,
            operation="download_file",
            resource=self._head.resource,
        )
