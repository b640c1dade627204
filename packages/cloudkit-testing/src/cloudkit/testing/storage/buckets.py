"""Buckets: creating, finding, deleting."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import AlreadyExistsError, ConflictError, NotFoundError, ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.faults import Faults
from cloudkit.testing.storage.suite import MakeBucket, StorageSuite
from cloudkit.testing.suite import MakeCloud

INVALID_NAMES = ["", "a/b", "../up", "two words", "nul\x00", "x" * 300, "-", "ümlaut"]


class BucketBehaviours(StorageSuite):
    """Buckets come and go, and never take objects with them."""

    __test__ = False

    async def test_a_bucket_is_created(self, storage: ObjectStorage, cleanup: Cleanup) -> None:
        name = self.fresh_name("bucket")
        assert not await storage.bucket_exists(name)
        cleanup.later(storage.delete_bucket, name)
        info = await storage.create_bucket(name)
        assert info.name == name
        assert await storage.bucket_exists(name)

    async def test_buckets_are_listed(
        self, storage: ObjectStorage, make_bucket: MakeBucket
    ) -> None:
        names = {await make_bucket() for _ in range(3)}
        listed = [info.name async for info in storage.list_buckets()]
        assert names <= set(listed)
        assert len(listed) == len(set(listed))
        assert not names & {info.name async for info in storage.list_buckets(prefix="no-such-")}

    async def test_buckets_are_listed_page_by_page(
        self, storage: ObjectStorage, make_bucket: MakeBucket
    ) -> None:
        first, second = await make_bucket(), await make_bucket()
        prefix = "ck-bucket-"
        pages = [page async for page in storage.list_buckets(prefix=prefix, page_size=1).pages()]
        assert all(len(page.items) <= 1 for page in pages)
        names = [info.name for page in pages for info in page.items]
        assert {first, second} <= set(names)
        assert names == sorted(names)

    async def test_creating_a_bucket_twice_fails(
        self, storage: ObjectStorage, make_bucket: MakeBucket
    ) -> None:
        name = await make_bucket()
        await storage.put_object(name, "kept", b"kept")
        with pytest.raises(AlreadyExistsError) as caught:
            await storage.create_bucket(name)
        assert caught.value.resource == name
        assert await storage.get_object(name, "kept") == b"kept"

    async def test_a_bucket_is_deleted(self, storage: ObjectStorage, cleanup: Cleanup) -> None:
        name = self.fresh_name("bucket")
        cleanup.later(storage.delete_bucket, name)
        await storage.create_bucket(name)
        await storage.delete_bucket(name)
        assert not await storage.bucket_exists(name)

    async def test_deleting_a_missing_bucket_fails(self, storage: ObjectStorage) -> None:
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await storage.delete_bucket(name)
        assert caught.value.resource == name

    async def test_deleting_a_bucket_with_objects_fails_and_loses_nothing(
        self, storage: ObjectStorage, make_bucket: MakeBucket
    ) -> None:
        name = await make_bucket()
        await storage.put_object(name, "deep/inside", b"kept")
        with pytest.raises(ConflictError):
            await storage.delete_bucket(name)
        assert await storage.bucket_exists(name)
        assert await storage.get_object(name, "deep/inside") == b"kept"

    @pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
    async def test_an_invalid_name_is_refused_before_sending(
        self, make_cloud: MakeCloud, name: str
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            for call in (cloud.storage.create_bucket, cloud.storage.bucket_exists):
                with pytest.raises(ValidationError):
                    await call(name)
            with pytest.raises(ValidationError):
                await cloud.storage.put_object(name, "key", b"data")
        assert faults.count() == 0

    @pytest.mark.parametrize(
        "operation", ["put_object", "get_object", "head_object", "open_object", "delete_object"]
    )
    async def test_a_missing_bucket_is_named(self, storage: ObjectStorage, operation: str) -> None:
        name = self.fresh_name("missing")
        arguments: list[Any] = [name, "key", *([b"data"] if operation == "put_object" else [])]
        with pytest.raises(NotFoundError) as caught:
            await getattr(storage, operation)(*arguments)
        assert name in str(caught.value)

    async def test_a_missing_bucket_is_named_when_parts_are_uploaded(
        self, storage: ObjectStorage, part_size: int
    ) -> None:
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await storage.put_object(name, "key", bytes(part_size + 1), part_size=part_size)
        assert name in str(caught.value)
