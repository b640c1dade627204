"""Conditions on writes: nothing is lost when several write at once."""

from __future__ import annotations

import anyio
import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import (
    ConflictError,
    NetworkError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.spi import FixedDelay
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.storage.suite import StorageSuite
from cloudkit.testing.storage.transports import pattern

WORKERS, INCREMENTS = 5, 10


class ConditionBehaviours(StorageSuite):
    """if_match and if_none_match on every call that changes an object."""

    __test__ = False

    @behaviour("storage.conditional_put")
    async def test_an_object_is_created_only_once(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "key", b"first", if_none_match="*")
        with pytest.raises(PreconditionFailedError) as caught:
            await storage.put_object(bucket, "key", b"second", if_none_match="*")
        assert caught.value.resource == f"{bucket}/key"
        assert await storage.get_object(bucket, "key") == b"first"

    @behaviour("storage.conditional_put")
    async def test_one_of_many_creators_wins(self, storage: ObjectStorage, bucket: str) -> None:
        won: list[bytes] = []

        async def create(data: bytes) -> None:
            try:
                await storage.put_object(bucket, "key", data, if_none_match="*")
            except (PreconditionFailedError, ConflictError):
                return
            won.append(data)

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(create, b"%d" % number)
        assert len(won) == 1
        assert await storage.get_object(bucket, "key") == won[0]

    @behaviour("storage.conditional_put")
    async def test_a_put_replaces_only_the_revision_it_names(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        first = await storage.put_object(bucket, "key", b"first")
        second = await storage.put_object(bucket, "key", b"second", if_match=first.etag)
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(bucket, "key", b"third", if_match=first.etag)
        assert await storage.get_object(bucket, "key", if_match=second.etag) == b"second"

    @behaviour("storage.conditional_put")
    async def test_a_put_does_not_replace_what_is_not_there(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        gone = await storage.put_object(bucket, "key", b"first")
        await storage.delete_object(bucket, "key")
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(bucket, "key", b"second", if_match=gone.etag)
        assert not await storage.object_exists(bucket, "key")

    @behaviour("storage.conditional_multipart")
    async def test_conditions_hold_for_parts_too(
        self, storage: ObjectStorage, bucket: str, part_size: int
    ) -> None:
        data = pattern(part_size + 1)
        made = await storage.put_object(bucket, "key", data, part_size=part_size, if_none_match="*")
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(
                bucket, "key", bytes(part_size + 1), part_size=part_size, if_none_match="*"
            )
        assert await storage.get_object(bucket, "key") == data
        newer = bytes(part_size + 2)
        await storage.put_object(bucket, "key", newer, part_size=part_size, if_match=made.etag)
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(bucket, "key", data, part_size=part_size, if_match=made.etag)
        assert await storage.get_object(bucket, "key") == newer

    @behaviour("storage.conditional_copy")
    async def test_a_copy_replaces_only_what_it_may(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "source", b"copied")
        await storage.copy_object(bucket, "source", bucket, "key", if_none_match="*")
        with pytest.raises(PreconditionFailedError):
            await storage.copy_object(bucket, "source", bucket, "key", if_none_match="*")
        first = await storage.put_object(bucket, "key", b"first")
        second = await storage.put_object(bucket, "key", b"second")
        with pytest.raises(PreconditionFailedError):
            await storage.copy_object(bucket, "source", bucket, "key", if_match=first.etag)
        assert await storage.get_object(bucket, "key") == b"second"
        await storage.copy_object(bucket, "source", bucket, "key", if_match=second.etag)
        assert await storage.get_object(bucket, "key") == b"copied"

    async def test_a_copy_takes_only_the_revision_it_names(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        first = await storage.put_object(bucket, "source", b"first")
        second = await storage.put_object(bucket, "source", b"second")
        with pytest.raises(PreconditionFailedError):
            await storage.copy_object(bucket, "source", bucket, "key", source_if_match=first.etag)
        assert not await storage.object_exists(bucket, "key")
        await storage.copy_object(bucket, "source", bucket, "key", source_if_match=second.etag)
        assert await storage.get_object(bucket, "key") == b"second"

    @behaviour("storage.conditional_delete")
    async def test_a_delete_removes_only_the_revision_it_names(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        first = await storage.put_object(bucket, "key", b"first")
        second = await storage.put_object(bucket, "key", b"second")
        with pytest.raises(PreconditionFailedError):
            await storage.delete_object(bucket, "key", if_match=first.etag)
        assert await storage.get_object(bucket, "key") == b"second"
        await storage.delete_object(bucket, "key", if_match=second.etag)
        assert not await storage.object_exists(bucket, "key")

    @behaviour("storage.conditional_put")
    async def test_a_condition_whose_answer_is_lost_is_no_false_conflict(
        self, workbench: Workbench
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (storage, bucket):
            before = faults.count("put_object")
            faults.lose_answer("put_object", NetworkError("broken"))
            with pytest.raises(NetworkError):
                await storage.put_object(bucket, "new", b"data", if_none_match="*")
            assert faults.count("put_object") == before + 1
            assert await storage.get_object(bucket, "new") == b"data"

    async def test_conditions_that_make_no_sense_are_refused(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        with pytest.raises(ValidationError):
            await storage.put_object(bucket, "key", b"data", if_none_match="an etag")
        with pytest.raises(ValidationError):
            await storage.put_object(bucket, "key", b"data", if_match="e", if_none_match="*")
        assert not await storage.object_exists(bucket, "key")

    @behaviour("storage.conditional_put")
    async def test_no_increment_is_lost(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "counter", b"0")

        async def increment() -> None:
            while True:
                async with await storage.open_object(bucket, "counter") as reader:
                    value = int(await reader.read())
                try:
                    await storage.put_object(
                        bucket, "counter", b"%d" % (value + 1), if_match=reader.info.etag
                    )
                except (PreconditionFailedError, ConflictError):
                    continue  # another worker was faster
                return

        async def work() -> None:
            for _ in range(INCREMENTS):
                await increment()

        async with anyio.create_task_group() as tasks:
            for _ in range(WORKERS):
                tasks.start_soon(work)
        assert await storage.get_object(bucket, "counter") == b"%d" % (WORKERS * INCREMENTS)
