"""What is particular to Object Storage: listings against a model, links, changes in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import pytest
from cloudkit.api.storage import ObjectStorage
from cloudkit.common import ConflictError, PreconditionFailedError, utc_now
from cloudkit.testing.storage.suite import put_all, remove_bucket
from emulators.process import Server
from listings import check_listings
from oracle.clouds import credentials_of, make_oracle

pytestmark = pytest.mark.anyio

KEYS = [
    ".",
    "..",
    "../a",
    ".a",
    "a",
    "a\t",
    "a\tb/1",
    "a\nb/1",
    "a\nb/2",
    "a\x0b",
    "a\x00/x",
    "a\x01/x",
    "a-b-1",
    "a-b-2",
    "a--",
    "a/b/1",
    "a/b/2",
    "a/c",
    "aabcb",
    "aabcc",
    "aabcd/abc",
    "b/1",
    "b/2",
    "ü/1",
    "\uff5e",
    "🦊/1",
    "🦊/2",
]
CASES = [
    ("", None),
    ("", "/"),
    ("", "-"),
    (".", None),
    ("..", "/"),
    ("", "abc"),
    ("", "\n"),
    ("a", "/"),
    ("a", "b"),
    ("a\t", None),
    ("a\t", "/"),
    ("a\n", "/"),
    ("a-", "-"),
    ("a/", "b/"),
    ("🦊", "/"),
]
STARTS = [None, ".", "..", "a", "a\t", "a\nb/1", "a-b-1", "a/b/1", "aabcb", "b/1", "\uff5e", "🦊/2"]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(oci_double: Server, config: dict[str, Any]) -> AsyncIterator[ObjectStorage]:
    async with make_oracle(oci_double.url, credentials_of(config)) as cloud:
        yield cloud.storage


@pytest.fixture
async def own_bucket(store: ObjectStorage) -> AsyncIterator[str]:
    name = f"ck-{token_hex(6)}"
    await store.create_bucket(name)
    yield name
    await remove_bucket(store, name)


@pytest.mark.parametrize("page_size", [None, 1, 3])
async def test_listings_are_those_of_the_model(
    store: ObjectStorage, own_bucket: str, page_size: int | None
) -> None:
    await put_all(store, own_bucket, KEYS)
    await check_listings(store, own_bucket, KEYS, CASES, STARTS, page_size, most=1000, ordered=True)


async def test_a_group_of_more_keys_than_a_page_is_skipped(
    store: ObjectStorage, own_bucket: str
) -> None:
    await put_all(store, own_bucket, [f"many-{number}" for number in range(1100)])
    await put_all(store, own_bucket, ["a", "many", "n-1", "z"])
    listed = [entry.key async for entry in store.list_objects(own_bucket, delimiter="-")]
    assert listed == ["a", "many", "many-", "n-", "z"]


async def test_links_do_not_keep_an_empty_bucket(store: ObjectStorage) -> None:
    name = f"ck-{token_hex(6)}"
    await store.create_bucket(name)
    await store.put_object(name, "key", b"data")
    await store.presigned_get_url(name, "key")
    with pytest.raises(ConflictError):
        await store.delete_bucket(name)
    await store.delete_object(name, "key")
    await store.delete_bucket(name)
    assert not await store.bucket_exists(name)


async def test_a_link_is_a_resource_of_the_bucket(
    store: ObjectStorage, own_bucket: str, storage: Any, namespace: str
) -> None:
    link = await store.presigned_put_url(own_bucket, "key", expires_in=60)
    (found,) = storage.list_preauthenticated_requests(namespace, own_bucket).data
    assert found.name.startswith("cloudkit-")
    assert (found.access_type, found.object_name) == ("ObjectWrite", "key")
    assert found.time_expires == link.expires_at > utc_now()


async def test_attributes_are_changed_in_place_and_by_copies(
    store: ObjectStorage, own_bucket: str
) -> None:
    large = bytes(range(256)) * (68 * 1024)  # above what is written anew in one piece
    for data in (b"data", large):
        await store.put_object(own_bucket, "key", data, content_type="text/a", metadata={"a": "1"})
        changes: dict[str, dict[str, Any]] = {
            "other metadata": {"content_type": "text/a", "metadata": {"b": "2"}},
            "other type": {"content_type": "text/b", "metadata": {"a": "1"}},
            "no metadata": {"content_type": "text/a", "metadata": {}},
            "key": {"content_type": "text/c", "metadata": {"c": "3"}},
        }
        for key, options in changes.items():
            await store.copy_object(own_bucket, "key", own_bucket, key, **options)
            info = await store.head_object(own_bucket, key)
            assert (info.content_type, info.metadata) == tuple(options.values())
            assert await store.get_object(own_bucket, key) == data
        assert await store.list_uploads(own_bucket).to_list() == []


async def test_a_change_in_place_is_of_the_revision_that_was_meant(
    store: ObjectStorage, own_bucket: str
) -> None:
    old = await store.put_object(own_bucket, "key", b"old")
    await store.put_object(own_bucket, "key", b"new")
    with pytest.raises(PreconditionFailedError):
        await store.copy_object(
            own_bucket, "key", own_bucket, "key", content_type="text/x", if_match=old.etag
        )
    assert await store.get_object(own_bucket, "key") == b"new"
