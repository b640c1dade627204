"""Deleting: one object or many."""

from __future__ import annotations

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import NetworkError, NotFoundError
from cloudkit.spi import NoRetry
from cloudkit.testing.common.suite import Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.storage.suite import StorageSuite, put_all

MANY = 1001


class DeletingBehaviours(StorageSuite):
    """What is deleted is gone; what could not be deleted is named."""

    __test__ = False

    async def test_an_object_is_deleted(self, storage: ObjectStorage, bucket: str) -> None:
        await put_all(storage, bucket, ["gone", "kept"])
        await storage.delete_object(bucket, "gone")
        with pytest.raises(NotFoundError):
            await storage.get_object(bucket, "gone")
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["kept"]

    async def test_deleting_what_is_missing_is_fine(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.delete_object(bucket, "missing")
        await storage.delete_object(bucket, "missing")

    async def test_deleting_what_is_missing_fails_when_asked_for(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "key", b"data")
        await storage.delete_object(bucket, "key", missing_ok=False)
        with pytest.raises(NotFoundError) as caught:
            await storage.delete_object(bucket, "key", missing_ok=False)
        assert caught.value.resource == f"{bucket}/key"

    @pytest.mark.parametrize("count", [0, 1, 3])
    async def test_a_batch_is_deleted(
        self, storage: ObjectStorage, bucket: str, count: int
    ) -> None:
        keys = [f"key-{number}" for number in range(count)]
        await put_all(storage, bucket, [*keys, "kept"])
        results = await storage.delete_objects(bucket, keys)
        assert [result.value for result in results] == keys
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["kept"]

    async def test_a_batch_may_hold_missing_keys(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "there", b"data")
        results = await storage.delete_objects(bucket, ["missing", "there", "missing too"])
        assert [result.value for result in results] == ["missing", "there", "missing too"]

    async def test_more_than_one_request_takes_are_deleted(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        keys = [f"key-{number:04}" for number in range(MANY)]
        await put_all(storage, bucket, keys)
        results = await storage.delete_objects(bucket, keys)
        assert [result.value for result in results] == keys
        assert await storage.list_objects(bucket).to_list() == []

    async def test_what_could_not_be_deleted_is_named(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (storage, bucket):
            self.restrict(storage, delete_batch=2)
            keys = [f"key-{number}" for number in range(6)]
            await put_all(storage, bucket, keys)
            broken = NetworkError("broken")
            faults.delay("delete_objects", 0)
            faults.lose_request("delete_objects", broken)
            results = await storage.delete_objects(bucket, keys)
            assert [result.ok for result in results] == [True, True, False, False, True, True]
            failed = [key for key, result in zip(keys, results, strict=True) if not result.ok]
            assert failed == ["key-2", "key-3"]
            assert isinstance(results[2].error, NetworkError)
            left = [e.key async for e in storage.list_objects(bucket, prefix="key-")]
            assert left == failed

    async def test_a_batch_in_a_missing_bucket_fails_for_each_key(
        self, storage: ObjectStorage
    ) -> None:
        results = await storage.delete_objects(self.fresh_name("missing"), ["a", "b"])
        assert [type(result.error) for result in results] == [NotFoundError, NotFoundError]
