"""Files: uploaded, and downloaded whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import IntegrityError, NetworkError, NotFoundError, PreconditionFailedError
from cloudkit.spi import NoRetry
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.outcome import unsupported
from cloudkit.testing.storage.suite import StorageSuite
from cloudkit.testing.storage.transports import ReplaceMeanwhile, SpoilBytes, pattern

SIZE = 300_000
PART = 64 * 1024


class TransferBehaviours(StorageSuite):
    """upload_file and download_file."""

    __test__ = False

    @pytest.mark.parametrize("size", [0, 1, PART, SIZE])
    async def test_a_file_goes_up_and_comes_down(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path, size: int
    ) -> None:
        data = pattern(size)
        up, down = tmp_path / "up.txt", tmp_path / "down.txt"
        up.write_bytes(data)
        stored = await storage.upload_file(bucket, "key.txt", str(up), metadata={"a": "b"})
        info = await storage.download_file(bucket, "key.txt", str(down), part_size=PART)
        assert down.read_bytes() == data
        assert (info.etag, info.size, info.metadata) == (stored.etag, size, {"a": "b"})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["down.txt", "up.txt"]

    async def test_a_missing_file_is_an_error_of_the_system(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path
    ) -> None:
        with pytest.raises(FileNotFoundError):
            await storage.upload_file(bucket, "key", tmp_path / "missing")
        assert not await storage.object_exists(bucket, "key")

    async def test_a_download_tells_its_progress(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path
    ) -> None:
        await storage.put_object(bucket, "key", pattern(SIZE))
        seen: list[tuple[int, int | None]] = []

        def progress(done: int, total: int | None) -> None:
            seen.append((done, total))

        await storage.download_file(
            bucket, "key", tmp_path / "file", part_size=PART, progress=progress
        )
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert seen[-1] == (SIZE, SIZE)

    async def test_a_missing_object_leaves_the_file_as_it_was(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        with pytest.raises(NotFoundError):
            await storage.download_file(bucket, "missing", path)
        assert _only(tmp_path, path) == b"old"

    async def test_only_the_revision_that_is_named_comes_down(
        self, storage: ObjectStorage, bucket: str, tmp_path: Path
    ) -> None:
        old = await storage.put_object(bucket, "key", b"old")
        await storage.put_object(bucket, "key", b"new")
        with pytest.raises(PreconditionFailedError):
            await storage.download_file(bucket, "key", tmp_path / "file", if_match=old.etag)
        assert list(tmp_path.iterdir()) == []

    async def test_a_failed_download_leaves_the_file_as_it_was(
        self, workbench: Workbench, tmp_path: Path
    ) -> None:
        faults, path = Faults(), tmp_path / "file"
        path.write_bytes(b"old")
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            await storage.put_object(bucket, "key", pattern(SIZE))
            faults.delay("get_object", 0, times=2)
            faults.lose_answer("get_object", NetworkError("broken"))
            with pytest.raises(NetworkError):
                await storage.download_file(bucket, "key", path, part_size=PART)
            assert _only(tmp_path, path) == b"old"

    async def test_a_download_never_mixes_two_revisions(
        self, workbench: Workbench, tmp_path: Path
    ) -> None:
        path, swap = tmp_path / "file", ReplaceMeanwhile(2)
        path.write_bytes(b"old")
        async with workbench(retry=NoRetry(), interceptors=[swap]) as (storage, bucket):
            await storage.put_object(bucket, "key", pattern(SIZE))
            swap.replace = lambda: storage.put_object(bucket, "key", bytes(SIZE))
            with pytest.raises(PreconditionFailedError):
                await storage.download_file(bucket, "key", path, part_size=PART, concurrency=1)
            assert _only(tmp_path, path) == b"old"

    async def test_bytes_that_were_spoilt_are_noticed(
        self, workbench: Workbench, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        async with workbench(interceptors=[SpoilBytes()]) as (storage, bucket):
            await storage.put_object(bucket, "key", pattern(SIZE))
            if not (await storage.head_object(bucket, "key")).checksums:
                unsupported("checksums", "the service keeps none to compare with")
            with pytest.raises(IntegrityError):
                await storage.download_file(bucket, "key", path, part_size=PART)
            assert _only(tmp_path, path) == b"old"


def _only(folder: Path, path: Path) -> bytes:
    """Content of the only file in a folder: no temporary one is left."""
    assert list(folder.iterdir()) == [path]
    return path.read_bytes()
