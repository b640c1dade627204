"""Metadata: names and values of the user's own."""

from __future__ import annotations

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import ValidationError
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.storage.suite import StorageSuite

WIDE_VALUES = ["Zoë", "naïve café", "日本語", "Ωmega ≠ 1", "🦊 fox", "=?utf-8?q?no?=", "a%20b"]


class MetadataBehaviours(StorageSuite):
    """Metadata comes back as it was given, or is refused; never something in between."""

    __test__ = False

    async def test_metadata_comes_back(self, storage: ObjectStorage, bucket: str) -> None:
        metadata = {"a": "1", "with-hyphen": "two words", "x9": "a=b; c, d", "long": "v" * 500}
        await storage.put_object(bucket, "key", b"data", metadata=metadata)
        assert (await storage.head_object(bucket, "key")).metadata == metadata
        async with await storage.open_object(bucket, "key") as reader:
            assert reader.info.metadata == metadata

    async def test_names_are_lower_case(self, storage: ObjectStorage, bucket: str) -> None:
        await storage.put_object(bucket, "key", b"data", metadata={"Mixed-Case": "Kept As Is"})
        assert (await storage.head_object(bucket, "key")).metadata == {"mixed-case": "Kept As Is"}

    @pytest.mark.parametrize(
        "metadata",
        [
            {"name": "a", "Name": "b"},
            {"": "empty"},
            {"ünicode": "a"},
            {"two words": "a"},
            {"line\nbreak": "a"},
            {"name": "line\r\nbreak"},
            {"name": "nul\x00"},
            {"name": " ends with space "},
            {"name": 1},
            {1: "name"},
        ],
        ids=ascii,
    )
    async def test_what_cannot_be_kept_is_refused(
        self, storage: ObjectStorage, bucket: str, metadata: dict[str, str]
    ) -> None:
        with pytest.raises(ValidationError):
            await storage.put_object(bucket, "key", b"data", metadata=metadata)
        assert not await storage.object_exists(bucket, "key")

    async def test_too_much_metadata_is_refused(self, storage: ObjectStorage, bucket: str) -> None:
        limit = storage.capabilities.max_metadata_bytes
        with pytest.raises(ValidationError):
            await storage.put_object(bucket, "key", b"data", metadata={"name": "v" * limit})
        assert not await storage.object_exists(bucket, "key")

    @behaviour("storage.non_ascii_metadata")
    async def test_values_beyond_ascii_come_back(self, storage: ObjectStorage, bucket: str) -> None:
        metadata = {f"value-{number}": value for number, value in enumerate(WIDE_VALUES)}
        await storage.put_object(bucket, "key", b"data", metadata=metadata)
        assert (await storage.head_object(bucket, "key")).metadata == metadata

    async def test_values_that_look_encoded_are_left_alone(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        metadata = {"a": "=?utf-8?b?Wm/Dqw==?=", "b": "%C3%AB", "c": "\\u00eb", "d": '"quoted"'}
        await storage.put_object(bucket, "key", b"data", metadata=metadata)
        assert (await storage.head_object(bucket, "key")).metadata == metadata
