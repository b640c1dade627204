"""Uploads, readers and downloads over a storage that fails where the test says."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import ByteReceiveStream
from attrs import evolve
from cloudkit.api import (
    Checksum,
    ObjectInfo,
    ObjectStorage,
    StoredObject,
    UploadedPart,
)
from cloudkit.api.storage import MemoryStream
from cloudkit.common import (
    CloudConfig,
    IntegrityError,
    NetworkError,
    PayloadTooLargeError,
    PreconditionFailedError,
    ServiceUnavailableError,
    StorageCapabilities,
    ValidationError,
)
from cloudkit.core import CloudContext, OperationExecutor
from cloudkit.spi import FixedDelay

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PART = 1000


class BreakingStream(MemoryStream):
    """Gives some bytes, then breaks."""

    def __init__(self, data: bytes, error: Exception | None) -> None:
        super().__init__(data)
        self._error = error
        self.closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        try:
            return await super().receive(max_bytes)
        except anyio.EndOfStream:
            if self._error is not None:
                raise self._error from None
            raise

    async def aclose(self) -> None:
        self.closed = True


class FakeStorage(ObjectStorage):
    """One object in memory."""

    def __init__(self) -> None:
        context: CloudContext[Any] = CloudContext(
            provider="fake", config=CloudConfig(), retry=FixedDelay(max_attempts=3, delay=0)
        )
        super().__init__(
            OperationExecutor(context), StorageCapabilities(min_part_size=1, max_parts=50)
        )
        self.content = b""
        self.etag = "v1"
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.sizes: list[int] = []
        self.part_hook: Callable[[int], Any] = lambda number: None
        self.break_at: list[int] = []
        self.break_with: Exception | None = NetworkError("broken")
        self.streams: list[BreakingStream] = []
        self.under_way = self.most_under_way = 0
        self.checksums: dict[str, str] = {}

    async def _put_object(self, op: Any) -> StoredObject:
        self.content = op.body
        self.sizes.append(len(op.body))
        return StoredObject(bucket=op.bucket, key=op.key, etag="single", size=len(op.body))

    async def _create_upload(self, op: Any) -> str:
        self.uploads["upload"] = {}
        return "upload"

    async def _upload_part(self, op: Any) -> UploadedPart:
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            await anyio.lowlevel.checkpoint()
            result = self.part_hook(op.number)
            if result is not None:
                await result
            self.uploads[op.upload_id][op.number] = op.body
            self.sizes.append(len(op.body))
        finally:
            self.under_way -= 1
        return UploadedPart(number=op.number, etag=str(op.number), size=len(op.body))

    async def _complete_upload(self, op: Any) -> StoredObject:
        parts = self.uploads.pop(op.upload_id)
        self.content = b"".join(parts[part.number] for part in op.parts)
        return StoredObject(bucket=op.bucket, key=op.key, etag="parts", size=len(self.content))

    async def _abort_upload(self, op: Any) -> None:
        self.uploads.pop(op.upload_id, None)

    def _info(self, op: Any) -> ObjectInfo:
        if op.if_match not in {None, self.etag}:
            raise PreconditionFailedError("replaced")
        return ObjectInfo(
            bucket=op.bucket,
            key=op.key,
            size=len(self.content),
            etag=self.etag,
            last_modified=NOW,
            checksums=self.checksums,
        )

    async def _head_object(self, op: Any) -> ObjectInfo:
        return self._info(op)

    async def _open_object(self, op: Any) -> tuple[ObjectInfo, ByteReceiveStream]:
        info = self._info(op)
        start, stop = (0, info.size) if op.byte_range is None else op.byte_range.resolve(info.size)
        error = None
        if self.break_at:
            stop, error = min(stop, start + self.break_at.pop(0)), self.break_with
        self.streams.append(BreakingStream(self.content[start:stop], error))
        return info, self.streams[-1]


# The hooks that these tests do not need are left out.
FakeStorage.__abstractmethods__ = frozenset()


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


DATA = bytes(range(256)) * 20


@pytest.mark.parametrize(
    "make",
    [
        lambda path: DATA,
        lambda path: bytearray(DATA),
        lambda path: memoryview(DATA),
        lambda path: path,
        lambda path: io.BytesIO(DATA),
        lambda path: pieces(DATA, 77),
        lambda path: pieces(DATA, 3333),
    ],
    ids=["bytes", "bytearray", "memoryview", "path", "file", "small pieces", "large pieces"],
)
async def test_every_kind_of_body_arrives_in_parts(
    storage: FakeStorage, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    seen: list[int] = []
    stored = await storage.put_object(
        "abc", "k", make(path), part_size=PART, progress=lambda done, total: seen.append(done)
    )
    assert storage.content == DATA
    assert stored.etag == "parts"
    assert sorted(seen) == seen
    assert seen[-1] == len(DATA)
    assert storage.uploads == {}


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART])
async def test_what_fits_into_one_part_is_sent_in_one_request(
    storage: FakeStorage, size: int
) -> None:
    for body in (DATA[:size], pieces(DATA[:size], 10), io.BytesIO(DATA[:size])):
        assert (await storage.put_object("abc", "k", body, part_size=PART)).etag == "single"
        assert storage.content == DATA[:size]


@pytest.mark.parametrize("limit", ["max_part_size", "max_put_size"])
async def test_parts_are_no_larger_than_the_service_takes(storage: FakeStorage, limit: str) -> None:
    storage._capabilities = evolve(storage.capabilities, **{limit: 300})
    for body in (DATA, pieces(DATA, 77), io.BytesIO(DATA), pieces(DATA[:300], 77)):
        await storage.put_object("abc", "k", body, part_size=PART)
        assert len(storage.content) in {len(DATA), 300}
        assert DATA.startswith(storage.content)
        assert max(storage.sizes) <= 300
    assert (await storage.put_object("abc", "k", DATA)).etag == "parts"
    assert storage.content == DATA


async def test_what_is_larger_than_any_object_is_not_sent(storage: FakeStorage) -> None:
    storage._capabilities = evolve(storage.capabilities, max_object_size=len(DATA) - 1)
    with pytest.raises(PayloadTooLargeError, match="max_object_size") as caught:
        await storage.put_object("abc", "k", io.BytesIO(DATA), part_size=PART)
    assert caught.value.resource == "abc/k"
    assert not storage.sizes
    await storage.put_object("abc", "k", io.BytesIO(DATA[1:]), part_size=PART)
    assert storage.content == DATA[1:]


async def test_no_more_parts_are_under_way_than_asked_for(storage: FakeStorage) -> None:
    async def wait_for_others() -> None:
        with anyio.fail_after(5):
            while storage.most_under_way < 3:
                await anyio.lowlevel.checkpoint()

    storage.part_hook = lambda number: wait_for_others()
    await storage.put_object("abc", "k", DATA, part_size=103, concurrency=3)
    assert storage.most_under_way == 3


async def test_a_failing_part_aborts_the_upload(storage: FakeStorage) -> None:
    def fail(number: int) -> None:
        if number == 3:
            raise ServiceUnavailableError("down")

    storage.part_hook = fail
    storage.content = b"old"
    with pytest.raises(ServiceUnavailableError):
        await storage.put_object("abc", "k", DATA, part_size=PART)
    assert storage.uploads == {}
    assert storage.content == b"old"


async def test_a_part_that_fails_once_is_sent_again(storage: FakeStorage) -> None:
    failed: set[int] = set()

    def fail(number: int) -> None:
        if number not in failed:
            failed.add(number)
            raise NetworkError("broken")

    storage.part_hook = fail
    await storage.put_object("abc", "k", DATA, part_size=PART)
    assert storage.content == DATA


async def test_cancelling_an_upload_leaves_no_parts(storage: FakeStorage) -> None:
    started = anyio.Event()

    async def hang() -> None:
        started.set()
        await anyio.sleep_forever()

    storage.part_hook = lambda number: hang() if number == 2 else None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: storage.put_object("abc", "k", DATA, part_size=PART))
        with anyio.fail_after(5):
            await started.wait()
        tasks.cancel_scope.cancel()
    assert storage.uploads == {}
    assert storage.content == b""


async def test_a_body_that_breaks_aborts_the_upload(storage: FakeStorage) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield DATA
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        await storage.put_object("abc", "k", breaking(), part_size=PART)
    assert storage.uploads == {}


@pytest.mark.parametrize("part_size", [PART, len(DATA)])
async def test_a_wrong_checksum_changes_nothing(storage: FakeStorage, part_size: int) -> None:
    storage.content = b"old"
    wrong = Checksum.of("sha256", b"something else")
    with pytest.raises(IntegrityError):
        await storage.put_object("abc", "k", DATA, checksum=wrong, part_size=part_size)
    assert storage.content == b"old"
    right = Checksum.of("sha256", DATA)
    await storage.put_object("abc", "k", DATA, checksum=right, part_size=part_size)
    assert storage.content == DATA


@pytest.mark.parametrize("body", ["text", 3, None, io.StringIO("text"), [b"a"]])
async def test_what_is_no_body_is_refused(storage: FakeStorage, body: Any) -> None:
    with pytest.raises(ValidationError):
        await storage.put_object("abc", "k", body)


async def test_a_missing_file_is_an_error_of_the_system(
    storage: FakeStorage, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await storage.upload_file("abc", "k", tmp_path / "missing")


async def test_a_reader_goes_on_where_the_connection_broke(storage: FakeStorage) -> None:
    storage.content = DATA
    storage.break_at = [100, 700, 1]
    async with await storage.open_object("abc", "k", byte_range=(50, 3000)) as reader:
        assert reader.info.size == len(DATA)
        assert await reader.read() == DATA[50:3001]
        assert reader.remaining == 0
    assert all(stream.closed for stream in storage.streams)
    assert len(storage.streams) == 4


@pytest.mark.parametrize("size", [0, 100])
async def test_a_connection_that_breaks_behind_the_last_byte_does_no_harm(
    storage: FakeStorage, size: int
) -> None:
    storage.content = DATA[:size]
    storage.break_at = [size]
    async with await storage.open_object("abc", "k") as reader:
        assert await reader.read() == DATA[:size]
    assert len(storage.streams) == 1


@pytest.mark.parametrize("retryable", [False, True])
async def test_content_that_is_found_to_be_spoilt_at_its_end_is_no_end(
    storage: FakeStorage, retryable: bool
) -> None:
    storage.content = DATA
    storage.break_at = [len(DATA)]
    storage.break_with = IntegrityError("spoilt", retryable=retryable)
    async with await storage.open_object("abc", "k") as reader:
        with pytest.raises(IntegrityError, match="spoilt"):
            await reader.read()
    assert len(storage.streams) == 1


async def test_a_reader_gives_up_as_the_policy_says(storage: FakeStorage) -> None:
    storage.content = DATA
    storage.break_at = [0] * 10
    async with await storage.open_object("abc", "k") as reader:
        with pytest.raises(NetworkError):
            await reader.read()
    assert len(storage.streams) == 3


async def test_a_reader_never_mixes_two_revisions(storage: FakeStorage) -> None:
    storage.content = DATA
    storage.break_at = [100]
    async with await storage.open_object("abc", "k") as reader:
        await reader.receive(100)
        storage.content, storage.etag = bytes(len(DATA)), "v2"
        with pytest.raises(PreconditionFailedError):
            await reader.read()


async def test_a_stream_that_ends_early_is_noticed_and_resumed(storage: FakeStorage) -> None:
    storage.content = DATA
    storage.break_with = None
    storage.break_at = [100]
    async with await storage.open_object("abc", "k") as reader:
        assert await reader.read() == DATA
    storage.break_at = [0] * 10
    async with await storage.open_object("abc", "k") as reader:
        with pytest.raises(IntegrityError, match="still to come"):
            await reader.read()


async def test_a_download_is_whole_and_verified(storage: FakeStorage, tmp_path: Path) -> None:
    storage.content = DATA
    storage.checksums = {"sha256": hashlib.sha256(DATA).hexdigest()}
    target = tmp_path / "target"
    info = await storage.download_file("abc", "k", target, part_size=700)
    assert target.read_bytes() == DATA
    assert info.etag == "v1"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127 + "x"])
async def test_a_name_may_be_as_long_as_the_file_system_takes(
    storage: FakeStorage, tmp_path: Path, name: str
) -> None:
    storage.content = DATA
    await storage.download_file("abc", "k", tmp_path / name)
    assert (tmp_path / name).read_bytes() == DATA


async def test_a_damaged_download_leaves_the_old_file(storage: FakeStorage, tmp_path: Path) -> None:
    storage.content = DATA
    storage.checksums = {"md5": "0" * 32}
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(IntegrityError):
        await storage.download_file("abc", "k", target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    await storage.download_file("abc", "k", target, verify=False)
    assert target.read_bytes() == DATA


async def test_an_object_that_is_replaced_meanwhile_is_not_mixed(
    storage: FakeStorage, tmp_path: Path
) -> None:
    storage.content = DATA

    def replace(done: int, total: int | None) -> None:
        storage.etag = "v2"

    with pytest.raises(PreconditionFailedError):
        await storage.download_file(
            "abc", "k", tmp_path / "target", part_size=500, concurrency=1, progress=replace
        )
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_object_downloads_as_an_empty_file(
    storage: FakeStorage, tmp_path: Path
) -> None:
    await storage.download_file("abc", "k", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b""


async def test_the_last_zero_bytes_are_none(storage: FakeStorage) -> None:
    storage.content = DATA
    assert await storage.get_object("abc", "k", byte_range=(None, 0)) == b""
    async with await storage.open_object("abc", "k", byte_range=(None, 0)) as reader:
        assert reader.info.size == len(DATA)
        assert await reader.read() == b""


async def test_a_copy_onto_itself_is_not_repeated_when_its_answer_was_lost(
    storage: FakeStorage,
) -> None:
    # The first attempt replaced the source, so that a second one would fail for its condition.
    attempts: list[Any] = []

    async def lose_the_answer(op: Any) -> StoredObject:
        attempts.append(op)
        if op.source_if_match != storage.etag:
            raise PreconditionFailedError("replaced")
        storage.etag = f"v{len(attempts) + 1}"
        raise NetworkError("broken")

    storage._copy_object = lose_the_answer
    with pytest.raises(NetworkError):
        await storage.copy_object("abc", "k", "abc", "k", content_type="text/plain")
    assert len(attempts) == 1
    storage.etag = "v1"
    with pytest.raises(PreconditionFailedError):  # here the source has really changed meanwhile
        await storage.copy_object("abc", "k", "abc", "other", source_if_match="v1")


async def test_a_copy_is_refused_before_anything_is_sent(storage: FakeStorage) -> None:
    sent: list[Any] = []
    storage._head_object = sent.append
    for options in (
        {"metadata": {"é": "x"}},
        {"content_type": "ü"},
        {"metadata": {"a": "x" * 9999}},
    ):
        with pytest.raises(ValidationError):
            await storage.copy_object("abc", "k", "abc", "other", **options)
    assert not sent


async def test_a_view_takes_what_the_storage_takes(storage: FakeStorage) -> None:
    view = storage.bucket("abc").prefix("2026/")
    assert (await view.head_object("k", if_match="v1")).key == "2026/k"
    with pytest.raises(PreconditionFailedError):
        await view.head_object("k", if_match="v0")
    for key in (None, 5, b"k"):
        with pytest.raises(ValidationError, match="the key must be a string"):
            await view.get_object(key)


@pytest.mark.parametrize(
    "options",
    [
        {"checksum": "5d41402abc4b2a76b9719d911017c592"},
        {"progress": 5},
        {"storage_class": b"COLD"},
        {"storage_class": ""},
        {"if_none_match": []},
        {"if_none_match": "etag"},
        {"concurrency": 0},
    ],
    ids=str,
)
async def test_bad_options_of_a_write_are_refused(
    storage: FakeStorage, options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        await storage.put_object("abc", "k", DATA, **options)
    assert not storage.sizes


@pytest.mark.parametrize("content_type", [b"a", 5, "", "ü/x", "a\nb"])
async def test_a_link_is_bound_to_what_can_be_a_content_type(
    storage: FakeStorage, content_type: Any
) -> None:
    with pytest.raises(ValidationError, match="content_type"):
        await storage.presigned_put_url("abc", "k", content_type=content_type)
