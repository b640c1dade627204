"""Listings of Blob Storage against a model: prefixes and delimiters that meet escapes, and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from azure.clouds import make_storage_cloud
from cloudkit.api.storage import ObjectStorage
from cloudkit.testing.storage.suite import put_all, remove_bucket
from emulators.process import Server
from listings import check_listings

pytestmark = pytest.mark.anyio

KEYS = [
    "100%",
    "100%/a",
    "100%25",
    "a",
    "a.",
    "a./b",
    "a../b",
    "a.b/c",
    "a/.",
    "a/../b",
    "a/b/1",
    "a/b/2",
    "a/c",
    "a\\b",
    "a%2E/b",
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
    ("", "."),
    ("", "%"),
    ("", "2"),
    ("a", "/"),
    ("a.", None),
    ("a.", "/"),
    ("a/", "/"),
    ("a/.", "."),
    ("100%", "/"),
    ("100%2", None),
    ("a%2E", "/"),
    ("🦊", "/"),
]
STARTS = [None, "a", "a/b/1", "a/b/2", "b/1", "\uff5e", "🦊/1", "🦊/2"]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def storage(azurite: Server) -> AsyncIterator[ObjectStorage]:
    async with make_storage_cloud(azurite.url) as cloud:
        yield cloud.storage


@pytest.fixture
async def bucket(storage: ObjectStorage) -> AsyncIterator[str]:
    name = f"ck-{token_hex(6)}"
    await storage.create_bucket(name)
    await put_all(storage, name, KEYS)
    yield name
    await remove_bucket(storage, name)


@pytest.mark.parametrize("page_size", [None, 1, 3])
async def test_listings_are_those_of_the_model(
    storage: ObjectStorage, bucket: str, page_size: int | None
) -> None:
    await check_listings(storage, bucket, KEYS, CASES, STARTS, page_size, most=5000, ordered=False)
