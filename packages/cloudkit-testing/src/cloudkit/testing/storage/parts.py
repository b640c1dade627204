"""Large objects: parallel parts, bounded memory, no orphans, streams that resume."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import NetworkError, PreconditionFailedError
from cloudkit.spi import FixedDelay, NoRetry
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.storage.suite import StorageSuite
from cloudkit.testing.storage.transports import BreakStreams, PartGauge, pattern

PARTS = 6


class PartBehaviours(StorageSuite):
    """Objects that are moved in parts."""

    __test__ = False

    async def test_a_large_object_is_written_in_parallel_parts(
        self, workbench: Workbench, part_size: int
    ) -> None:
        gauge = PartGauge(hold_first=True)
        async with workbench(interceptors=[gauge]) as (storage, bucket):
            data = pattern(PARTS * part_size + 1)
            stored = await storage.put_object(
                bucket, "large", data, part_size=part_size, concurrency=3
            )
            assert 2 <= gauge.most <= 3
            assert gauge.order[0] != 1, "the first part arrived behind another one"
            assert sorted(gauge.order) == list(range(1, PARTS + 2))
            info = await storage.head_object(bucket, "large")
            assert (info.size, info.etag) == (len(data), stored.etag)
            assert await storage.get_object(bucket, "large") == data

    async def test_memory_is_bounded_while_a_stream_is_written(
        self, workbench: Workbench, part_size: int
    ) -> None:
        gauge, concurrency, piece = PartGauge(), 2, part_size // 4
        async with workbench(interceptors=[gauge]) as (storage, bucket):
            most = 0

            async def produce() -> AsyncIterator[bytes]:
                nonlocal most
                for number in range(4 * 3 * PARTS):
                    most = max(most, number * piece - gauge.arrived)
                    yield bytes(piece)

            await storage.put_object(
                bucket, "large", produce(), part_size=part_size, concurrency=concurrency
            )
            assert most <= (concurrency + 2) * part_size
            assert (await storage.head_object(bucket, "large")).size == 4 * 3 * PARTS * piece

    @pytest.mark.parametrize("extra", [-1, 0, 1])
    async def test_sizes_around_a_part_are_written_exactly(
        self, storage: ObjectStorage, bucket: str, part_size: int, extra: int
    ) -> None:
        data = pattern(2 * part_size + extra)
        await storage.put_object(bucket, "key", data, part_size=part_size)
        assert await storage.get_object(bucket, "key") == data

    async def test_progress_is_told(
        self, storage: ObjectStorage, bucket: str, part_size: int
    ) -> None:
        data, seen = pattern(3 * part_size), []

        def progress(done: int, total: int | None) -> None:
            seen.append((done, total))

        await storage.put_object(bucket, "key", data, part_size=part_size, progress=progress)
        assert [done for done, _ in seen] == [part_size, 2 * part_size, 3 * part_size]
        assert {total for _, total in seen} == {len(data)}

    @behaviour("storage.list_uploads")
    async def test_a_failing_part_aborts_the_upload(
        self, workbench: Workbench, part_size: int
    ) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            faults.lose_request("upload_part", NetworkError("broken"), times=math.inf)
            with pytest.raises(NetworkError):
                await storage.put_object(
                    bucket, "to-read", pattern(3 * part_size), part_size=part_size
                )
            assert faults.count("complete_upload") == 0
            assert await storage.list_uploads(bucket).to_list() == []
            assert await storage.get_object(bucket, "to-read") == b"content"

    @behaviour("storage.list_uploads")
    async def test_an_upload_that_cannot_be_completed_leaves_no_parts(
        self, workbench: Workbench, part_size: int
    ) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            faults.lose_request("complete_upload", NetworkError("broken"))
            with pytest.raises(NetworkError):
                await storage.put_object(bucket, "new", pattern(part_size + 1), part_size=part_size)
            assert await storage.list_uploads(bucket).to_list() == []
            assert not await storage.object_exists(bucket, "new")

    @behaviour("storage.list_uploads")
    async def test_an_upload_that_was_left_behind_is_found_and_dropped(
        self, workbench: Workbench, part_size: int
    ) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            faults.lose_request("complete_upload", NetworkError("broken"))
            faults.lose_request("abort_upload", NetworkError("broken"))
            with pytest.raises(NetworkError):
                await storage.put_object(bucket, "new", pattern(part_size + 1), part_size=part_size)
            (upload,) = await storage.list_uploads(bucket, prefix="ne").to_list()
            assert upload.key == "new"
            assert await storage.list_uploads(bucket, prefix="other").to_list() == []
            await storage.abort_upload(bucket, upload)
            await storage.abort_upload(bucket, upload)  # gone already: fine
            assert await storage.list_uploads(bucket).to_list() == []

    async def test_a_part_that_failed_once_is_sent_again(
        self, workbench: Workbench, part_size: int
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (storage, bucket):
            faults.lose_answer("upload_part", NetworkError("broken"), times=2)
            data = pattern(3 * part_size)
            await storage.put_object(bucket, "large", data, part_size=part_size)
            assert faults.count("upload_part") == 3 + 2
            assert await storage.get_object(bucket, "large") == data

    async def test_a_stream_that_breaks_goes_on_where_it_stopped(
        self, workbench: Workbench
    ) -> None:
        breaker = BreakStreams(1000, NetworkError("broken"), times=2)
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[breaker]) as (storage, bucket):
            data = pattern(50_000)
            await storage.put_object(bucket, "large", data)
            async with await storage.open_object(bucket, "large", byte_range=(10, None)) as reader:
                assert await reader.read() == data[10:]
            assert breaker.opened == 3

    async def test_a_stream_never_mixes_two_revisions(self, workbench: Workbench) -> None:
        breaker = BreakStreams(1000, NetworkError("broken"))
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[breaker]) as (storage, bucket):
            await storage.put_object(bucket, "large", pattern(50_000))
            async with await storage.open_object(bucket, "large") as reader:
                assert await reader.receive(1000)
                await storage.put_object(bucket, "large", bytes(50_000))
                with pytest.raises(PreconditionFailedError):
                    await reader.read()
