"""Copying one object or file, whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import click
from anyio import to_thread
from anyio.lowlevel import checkpoint
from attrs import field, frozen
from cloudkit.api.storage import ObjectInfo, Progress, WriteOptions, hasher
from cloudkit.cli.inputs import standard_input
from cloudkit.cli.output import send_stream
from cloudkit.cli.transfer.ends import FileEnd, Job, ObjectEnd, StreamEnd
from cloudkit.common import NotFoundError, ValidationError

Outcome: TypeAlias = Literal["copied", "skipped", "would copy"]
ALGORITHMS = ("crc32c", "crc32", "md5", "sha1", "sha256")
"""What files and objects are compared by, the fastest first."""

_PIECE = 1024 * 1024
_SMALL = 256 * 1024
_MD5 = re.compile("[0-9a-f]{32}")


@frozen
class Copier:
    """How objects are copied.

    Attributes:
        skip_unchanged: Whether what is there already, with the same size and content, is left.
        part_size: Bytes of a part; None for the default.
        parts: Parts of one object under way at once.
        dry_run: Whether only to look what would be copied.
        attributes: Attributes that objects get, in place of those of the source.
        trust_times: Whether a target of the same size that is newer than its source is taken for
            unchanged, where their contents cannot be compared.
    """

    skip_unchanged: bool = False
    part_size: int | None = None
    parts: int = 4
    dry_run: bool = False
    attributes: WriteOptions = field(factory=WriteOptions)
    trust_times: bool = False
    _folders: set[Path] = field(factory=set, init=False, repr=False, eq=False)

    async def copy(self, job: Job, progress: Progress) -> Outcome:
        """Copy one. After an error or a cancellation the target is as it was.

        Args:
            job: From where to where.
            progress: Told about the bytes moved.

        Raises:
            CloudError: A service failed.
            OSError: A file cannot be read or written.
        """
        if self.skip_unchanged and await self._unchanged(job):
            return "skipped"
        if self.dry_run:
            size = await _source_size(job)
            progress(size, size)
            return "would copy"
        match job.source, job.target:
            case FileEnd(path), ObjectEnd() as target:
                await self._upload(path, target, progress)
            case StreamEnd(), ObjectEnd() as target:
                await self._upload(None, target, progress)
            case ObjectEnd() as source, FileEnd(path):
                await self._download(source, path, progress)
            case ObjectEnd() as source, StreamEnd():
                await _print(source, progress)
            case ObjectEnd() as source, ObjectEnd() as target:
                await self._across(source, target, progress, job.size)
            case _:
                raise click.UsageError("one side of a copy must be in a cloud")
        return "copied"

    async def _upload(self, path: Path | None, target: ObjectEnd, progress: Progress) -> None:
        await target.storage.put_object(
            target.bucket,
            target.key,
            _standard_input() if path is None else await _content(path),
            part_size=self.part_size,
            concurrency=self.parts,
            progress=progress,
            **self.attributes,
        )

    async def _download(self, source: ObjectEnd, path: Path, progress: Progress) -> None:
        if path.parent not in self._folders:
            await to_thread.run_sync(_make_parents, path)
            self._folders.add(path.parent)
        await source.storage.download_file(
            source.bucket,
            source.key,
            path,
            part_size=self.part_size,
            concurrency=self.parts,
            progress=progress,
        )

    async def _across(
        self, source: ObjectEnd, target: ObjectEnd, progress: Progress, size: int | None
    ) -> None:
        if source.cloud is target.cloud:
            stored = await target.storage.copy_object(
                source.bucket, source.key, target.bucket, target.key, **self.attributes
            )
            known = size if stored.size is None else stored.size
            progress(known or 0, known)
            return
        async with await source.storage.open_object(source.bucket, source.key) as reader:
            info = reader.info
            attributes: WriteOptions = {**info.attributes.options(), **self.attributes}
            await target.storage.put_object(
                target.bucket,
                target.key,
                reader,
                part_size=self._part_size(info.size, target),
                concurrency=self.parts,
                checksum=info.checksum,
                progress=progress,
                **attributes,
            )

    def _part_size(self, size: int, target: ObjectEnd) -> int | None:
        """Parts of a stream must be large enough that they do not run out."""
        least = -(-size // target.storage.capabilities.max_parts)
        if self.part_size is None and least <= 8 * 1024 * 1024:
            return None
        return max(least, self.part_size or 0)

    async def _unchanged(self, job: Job) -> bool:
        match job.source, job.target:
            case FileEnd(path), ObjectEnd() as target:
                there = await _head(target)
                facts = await to_thread.run_sync(_facts, path)
                if facts is None or there is None or facts.st_size != there.size:
                    return False
                same = await _same_content(there, path)
                return self._verdict(same, facts.st_mtime, there.last_modified.timestamp())
            case ObjectEnd() as source, FileEnd(path):
                facts = await to_thread.run_sync(_facts, path)
                here = None if facts is None else await _head(source)
                if facts is None or here is None or facts.st_size != here.size:
                    return False
                same = await _same_content(here, path)
                return self._verdict(same, here.last_modified.timestamp(), facts.st_mtime)
            case ObjectEnd() as source, ObjectEnd() as target:
                there = await _head(target)
                here = None if there is None else await _head(source)
                if here is None or there is None or here.size != there.size:
                    return False
                same = _same_object(here, there, alike=_alike(source, target))
                times = (here.last_modified.timestamp(), there.last_modified.timestamp())
                return self._verdict(same, *times)
            case _:
                return False

    def _verdict(self, same: bool | None, source_time: float, target_time: float) -> bool:
        if same is None:
            return self.trust_times and target_time > source_time
        return same


async def _source_size(job: Job) -> int:
    if isinstance(job.source, ObjectEnd) and job.size is None:
        return (await job.source.storage.head_object(job.source.bucket, job.source.key)).size
    return job.size or 0


async def _head(end: ObjectEnd) -> ObjectInfo | None:
    try:
        return await end.storage.head_object(end.bucket, end.key)
    except NotFoundError:
        return None


async def _same_content(info: ObjectInfo, path: Path) -> bool | None:
    """Whether an object has the content of a file; None where the store tells nothing of it."""
    for algorithm in ALGORITHMS:
        if algorithm in info.checksums:
            digest = await to_thread.run_sync(_digest, path, algorithm, abandon_on_cancel=True)
            if digest is not None:
                return digest == info.checksums[algorithm]
    etag = _plain_etag(info)
    if _MD5.fullmatch(etag) is None:
        return None
    # Many stores have the MD5 for an ETag. Where it is something else, it will not be the file's.
    return etag == await to_thread.run_sync(_digest, path, "md5", abandon_on_cancel=True)


def _facts(path: Path) -> os.stat_result | None:
    return path.stat() if path.is_file() else None


def _alike(source: ObjectEnd, target: ObjectEnd) -> bool:
    """Whether their ETags are made in the same way."""
    return source.cloud.provider == target.cloud.provider


def _same_object(here: ObjectInfo, there: ObjectInfo, *, alike: bool) -> bool | None:
    common = [name for name in ALGORITHMS if name in here.checksums and name in there.checksums]
    if common:
        return here.checksums[common[0]] == there.checksums[common[0]]
    if alike and _plain_etag(here) == _plain_etag(there):
        return True
    return None


def _plain_etag(info: ObjectInfo) -> str:
    return info.etag.strip('"')


def _digest(path: Path, algorithm: str) -> str | None:
    """The checksum of a file; None when its library is not installed."""
    try:
        state = hasher(algorithm)  # type: ignore[arg-type]
    except ValidationError:
        return None
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            state.update(piece)
    return state.hexdigest()


async def _content(path: Path) -> bytes | anyio.Path:
    small = await to_thread.run_sync(_small_content, path)
    return anyio.Path(path) if small is None else small


def _small_content(path: Path) -> bytes | None:
    """The content of a small file, for one change of threads in place of three; None of a large one."""
    with path.open("rb") as file:
        content = file.read(_SMALL + 1)
        return None if len(content) > _SMALL else content


def _make_parents(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)


async def _print(source: ObjectEnd, progress: Progress) -> None:
    async with await source.storage.open_object(source.bucket, source.key) as reader:
        await send_stream(reader, lambda done: progress(done, reader.info.size))


async def _standard_input() -> AsyncIterator[bytes]:
    descriptor = standard_input().fileno()
    while True:
        try:
            # Not in a thread: one that waits for a terminal could not be stopped by Ctrl-C.
            await anyio.wait_readable(descriptor)
        except PermissionError:
            await checkpoint()  # a file can always be read, so it cannot be waited for
        piece = os.read(descriptor, _PIECE)
        if not piece:
            return
        yield piece
