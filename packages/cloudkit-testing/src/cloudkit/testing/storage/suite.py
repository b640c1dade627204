"""Base of the storage behaviours: buckets to work in, and what there is to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar, TypeAlias

import anyio
import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.storage.refusals import REFUSALS

MakeBucket: TypeAlias = Callable[[], Awaitable[str]]
"""Creates a bucket that is removed at the end of the test."""

AT_ONCE = 16


async def empty_bucket(storage: ObjectStorage, bucket: str) -> None:
    """Delete all objects and unfinished uploads of a bucket.

    Raises:
        CloudError: Something could not be deleted.
    """
    if storage.capabilities.list_uploads:
        for upload in await storage.list_uploads(bucket).to_list():
            await storage.abort_upload(bucket, upload)
    keys = [entry.key async for entry in storage.list_objects(bucket)]
    for result in await storage.delete_objects(bucket, keys):
        if result.error is not None:
            raise result.error


async def remove_bucket(storage: ObjectStorage, bucket: str) -> None:
    """Delete a bucket with all that is in it."""
    await empty_bucket(storage, bucket)
    await storage.delete_bucket(bucket)


async def put_all(storage: ObjectStorage, bucket: str, keys: list[str], data: bytes = b"") -> None:
    """Write many small objects, some at a time.

    Args:
        storage: Where to.
        bucket: An existing bucket.
        keys: Their keys.
        data: The content of each.
    """
    left = iter(keys)

    async def work() -> None:
        for key in left:
            await storage.put_object(bucket, key, data)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(work)


class StorageSuite(ContractSuite):
    """Base of the storage behaviours.

    Attributes:
        existing_bucket: A bucket to work in instead of a fresh one for each test, for services where
            creating one is slow or limited. It is emptied before and after each test, so nobody else
            may use it; with pytest-xdist each worker needs one of its own. The behaviours about
            buckets create theirs in any case.
    """

    __test__ = False

    contract_name = "storage"
    refusals = REFUSALS
    idempotent_operation = "get_object"
    ambiguous_operation = "delete_object"
    existing_bucket: ClassVar[str | None] = None

    @pytest.fixture
    def storage(self, cloud: Any) -> ObjectStorage:
        """The contract under test."""
        storage: ObjectStorage = cloud.storage
        return storage

    @pytest.fixture
    def make_bucket(self, storage: ObjectStorage, cleanup: Cleanup) -> MakeBucket:
        """Creates buckets with fresh names."""

        async def make() -> str:
            name = self.fresh_name("bucket")
            cleanup.later(remove_bucket, storage, name)
            await storage.create_bucket(name)
            return name

        return make

    @pytest.fixture
    async def bucket(self, storage: ObjectStorage, make_bucket: MakeBucket) -> AsyncIterator[str]:
        """An empty bucket."""
        if self.existing_bucket is None:
            yield await make_bucket()
            return
        await empty_bucket(storage, self.existing_bucket)
        try:
            yield self.existing_bucket
        finally:
            with anyio.CancelScope(shield=True):
                await empty_bucket(storage, self.existing_bucket)

    @pytest.fixture
    def part_size(self, storage: ObjectStorage) -> int:
        """Bytes of a part: as small as the service takes, but not tiny."""
        return max(storage.capabilities.min_part_size, 64 * 1024)

    async def create_resource(self, contract: ObjectStorage) -> str:
        """A bucket with two objects."""
        bucket = self.existing_bucket or self.fresh_name("bucket")
        if self.existing_bucket is None:
            await contract.create_bucket(bucket)
        await put_all(contract, bucket, ["to-read", "to-delete"], b"content")
        return bucket

    async def remove_resource(self, contract: ObjectStorage, resource: str) -> None:
        """Remove the bucket, or what is in it when it is to stay."""
        remove = remove_bucket if self.existing_bucket is None else empty_bucket
        await remove(contract, resource)

    async def idempotent_call(self, contract: ObjectStorage, resource: str) -> None:
        """Read an object."""
        assert await contract.get_object(resource, "to-read") == b"content"

    async def ambiguous_call(self, contract: ObjectStorage, resource: str) -> None:
        """Delete an object that must exist."""
        await contract.delete_object(resource, "to-delete", missing_ok=False)

    async def missing_call(self, contract: ObjectStorage, resource: str) -> None:
        """Read from a bucket that does not exist."""
        await contract.get_object(resource, "key")
