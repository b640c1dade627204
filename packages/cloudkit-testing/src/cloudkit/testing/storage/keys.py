"""Keys: any text of up to 1,024 bytes, each a key of its own."""

from __future__ import annotations

import unicodedata

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import ValidationError
from cloudkit.testing.faults import Faults
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.storage.suite import StorageSuite, put_all
from cloudkit.testing.storage.transports import exchange
from cloudkit.testing.suite import MakeCloud

STRANGE = {
    "leading slash": "/a/b",
    "only a slash": "/",
    "repeated slashes": "a//b///c",
    "trailing slash": "a/b/",
    "parent folders": "../../etc/passwd",
    "dots inside": "a/../b/./c",
    "two dots": "..",
    "backslashes": "a\\b\\..\\c",
    "quotes": 'it\'s "quoted" `here`',
    "spaces": " spaces  around ",
    "percent": "100%/%2F/%zz",
    "hash": "a#b#c",
    "question mark": "a?b=c&d",
    "plus": "a+b + c",
    "unicode": "grüße/日本語/Ωmega",
    "emoji": "🦊/👩‍👩‍👧",
    "markup": "<a>&amp;</a>{[|^~$!*'();:@,]}",
    "longest": "ä" * 512,
}
ALIKE = [
    "a/b",
    "a//b",
    "/a/b",
    "a/b/",
    "A/b",
    "a/B",
    "a/./b",
    "a/c/../b",
    "a\\b",
    "a%2Fb",
    "a/b ",
    "a/b.",
    "a+b",
    "a b",
    "a%20b",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
]


class KeyBehaviours(StorageSuite):
    """No key is changed, confused with another one or taken for a path."""

    __test__ = False

    @pytest.mark.parametrize("key", list(STRANGE.values()), ids=list(STRANGE))
    async def test_a_strange_key_works_everywhere(
        self, storage: ObjectStorage, bucket: str, key: str
    ) -> None:
        data = key.encode()
        stored = await storage.put_object(bucket, key, data)
        assert stored.key == key
        assert await storage.get_object(bucket, key) == data
        assert (await storage.head_object(bucket, key)).key == key
        assert [entry.key async for entry in storage.list_objects(bucket)] == [key]
        assert [e.key async for e in storage.list_objects(bucket, prefix=key)] == [key]
        assert [e.key async for e in storage.list_objects(bucket, start_after=key)] == []
        await storage.copy_object(bucket, key, bucket, "copy")
        await storage.delete_object(bucket, key)
        assert not await storage.object_exists(bucket, key)
        await storage.copy_object(bucket, "copy", bucket, key)
        assert await storage.get_object(bucket, key) == data
        (result,) = await storage.delete_objects(bucket, [key])
        assert result.value == key
        assert not await storage.object_exists(bucket, key)

    @pytest.mark.parametrize("key", list(STRANGE.values()), ids=list(STRANGE))
    async def test_a_strange_key_works_in_parts(
        self, storage: ObjectStorage, bucket: str, part_size: int, key: str
    ) -> None:
        data = bytes(part_size + 1)
        await storage.put_object(bucket, key, data, part_size=part_size)
        assert (await storage.head_object(bucket, key)).size == len(data)
        assert [entry.key async for entry in storage.list_objects(bucket)] == [key]

    @behaviour("storage.presigned_get", "storage.presigned_put")
    @pytest.mark.parametrize("key", list(STRANGE.values()), ids=list(STRANGE))
    async def test_a_strange_key_works_in_a_link(
        self, storage: ObjectStorage, bucket: str, key: str
    ) -> None:
        data = key.encode()
        put = await storage.presigned_put_url(bucket, key)
        assert (await exchange("PUT", put.url, data, put.headers)).ok
        assert await storage.get_object(bucket, key) == data
        get = await storage.presigned_get_url(bucket, key)
        assert (await exchange("GET", get.url, headers=get.headers)).body == data

    async def test_every_ascii_character_is_kept(self, storage: ObjectStorage, bucket: str) -> None:
        keys = [f"a{chr(code)}b" for code in range(128)]
        await put_all(storage, bucket, keys, b"data")
        assert [entry.key async for entry in storage.list_objects(bucket)] == sorted(keys)
        for key in keys:
            assert await storage.get_object(bucket, key) == b"data"
        results = await storage.delete_objects(bucket, keys)
        assert [result.value for result in results] == keys
        assert await storage.list_objects(bucket).to_list() == []

    async def test_keys_that_look_alike_are_different(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        for key in ALIKE:
            await storage.put_object(bucket, key, key.encode())
        for key in ALIKE:
            assert await storage.get_object(bucket, key) == key.encode()
        listed = [entry.key async for entry in storage.list_objects(bucket)]
        assert listed == sorted(ALIKE, key=str.encode)

    async def test_a_key_may_be_the_beginning_of_another(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        keys = ["a", "a/", "a/b", "a/b/c"]
        for key in reversed(keys):
            await storage.put_object(bucket, key, key.encode())
        assert [await storage.get_object(bucket, key) for key in keys] == [
            key.encode() for key in keys
        ]
        await storage.delete_object(bucket, "a/b")
        assert [e.key async for e in storage.list_objects(bucket)] == ["a", "a/", "a/b/c"]

    async def test_a_key_that_cannot_be_is_refused_before_sending(
        self, make_cloud: MakeCloud
    ) -> None:
        faults, bucket = Faults(), self.fresh_name("bucket")
        async with make_cloud(interceptors=[faults]) as cloud:
            storage: ObjectStorage = cloud.storage
            too_long = "a" * (storage.capabilities.max_key_bytes + 1)
            wide = "ä" * (storage.capabilities.max_key_bytes // 2 + 1)
            for key in ("", too_long, wide, "lone \ud800 surrogate", 5):
                with pytest.raises(ValidationError):
                    await storage.put_object(bucket, key, b"data")  # type: ignore[arg-type]
                with pytest.raises(ValidationError):
                    await storage.get_object(bucket, key)  # type: ignore[arg-type]
                (result,) = await storage.delete_objects(bucket, [key])  # type: ignore[list-item]
                assert isinstance(result.error, ValidationError)
                with pytest.raises(ValidationError):
                    await storage.copy_object(bucket, "source", bucket, key)  # type: ignore[arg-type]
        assert faults.count() == 0
