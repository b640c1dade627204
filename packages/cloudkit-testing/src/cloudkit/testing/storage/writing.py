"""Writing: every kind of content, headers, checksums, and failures that leave nothing half done."""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypedDict

import anyio
import pytest
from cloudkit.api.storage import Checksum, ObjectStorage
from cloudkit.common import IntegrityError, NetworkError, OperationTimeoutError, ValidationError
from cloudkit.spi import NoRetry
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.storage.suite import StorageSuite
from cloudkit.testing.storage.transports import pattern


class ContentHeaders(TypedDict):
    """The headers that are kept beside an object."""

    content_type: str
    content_encoding: str
    content_disposition: str
    content_language: str
    cache_control: str


HEADERS: ContentHeaders = {
    "content_type": "text/csv; charset=utf-8",
    "content_encoding": "gzip",
    "content_disposition": 'attachment; filename="a b.csv"',
    "content_language": "en",
    "cache_control": "max-age=3600",
}
TYPES = [
    ("a.txt", "text/plain"),
    ("deep/er/a.html", "text/html"),
    ("a.JSON", "application/json"),
    ("a.png", "image/png"),
    ("a.csv.gz", "application/gzip"),
    ("no extension", "application/octet-stream"),
    ("a.nosuchtype", "application/octet-stream"),
]
WRITERS = 20


class _Pipe(io.RawIOBase):
    """A file that can only be read on, as a pipe."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.readinto(buffer)


async def _stream(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


def _file(data: bytes, folder: Path) -> Path:
    path = folder / "body"
    path.write_bytes(data)
    return path


BODIES: dict[str, Callable[[bytes, Path], Any]] = {
    "bytes": lambda data, folder: data,
    "bytearray": lambda data, folder: bytearray(data),
    "memoryview": lambda data, folder: memoryview(data),
    "path": _file,
    "file": lambda data, folder: io.BytesIO(data),
    "pipe of unknown length": lambda data, folder: _Pipe(data),
    "async iterator": lambda data, folder: _stream(data),
}


class DefectError(Exception):
    """What goes wrong in the caller's own code."""


async def failing_stream(good: bytes) -> AsyncIterator[bytes]:
    """Some bytes, and then an error of the caller's own."""
    yield good
    raise DefectError


class WritingBehaviours(StorageSuite):
    """An object is written as a whole, or not at all."""

    __test__ = False

    @pytest.mark.parametrize("kind", list(BODIES))
    @pytest.mark.parametrize("size", [0, 1, 1000])
    async def test_content_of_any_kind_is_written(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path, kind: str, size: int
    ) -> None:
        data = pattern(size)
        stored = await storage.put_object(bucket, "key", BODIES[kind](data, tmp_path))
        assert (stored.bucket, stored.key, stored.size) == (bucket, "key", size)
        assert await storage.get_object(bucket, "key") == data

    async def test_a_file_is_read_from_where_it_stands(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        file = io.BytesIO(b"head and tail")
        file.seek(9)
        await storage.put_object(bucket, "key", file)
        assert await storage.get_object(bucket, "key") == b"tail"

    async def test_what_is_no_content_is_refused(self, storage: ObjectStorage, bucket: str) -> None:
        for body in ("text or path", 12, None, ["list"]):
            with pytest.raises(ValidationError):
                await storage.put_object(bucket, "key", body)  # type: ignore[arg-type]
        assert not await storage.object_exists(bucket, "key")

    async def test_an_object_is_overwritten(self, storage: ObjectStorage, bucket: str) -> None:
        first = await storage.put_object(
            bucket, "key", b"long content", metadata={"old": "yes"}, cache_control="no-store"
        )
        second = await storage.put_object(bucket, "key", b"short")
        info = await storage.head_object(bucket, "key")
        assert first.etag != second.etag == info.etag
        assert await storage.get_object(bucket, "key") == b"short"
        assert info.metadata == {}
        assert not info.attributes.cache_control

    async def test_an_empty_key_is_refused(self, storage: ObjectStorage, bucket: str) -> None:
        with pytest.raises(ValidationError):
            await storage.put_object(bucket, "", b"data")
        with pytest.raises(ValidationError):
            await storage.get_object(bucket, "")
        with pytest.raises(ValidationError):
            await storage.delete_object(bucket, "")

    async def test_a_given_content_type_is_kept(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "a.txt", b"{}", content_type="application/x-own")
        assert (await storage.head_object(bucket, "a.txt")).content_type == "application/x-own"

    @pytest.mark.parametrize(("key", "expected"), TYPES)
    async def test_the_content_type_is_told_from_the_key(
        self, storage: ObjectStorage, bucket: str, key: str, expected: str
    ) -> None:
        await storage.put_object(bucket, key, b"data")
        assert (await storage.head_object(bucket, key)).content_type == expected

    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_content_headers_come_back(
        self, storage: ObjectStorage, bucket: str, part_size: int, in_parts: bool
    ) -> None:
        data = pattern(part_size + 1 if in_parts else 10)
        await storage.put_object(
            bucket, "key", data, metadata={"a": "b"}, part_size=part_size, **HEADERS
        )
        info = await storage.head_object(bucket, "key")
        kept = {name: getattr(info.attributes, name) for name in HEADERS}
        assert kept == HEADERS
        assert info.metadata == {"a": "b"}
        assert await storage.get_object(bucket, "key") == data, "never decoded on the way"

    @pytest.mark.parametrize("header", list(HEADERS))
    async def test_a_header_that_cannot_be_sent_is_refused(
        self, storage: ObjectStorage, bucket: str, header: str
    ) -> None:
        for value in ("two\r\nlines: yes", "nul\x00", "schön"):
            with pytest.raises(ValidationError):
                await storage.put_object(bucket, "key", b"data", **{header: value})  # type: ignore[arg-type]
        assert not await storage.object_exists(bucket, "key")

    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "crc32"])
    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_a_right_checksum_is_accepted(
        self, storage: ObjectStorage, bucket: str, part_size: int, algorithm: Any, in_parts: bool
    ) -> None:
        data = pattern(part_size + 1 if in_parts else 10)
        right = Checksum.of(algorithm, data)
        await storage.put_object(bucket, "key", data, checksum=right, part_size=part_size)
        assert await storage.get_object(bucket, "key") == data

    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "crc32"])
    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_a_wrong_checksum_changes_nothing(
        self, storage: ObjectStorage, bucket: str, part_size: int, algorithm: Any, in_parts: bool
    ) -> None:
        await storage.put_object(bucket, "key", b"old")
        data = pattern(part_size + 1 if in_parts else 10)
        wrong = Checksum.of(algorithm, b"something else")
        with pytest.raises(IntegrityError):
            await storage.put_object(bucket, "key", data, checksum=wrong, part_size=part_size)
        with pytest.raises(IntegrityError):
            await storage.put_object(bucket, "new", data, checksum=wrong, part_size=part_size)
        assert await storage.get_object(bucket, "key") == b"old"
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["key"]

    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_content_that_fails_changes_nothing(
        self, storage: ObjectStorage, bucket: str, part_size: int, in_parts: bool
    ) -> None:
        await storage.put_object(bucket, "key", b"old")
        good = pattern(2 * part_size + 1 if in_parts else 10)
        for key in ("key", "new"):
            with pytest.raises(DefectError):
                await storage.put_object(bucket, key, failing_stream(good), part_size=part_size)
        assert await storage.get_object(bucket, "key") == b"old"
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["key"]

    async def test_a_failed_write_changes_nothing(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            faults.lose_request("put_object", NetworkError("broken"), times=2)
            for key in ("to-read", "new"):
                with pytest.raises(NetworkError):
                    await storage.put_object(bucket, key, b"never")
            assert await storage.get_object(bucket, "to-read") == b"content"
            assert not await storage.object_exists(bucket, "new")

    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_a_cancelled_write_changes_nothing(
        self, workbench: Workbench, part_size: int, in_parts: bool
    ) -> None:
        faults, operation = Faults(), "upload_part" if in_parts else "put_object"
        async with workbench(interceptors=[faults]) as (storage, bucket):
            data = pattern(part_size + 1 if in_parts else 10)
            before = faults.count(operation)
            faults.delay(operation, math.inf, times=math.inf)

            async def write() -> None:
                await storage.put_object(bucket, "to-read", data, part_size=part_size)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write)
                await self.eventually(lambda: faults.count(operation) > before)
                tasks.cancel_scope.cancel()
            faults.heal()
            assert await storage.get_object(bucket, "to-read") == b"content"
            keys = [entry.key async for entry in storage.list_objects(bucket)]
            assert keys == ["to-delete", "to-read"]

    @pytest.mark.parametrize("in_parts", [False, True], ids=["one request", "parts"])
    async def test_a_write_that_times_out_changes_nothing(
        self, workbench: Workbench, part_size: int, in_parts: bool
    ) -> None:
        faults, operation = Faults(), "upload_part" if in_parts else "put_object"
        options = {"timeout": self.short_timeout, "interceptors": [faults]}
        async with workbench(**options) as (storage, bucket):
            data = pattern(part_size + 1 if in_parts else 10)
            faults.delay(operation, math.inf, times=math.inf)
            with pytest.raises(OperationTimeoutError):
                await storage.put_object(bucket, "to-read", data, part_size=part_size)
            faults.heal()
            assert await storage.get_object(bucket, "to-read") == b"content"

    async def test_many_write_and_then_read_at_once(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        contents = {f"key-{number}": pattern(1000 + number) for number in range(WRITERS)}

        async def read(key: str) -> None:
            assert await storage.get_object(bucket, key) == contents[key]

        async with anyio.create_task_group() as tasks:
            for key, data in contents.items():
                tasks.start_soon(storage.put_object, bucket, key, data)
        async with anyio.create_task_group() as tasks:
            for key in contents:
                tasks.start_soon(read, key)

    async def test_many_write_the_same_key_and_one_wins_whole(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        contents = [bytes([number]) * 5000 for number in range(WRITERS)]
        async with anyio.create_task_group() as tasks:
            for data in contents:
                tasks.start_soon(storage.put_object, bucket, "key", data)
        assert await storage.get_object(bucket, "key") in contents
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["key"]
