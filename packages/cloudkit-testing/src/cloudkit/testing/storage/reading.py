"""Reading: whole objects, ranges, streams, conditions."""

from __future__ import annotations

import anyio
import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.api.storage.contract import Range
from cloudkit.common import NotFoundError, PreconditionFailedError, ValidationError
from cloudkit.testing.storage.suite import StorageSuite, empty_bucket
from cloudkit.testing.storage.transports import pattern
from cloudkit.testing.suite import MakeCloud

DIGITS = b"0123456789"
RANGES: list[tuple[str, Range, bytes]] = [
    ("from an offset", (4, None), b"456789"),
    ("from the begin", (0, None), DIGITS),
    ("first n", (0, 2), b"012"),
    ("one byte", (5, 5), b"5"),
    ("middle", (3, 6), b"3456"),
    ("to beyond the end", (7, 1000), b"789"),
    ("last byte", (9, None), b"9"),
    ("last n", (None, 3), b"789"),
    ("last n of fewer", (None, 1000), DIGITS),
    ("last none", (None, 0), b""),
]
READS = ["get_object", "head_object", "open_object"]


class ReadingBehaviours(StorageSuite):
    """What was written comes back, whole or in part."""

    __test__ = False

    @pytest.mark.parametrize("operation", READS)
    async def test_a_missing_object_is_named(
        self, storage: ObjectStorage, bucket: str, operation: str
    ) -> None:
        with pytest.raises(NotFoundError) as caught:
            await getattr(storage, operation)(bucket, "no/such key")
        assert f"{bucket}/no/such key" in str(caught.value)
        assert not await storage.object_exists(bucket, "no/such key")

    async def test_an_object_in_a_missing_bucket_does_not_exist(
        self, storage: ObjectStorage
    ) -> None:
        assert not await storage.object_exists(self.fresh_name("missing"), "key")

    async def test_an_object_is_read_whole(self, storage: ObjectStorage, bucket: str) -> None:
        data = bytes(range(256)) * 8
        await storage.put_object(bucket, "key", data)
        assert await storage.get_object(bucket, "key") == data
        assert await storage.object_exists(bucket, "key")

    @pytest.mark.parametrize(
        ("byte_range", "expected"), [row[1:] for row in RANGES], ids=[row[0] for row in RANGES]
    )
    async def test_a_range_is_read(
        self, storage: ObjectStorage, bucket: str, byte_range: Range, expected: bytes
    ) -> None:
        await storage.put_object(bucket, "key", DIGITS)
        assert await storage.get_object(bucket, "key", byte_range=byte_range) == expected
        async with await storage.open_object(bucket, "key", byte_range=byte_range) as reader:
            assert reader.info.size == len(DIGITS), "the size is that of the whole object"
            assert await reader.read() == expected

    @pytest.mark.parametrize("byte_range", [(10, None), (10, 20), (1000, 1001)], ids=str)
    async def test_a_range_beyond_the_end_is_refused(
        self, storage: ObjectStorage, bucket: str, byte_range: Range
    ) -> None:
        await storage.put_object(bucket, "key", DIGITS)
        with pytest.raises(ValidationError):
            await storage.get_object(bucket, "key", byte_range=byte_range)
        with pytest.raises(ValidationError):
            await storage.open_object(bucket, "key", byte_range=byte_range)

    @pytest.mark.parametrize("byte_range", [(5, 4), (-1, 2), (None, -1), (None, None), (1,)])
    async def test_a_range_that_is_none_is_refused(
        self, storage: ObjectStorage, bucket: str, byte_range: Range
    ) -> None:
        await storage.put_object(bucket, "key", DIGITS)
        with pytest.raises(ValidationError):
            await storage.get_object(bucket, "key", byte_range=byte_range)

    async def test_a_range_of_a_missing_object_is_not_found(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        for byte_range in ((0, 4), (None, 4), (None, 0)):
            with pytest.raises(NotFoundError):
                await storage.get_object(bucket, "missing", byte_range=byte_range)

    async def test_an_empty_object_is_read(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "empty", b"")
        assert await storage.get_object(bucket, "empty") == b""
        assert await storage.get_object(bucket, "empty", byte_range=(None, 5)) == b""
        async with await storage.open_object(bucket, "empty") as reader:
            assert reader.info.size == 0
            assert await reader.read() == b""
        with pytest.raises(ValidationError):
            await storage.get_object(bucket, "empty", byte_range=(0, 5))

    async def test_the_facts_are_the_same_everywhere(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        stored = await storage.put_object(bucket, "key", DIGITS, metadata={"a": "b"})
        head = await storage.head_object(bucket, "key")
        (entry,) = await storage.list_objects(bucket).to_list()
        async with await storage.open_object(bucket, "key") as reader:
            assert reader.info.etag == head.etag == stored.etag == entry.etag
            assert reader.info.size == head.size == stored.size == entry.size == len(DIGITS)
            assert reader.info.last_modified == head.last_modified
            assert reader.info.attributes == head.attributes
        assert (head.bucket, head.key) == (bucket, "key")
        assert head.last_modified.utcoffset() is not None, "times are aware"

    async def test_an_object_is_streamed_in_chunks(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        data = pattern(1024 * 1024)
        await storage.put_object(bucket, "key", data)
        async with await storage.open_object(bucket, "key") as reader:
            assert reader.remaining == len(data)
            first = await reader.receive(1000)
            assert 0 < len(first) <= 1000
            assert reader.remaining == len(data) - len(first)
            rest = [chunk async for chunk in reader]
        assert len(rest) > 1
        assert first + b"".join(rest) == data

    async def test_leaving_a_stream_early_frees_its_connection(self, make_cloud: MakeCloud) -> None:
        async with make_cloud(max_concurrency=2) as cloud:
            storage: ObjectStorage = cloud.storage
            bucket = await self.create_resource(storage)
            await storage.put_object(bucket, "large", pattern(1024 * 1024))
            try:
                with anyio.fail_after(self.patience):
                    for _ in range(8):
                        async with await storage.open_object(bucket, "large") as reader:
                            await reader.receive(10)
                    assert await storage.get_object(bucket, "to-read") == b"content"
            finally:
                await empty_bucket(storage, bucket)
                await self.remove_resource(storage, bucket)

    @pytest.mark.parametrize("operation", READS)
    async def test_if_match_reads_only_this_revision(
        self, storage: ObjectStorage, bucket: str, operation: str
    ) -> None:
        old = await storage.put_object(bucket, "key", b"old")
        await self._read(storage, operation, bucket, if_match=old.etag)
        new = await storage.put_object(bucket, "key", b"newer")
        assert new.etag != old.etag
        with pytest.raises(PreconditionFailedError):
            await self._read(storage, operation, bucket, if_match=old.etag)
        await self._read(storage, operation, bucket, if_match=new.etag)

    @pytest.mark.parametrize("operation", READS)
    async def test_if_none_match_reads_only_another_revision(
        self, storage: ObjectStorage, bucket: str, operation: str
    ) -> None:
        old = await storage.put_object(bucket, "key", b"old")
        with pytest.raises(PreconditionFailedError):
            await self._read(storage, operation, bucket, if_none_match=old.etag)
        await storage.put_object(bucket, "key", b"newer")
        await self._read(storage, operation, bucket, if_none_match=old.etag)

    async def _read(
        self, storage: ObjectStorage, operation: str, bucket: str, **condition: str
    ) -> None:
        answer = await getattr(storage, operation)(bucket, "key", **condition)
        if operation == "open_object":
            await answer.aclose()
