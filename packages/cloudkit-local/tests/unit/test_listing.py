"""Listings: like sorting all keys would give, but reading only what is given."""

from __future__ import annotations

import sqlite3
import tracemalloc

import anyio
import pytest
from cloudkit.api.storage.operations import ListObjects
from cloudkit.common import ValidationError
from cloudkit.local import LocalCloud, index, listing
from cloudkit.local.connection import connect, migrate
from cloudkit.local.record import ObjectRecord
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio

KEYS = st.text(
    alphabet="ab/\\\x00\x7fé\ud7ff\ue000\uffff\U00010000\U0010ffff", min_size=1, max_size=5
)


@pytest.fixture(scope="module")
def connection():
    connection = connect(None, "process")
    migrate(connection, [index.SCHEMA])
    index.create_bucket(connection, "bucket")
    index.create_bucket(connection, "tekcub")
    yield connection
    connection.close()


def put(connection: sqlite3.Connection, key: str) -> None:
    record = ObjectRecord(
        bucket="bucket",
        key=key,
        revision=f"{abs(hash(key)):032x}",
        size=0,
        crc32="00000000",
        modified=0,
        storage_class=None,
        attributes="{}",
    )
    index.put(connection, record, None, None)


def expected(keys, prefix, delimiter, start_after):
    """By the book: filter, group, sort."""
    found = {}
    for key in keys:
        if not key.startswith(prefix) or (
            start_after is not None and key.encode() <= start_after.encode()
        ):
            continue
        at = -1 if delimiter is None else key.find(delimiter, len(prefix))
        if at < 0:
            found[key.encode(), False] = None
        else:
            found[key[: at + len(delimiter)].encode(), True] = None
    return sorted(found)


@settings(deadline=None, max_examples=300)
@given(
    keys=st.sets(KEYS, max_size=12),
    prefix=st.one_of(st.just(""), KEYS),
    delimiter=st.one_of(st.none(), st.sampled_from(["/", "\\", "ab", "é"])),
    start_after=st.one_of(st.none(), KEYS),
    page_size=st.integers(1, 5),
)
def test_pages_give_what_sorting_gives(connection, keys, prefix, delimiter, start_after, page_size):
    connection.execute("DELETE FROM object")
    for key in keys:
        put(connection, key)
    token, entries = None, []
    while True:
        operation = ListObjects(
            bucket="bucket",
            prefix=prefix,
            delimiter=delimiter,
            start_after=start_after,
            page_size=page_size,
            page_token=token,
        )
        page = listing.list_objects(connection, operation, 1000)
        assert len(page.items) <= page_size
        entries += page.items
        token = page.next_token
        if token is None:
            break
        assert len(page.items) == page_size
    assert [(entry.key.encode(), entry.is_prefix) for entry in entries] == expected(
        keys, prefix, delimiter, start_after
    )


def test_a_common_prefix_is_stepped_over(connection):
    connection.execute("DELETE FROM object")
    for group in range(5):
        for number in range(3000):
            put(connection, f"{group}/{number}")
    steps = 0

    def step():
        nonlocal steps
        steps += 1

    connection.set_progress_handler(step, 100)
    operation = ListObjects(bucket="bucket", delimiter="/")
    page = listing.list_objects(connection, operation, 1000)
    connection.set_progress_handler(None, 0)
    assert [entry.key for entry in page.items] == [f"{group}/" for group in range(5)]
    assert steps < 50  # to look at all 15,000 would take thousands


def test_a_listing_holds_one_page_in_memory(connection):
    connection.execute("DELETE FROM object")
    for number in range(20_000):
        put(connection, f"{number:08}")
    token, seen = None, 0
    tracemalloc.start()
    try:
        while True:
            operation = ListObjects(bucket="bucket", page_token=token)
            page = listing.list_objects(connection, operation, 1000)
            seen += len(page.items)
            token = page.next_token
            if token is None:
                break
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 20_000
    assert peak < 3_000_000  # 1,000 entries take about 1 MB


@pytest.mark.parametrize("token", ["x", "bm8=", "!!", "aw==", "", "ÿ"])
async def test_a_foreign_token_is_refused(token):
    async with LocalCloud() as cloud:
        await cloud.storage.create_bucket("bucket")
        with pytest.raises(ValidationError):
            await cloud.storage.list_objects("bucket", page_token=token).to_list()


async def test_pages_of_buckets_and_uploads():
    async with LocalCloud() as cloud:
        storage = cloud.storage
        names = [f"bucket-{number}" for number in range(7)]
        for name in names:
            await storage.create_bucket(name)
        await storage.create_bucket("other")
        found = storage.list_buckets(prefix="bucket-", page_size=2)
        assert [[info.name for info in page.items] async for page in found.pages()] == [
            names[0:2],
            names[2:4],
            names[4:6],
            names[6:7],
        ]


async def test_the_listing_of_a_bucket_that_others_change_while_it_runs(tmp_path):
    async with LocalCloud(path=tmp_path / "cloud") as cloud:
        storage = cloud.storage
        await storage.create_bucket("bucket")
        for number in range(30):
            await storage.put_object("bucket", f"{number:02}", b"")
        seen = []
        async for entry in storage.list_objects("bucket", page_size=3):
            seen.append(entry.key)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(storage.delete_object, "bucket", entry.key)
                tasks.start_soon(storage.put_object, "bucket", f"{entry.key[0]}!", b"")
        assert seen == [f"{number:02}" for number in range(30)]
