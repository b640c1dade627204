"""Copying inside the service."""

from __future__ import annotations

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import NotFoundError
from cloudkit.testing.storage.suite import MakeBucket, StorageSuite
from cloudkit.testing.storage.writing import HEADERS


class CopyingBehaviours(StorageSuite):
    """A copy is an object of its own."""

    __test__ = False

    async def test_an_object_is_copied(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "source", b"data")
        stored = await storage.copy_object(bucket, "source", bucket, "copies/key")
        assert (stored.bucket, stored.key) == (bucket, "copies/key")
        info = await storage.head_object(bucket, "copies/key")
        assert (info.etag, info.size) == (stored.etag, 4)
        assert await storage.get_object(bucket, "copies/key") == b"data"
        assert await storage.get_object(bucket, "source") == b"data"

    async def test_an_object_is_copied_to_another_bucket(
        self, storage: ObjectStorage, bucket: str, make_bucket: MakeBucket
    ) -> None:
        other = await make_bucket()
        await storage.put_object(bucket, "key", b"data", metadata={"a": "b"})
        await storage.copy_object(bucket, "key", other, "key")
        assert await storage.get_object(other, "key") == b"data"
        assert (await storage.head_object(other, "key")).metadata == {"a": "b"}

    async def test_a_copy_overwrites(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "source", b"new")
        old = await storage.put_object(bucket, "key", b"old content", metadata={"old": "yes"})
        new = await storage.copy_object(bucket, "source", bucket, "key")
        assert new.etag != old.etag
        assert await storage.get_object(bucket, "key") == b"new"
        assert (await storage.head_object(bucket, "key")).metadata == {}

    async def test_attributes_are_kept(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "source", b"data", metadata={"a": "b"}, **HEADERS)
        await storage.copy_object(bucket, "source", bucket, "key")
        source = await storage.head_object(bucket, "source")
        assert (await storage.head_object(bucket, "key")).attributes == source.attributes

    async def test_metadata_is_replaced_as_a_whole(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(
            bucket, "source", b"data", metadata={"a": "1", "b": "2"}, cache_control="no-store"
        )
        await storage.copy_object(bucket, "source", bucket, "key", metadata={"b": "3"})
        info = await storage.head_object(bucket, "key")
        assert info.metadata == {"b": "3"}
        assert info.attributes.cache_control == "no-store"
        assert (await storage.head_object(bucket, "source")).metadata == {"a": "1", "b": "2"}

    async def test_one_header_is_replaced(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "source", b"data", metadata={"a": "b"}, **HEADERS)
        await storage.copy_object(bucket, "source", bucket, "key", content_type="text/plain")
        info = await storage.head_object(bucket, "key")
        assert info.content_type == "text/plain"
        assert info.attributes.content_encoding == HEADERS["content_encoding"]
        assert info.metadata == {"a": "b"}

    async def test_a_missing_source_is_named(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "key", b"kept")
        with pytest.raises(NotFoundError):
            await storage.copy_object(bucket, "missing", bucket, "key")
        assert await storage.get_object(bucket, "key") == b"kept"

    async def test_nothing_is_copied_from_or_to_a_missing_bucket(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "key", b"kept")
        missing = self.fresh_name("missing")
        with pytest.raises(NotFoundError):
            await storage.copy_object(bucket, "key", missing, "key")
        with pytest.raises(NotFoundError):
            await storage.copy_object(missing, "key", bucket, "key")

    async def test_an_object_copied_onto_itself_stays(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        before = await storage.put_object(bucket, "key", b"data", metadata={"a": "b"})
        after = await storage.copy_object(bucket, "key", bucket, "key")
        assert after.etag == before.etag
        assert await storage.get_object(bucket, "key") == b"data"
        assert (await storage.head_object(bucket, "key")).metadata == {"a": "b"}

    async def test_metadata_is_changed_in_place(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "key", b"data", metadata={"a": "b"})
        after = await storage.copy_object(bucket, "key", bucket, "key", metadata={"c": "d"})
        info = await storage.head_object(bucket, "key")
        assert info.metadata == {"c": "d"}
        # Where the revision is told by the content alone, that of before may still be it.
        assert info.etag == after.etag
        assert await storage.get_object(bucket, "key") == b"data"

    async def test_a_later_change_of_the_source_does_not_show(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await storage.put_object(bucket, "source", b"first")
        await storage.copy_object(bucket, "source", bucket, "key")
        await storage.put_object(bucket, "source", b"second")
        assert await storage.get_object(bucket, "key") == b"first"
        await storage.delete_object(bucket, "source")
        assert await storage.get_object(bucket, "key") == b"first"
