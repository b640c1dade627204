"""Listing: order, prefixes, delimiters, pages."""

from __future__ import annotations

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import NotFoundError, ValidationError
from cloudkit.testing.storage.suite import StorageSuite, put_all

MANY = 2500
# In UTF-16, and so in the order of some languages, the fox stands before the last but one.
BY_UTF8 = ["A", "Z", "_", "a", "a b", "aa", "b", "z", "é", "日", "\uff5e", "🦊"]
TREE = ["docs/a", "docs/b", "docs/deep/c", "docs/deep/d", "img/x", "readme"]


async def _keys(storage: ObjectStorage, bucket: str, **options: str | int | None) -> list[str]:
    return [e.key async for e in storage.list_objects(bucket, **options)]  # type: ignore[arg-type]


class ListingBehaviours(StorageSuite):
    """All objects, each once, in the order of the UTF-8 bytes of their keys."""

    __test__ = False

    async def test_an_empty_bucket_lists_nothing(self, storage: ObjectStorage, bucket: str) -> None:
        assert await _keys(storage, bucket) == []
        (page,) = [page async for page in storage.list_objects(bucket).pages()]
        assert page.next_token is None

    async def test_a_missing_bucket_is_not_found(self, storage: ObjectStorage) -> None:
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await storage.list_objects(name).to_list()
        assert name in str(caught.value)

    async def test_a_prefix_selects(self, storage: ObjectStorage, bucket: str) -> None:
        await put_all(storage, bucket, ["ab", "abc", "abd", "ac", "b", "a%c", "a_c"])
        assert await _keys(storage, bucket, prefix="ab") == ["ab", "abc", "abd"]
        assert await _keys(storage, bucket, prefix="abc") == ["abc"]
        assert await _keys(storage, bucket, prefix="abcd") == []
        assert await _keys(storage, bucket, prefix="AB") == []
        assert await _keys(storage, bucket, prefix="a%") == ["a%c"], "no pattern"
        assert await _keys(storage, bucket, prefix="a_") == ["a_c"], "no pattern"

    async def test_order_is_by_utf8_bytes(self, storage: ObjectStorage, bucket: str) -> None:
        await put_all(storage, bucket, list(reversed(BY_UTF8)))
        assert await _keys(storage, bucket) == BY_UTF8
        assert await _keys(storage, bucket, page_size=1) == BY_UTF8

    @pytest.mark.parametrize("size", [1, 2, 3])
    async def test_pages_are_as_small_as_asked(
        self, storage: ObjectStorage, bucket: str, size: int
    ) -> None:
        keys = [f"key-{number}" for number in range(7)]
        await put_all(storage, bucket, keys)
        pages = [page async for page in storage.list_objects(bucket, page_size=size).pages()]
        assert all(len(page.items) <= size for page in pages)
        assert [entry.key for page in pages for entry in page.items] == keys
        assert pages[-1].next_token is None

    @pytest.mark.parametrize("size", [1, 2, 3, None])
    async def test_a_listing_goes_on_from_any_token(
        self, storage: ObjectStorage, bucket: str, size: int | None
    ) -> None:
        await put_all(storage, bucket, TREE)
        seen: list[str] = []
        pager = storage.list_objects(bucket, prefix="docs/", delimiter="/", page_size=size)
        async for page in pager.pages():
            seen += [entry.key for entry in page.items]
            if page.next_token is not None:
                rest = storage.list_objects(
                    bucket,
                    prefix="docs/",
                    delimiter="/",
                    page_size=size,
                    page_token=page.next_token,
                )
                assert seen + [e.key async for e in rest] == ["docs/a", "docs/b", "docs/deep/"]
        assert seen == ["docs/a", "docs/b", "docs/deep/"]

    async def test_no_page_size_below_one(self, storage: ObjectStorage, bucket: str) -> None:
        for size in (0, -1):
            with pytest.raises(ValidationError):
                await storage.list_objects(bucket, page_size=size).to_list()

    @pytest.mark.parametrize("delimiter", ["/", "\\", "abc"])
    async def test_a_delimiter_folds_what_is_below(
        self, storage: ObjectStorage, bucket: str, delimiter: str
    ) -> None:
        keys = [key.replace("/", delimiter) for key in TREE]
        await put_all(storage, bucket, keys, b"data")
        entries = await storage.list_objects(bucket, delimiter=delimiter).to_list()
        folded = [(entry.key, entry.is_prefix) for entry in entries]
        assert folded == sorted(
            [(f"docs{delimiter}", True), (f"img{delimiter}", True), ("readme", False)]
        )
        assert await _keys(
            storage, bucket, delimiter=delimiter, prefix=f"docs{delimiter}"
        ) == sorted(f"docs{delimiter}{name}" for name in ("a", "b", f"deep{delimiter}"))
        assert await _keys(storage, bucket, delimiter=delimiter, prefix="doc") == [
            f"docs{delimiter}"
        ]

    @pytest.mark.parametrize("size", [1, 2, None])
    async def test_a_folder_and_a_key_sort_as_their_bytes(
        self, storage: ObjectStorage, bucket: str, size: int | None
    ) -> None:
        await put_all(storage, bucket, ["t/1", "t/2", "t-/1", "t-/2", "t"])
        listed = await _keys(storage, bucket, delimiter="/", page_size=size)
        assert listed == ["t", "t-/", "t/"]

    async def test_a_key_that_ends_in_the_delimiter_is_an_object_in_its_folder(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await put_all(storage, bucket, ["folder/", "folder/a"])
        top = await storage.list_objects(bucket, delimiter="/").to_list()
        assert [(entry.key, entry.is_prefix) for entry in top] == [("folder/", True)]
        inside = await storage.list_objects(bucket, delimiter="/", prefix="folder/").to_list()
        assert [(e.key, e.is_prefix) for e in inside] == [("folder/", False), ("folder/a", False)]

    async def test_a_folder_vanishes_with_its_last_key(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        await put_all(storage, bucket, ["a/1", "a/2", "b/1"])
        await storage.delete_object(bucket, "a/1")
        assert await _keys(storage, bucket, delimiter="/") == ["a/", "b/"]
        await storage.delete_object(bucket, "a/2")
        assert await _keys(storage, bucket, delimiter="/") == ["b/"]
        assert await _keys(storage, bucket, prefix="a/") == []

    async def test_a_listing_starts_behind_a_key(self, storage: ObjectStorage, bucket: str) -> None:
        await put_all(storage, bucket, ["a", "b", "c/1", "c/2", "d"])
        assert await _keys(storage, bucket, start_after="b") == ["c/1", "c/2", "d"]
        assert await _keys(storage, bucket, start_after="bb") == ["c/1", "c/2", "d"]
        assert await _keys(storage, bucket, start_after="b", page_size=1) == ["c/1", "c/2", "d"]
        assert await _keys(storage, bucket, start_after="c/1", prefix="c/") == ["c/2"]
        assert await _keys(storage, bucket, start_after="a", prefix="c/") == ["c/1", "c/2"]
        assert await _keys(storage, bucket, start_after="d") == []
        assert await _keys(storage, bucket, start_after="z", prefix="c/") == []

    async def test_a_token_survives_changes_in_pages_read_before(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        keys = [f"key-{number}" for number in range(6)]
        await put_all(storage, bucket, keys)
        first = await anext(storage.list_objects(bucket, page_size=2).pages())
        assert [entry.key for entry in first.items] == keys[:2]
        await storage.delete_object(bucket, keys[1])
        await put_all(storage, bucket, ["a", "key-0-inserted", "key-0-too"])
        rest = storage.list_objects(bucket, page_size=2, page_token=first.next_token)
        assert [entry.key async for entry in rest] == keys[2:]

    async def test_a_listing_may_be_left_early(self, storage: ObjectStorage, bucket: str) -> None:
        await put_all(storage, bucket, ["a", "b", "c"])
        async for entry in storage.list_objects(bucket, page_size=1):
            assert entry.key == "a"
            break
        assert await _keys(storage, bucket, page_size=1) == ["a", "b", "c"]

    async def test_thousands_of_keys_are_listed_once_each(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        keys = [f"folder-{number % 7}/{number:05}" for number in range(MANY)]
        await put_all(storage, bucket, keys)
        assert await _keys(storage, bucket) == sorted(keys)
        assert await _keys(storage, bucket, delimiter="/") == [f"folder-{n}/" for n in range(7)]
        last = sorted(keys)[-3:]
        assert await _keys(storage, bucket, start_after=sorted(keys)[-4]) == last
