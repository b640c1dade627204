"""What the conformance suite cannot see of the local KeyValueStore: its clock, its rows, its files."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest
from cloudkit.api.kv import (
    Check,
    Delete,
    Key,
    KeyValueStore,
    Put,
    SortCondition,
    Update,
    attr,
    sort,
)
from cloudkit.common import (
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    ProviderError,
    ValidationError,
)
from cloudkit.local import LocalCloud
from cloudkit.local.kv import LocalKeyValueStore
from cloudkit.local.kv.pages import Range
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory"])
async def cloud(request, tmp_path):
    options = {"path": tmp_path / "cloud"} if request.param == "file" else {}
    async with LocalCloud(**options) as cloud:
        yield cloud


@pytest.fixture
async def kv(cloud, clock):
    store = LocalKeyValueStore(cloud._runner, cloud.capabilities.kv, cloud.native.data, clock)
    await store.create_table("flat")
    await store.create_table("t", sort_key="sk")
    return store


async def stored_rows(cloud) -> int:
    def count(connection) -> int:
        return connection.execute("SELECT count(*) FROM kv_item").fetchone()[0]

    return await cloud.native.data.read(count)


# Time


async def test_expired_items_are_gone_for_every_call(kv: KeyValueStore, clock):
    await kv.put("t", ("p", "old"), {"n": 1}, expires_in=10)
    await kv.put("t", ("p", "new"), {"n": 2}, expires_in=20)
    item = await kv.get("t", ("p", "old"))
    assert item is not None
    assert item.expires_at == datetime.fromtimestamp(1_000_010, UTC)
    clock.now += 9.999
    assert await kv.exists("t", ("p", "old"))
    clock.now += 0.001
    assert await kv.get("t", ("p", "old")) is None
    assert [item["n"] async for item in kv.query("t", "p")] == [2]
    assert [item["n"] async for item in kv.query("t", "p", descending=True, page_size=1)] == [2]
    assert [item["n"] async for item in kv.scan("t")] == [2]
    results = await kv.batch_get("t", [("p", "old"), ("p", "new")])
    assert [result.value is None for result in results] == [True, False]


async def test_writes_do_not_see_expired_items(kv: KeyValueStore, clock):
    version = await kv.put("flat", "k", {"n": 1}, expires_in=1)
    clock.now += 1
    with pytest.raises(NotFoundError):
        await kv.update("flat", "k", set={"n": 2})
    with pytest.raises(NotFoundError):
        await kv.delete("flat", "k", missing_ok=False)
    with pytest.raises(PreconditionFailedError):
        await kv.put("flat", "k", {}, if_version=version)
    with pytest.raises(PreconditionFailedError):
        await kv.put("flat", "k", {}, condition=attr("n") == 1)
    with pytest.raises(PreconditionFailedError):
        await kv.transact("flat", [Check(key="k", exists=True)])
    await kv.transact("flat", [Check(key="k", exists=False)])
    await kv.put("flat", "k", {"n": 3}, if_absent=True)
    clock.now += 1000
    assert await kv.exists("flat", "k")


async def test_update_keeps_renews_and_clears_the_expiry(kv: KeyValueStore, clock):
    await kv.put("flat", "k", {"n": 1}, expires_in=10)
    first = (await kv.update("flat", "k", increment={"n": 1})).expires_at
    clock.now += 5
    renewed = (await kv.update("flat", "k", expires_in=10)).expires_at
    assert first == datetime.fromtimestamp(1_000_010, UTC)
    assert renewed == datetime.fromtimestamp(1_000_015, UTC)
    cleared = await kv.update("flat", "k", expires_in=None)
    assert cleared.expires_at is None
    assert cleared.document == {"n": 2}


async def test_later_writes_sweep_what_has_expired(cloud, kv: KeyValueStore, clock):
    await kv.batch_write(
        "flat", [Put(key=f"old{n}", document={}, expires_in=1) for n in range(200)]
    )
    await kv.put("flat", "stays", {}, expires_in=1000)
    clock.now += 2
    assert await stored_rows(cloud) == 201
    for _ in range(128):
        await kv.put("flat", "other", {})
    assert await stored_rows(cloud) == 2


async def test_sweeping_keeps_up_with_writes_that_expire(cloud, kv: KeyValueStore, clock):
    for n in range(300):
        await kv.put("flat", f"k{n}", {}, expires_in=1)
        clock.now += 1
    assert await stored_rows(cloud) < 100


async def test_sweeping_keeps_up_with_batches_that_expire(cloud, kv: KeyValueStore, clock):
    for n in range(60):
        writes = [Put(key=f"{n} {m}", document={}, expires_in=1) for m in range(25)]
        await kv.batch_write("flat", writes)
        await kv.transact(
            "flat", [Put(key=f"{n} t{m}", document={}, expires_in=1) for m in range(25)]
        )
        clock.now += 1
    assert await stored_rows(cloud) < 300


async def test_clients_that_write_little_sweep_as_well(cloud, kv: KeyValueStore, clock):
    await kv.put("flat", "old", {}, expires_in=1)
    clock.now += 2
    store = LocalKeyValueStore(cloud._runner, cloud.capabilities.kv, cloud.native.data, clock)
    await store.put("flat", "new", {})
    assert await stored_rows(cloud) == 1


# Versions


async def test_no_version_ever_comes_back(kv: KeyValueStore):
    versions = set()
    for _ in range(5):
        versions.add(await kv.put("flat", "k", {"same": 1}, if_absent=True))
        versions.add((await kv.update("flat", "k", set={"same": 1})).version)
        await kv.delete("flat", "k")
    await kv.delete_table("flat")
    await kv.create_table("flat")
    versions.add(await kv.put("flat", "k", {"same": 1}))
    assert len(versions) == 11


# Tables


async def test_table_that_is_missing_is_named(kv: KeyValueStore):
    calls = [
        lambda: kv.get("gone", "k"),
        lambda: kv.put("gone", "k", {}),
        lambda: kv.delete("gone", "k"),
        lambda: kv.update("gone", "k", set={"a": 1}),
        lambda: kv.query("gone", "p").to_list(),
        lambda: kv.scan("gone").to_list(),
        lambda: kv.transact("gone", [Delete(key="k")]),
        lambda: kv.transact("flat", [Delete(key="k"), Delete(key="k", table="gone")]),
        lambda: kv.describe_table("gone"),
        lambda: kv.delete_table("gone"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError, match="no table 'gone'"):
            await call()
    for result in [
        *await kv.batch_get("gone", ["k"]),
        *await kv.batch_write("gone", [Delete(key="k")]),
    ]:
        assert isinstance(result.error, NotFoundError)


async def test_deleted_table_leaves_nothing(cloud, kv: KeyValueStore):
    writes = [Put(key=("p", f"{n}"), document={}) for n in range(2100)]
    for result in await kv.batch_write("t", writes):
        assert result.ok
    await kv.put("flat", "stays", {})
    await kv.delete_table("t")
    assert await stored_rows(cloud) == 1
    await kv.create_table("t")
    assert await kv.scan("t").to_list() == []


async def test_half_deleted_table_is_never_seen_again(cloud, kv: KeyValueStore):
    # As it is when the process is killed in the middle of delete_table.
    from cloudkit.local.kv.tables import drop_table

    await kv.batch_write("flat", [Put(key=f"{n}", document={}) for n in range(50)])
    await cloud.native.data.write(lambda connection: drop_table(connection, "flat"))
    await kv.create_table("flat")
    assert await kv.scan("flat").to_list() == []
    assert await stored_rows(cloud) == 50
    for _ in range(64):
        await kv.put("flat", "k", {})
    assert await stored_rows(cloud) == 1


async def test_key_must_fit_the_table(kv: KeyValueStore):
    with pytest.raises(ValidationError, match="has no sort key"):
        await kv.get("flat", ("p", "s"))
    with pytest.raises(ValidationError, match="sort key"):
        await kv.put("t", "p", {})
    with pytest.raises(ValidationError, match="no sort key to select by"):
        await kv.query("flat", "p", sort=sort == "a").to_list()
    results = await kv.batch_write(
        "t", [Put(key="p", document={}), Put(key=("p", "s"), document={})]
    )
    assert [result.ok for result in results] == [False, True]
    results = await kv.batch_get("t", ["p", ("p", "s")])
    assert [result.ok for result in results] == [False, True]


async def test_tables_are_listed_in_pages(kv: KeyValueStore):
    for n in range(5):
        await kv.create_table(f"x{n}")
    pages = [page async for page in kv.list_tables(page_size=3).pages()]
    names = [[table.name for table in page.items] for page in pages]
    assert names == [["flat", "t", "x0"], ["x1", "x2", "x3"], ["x4"]]
    rest = kv.list_tables(page_token=pages[0].next_token)
    assert [table.name async for table in rest] == ["x1", "x2", "x3", "x4"]


# Pages


async def put_many(kv: KeyValueStore, count: int) -> None:
    writes = [Put(key=("p", f"{n:03}"), document={"n": n}) for n in range(count)]
    for result in await kv.batch_write("t", writes):
        assert result.ok


async def test_filtered_pages_count_what_was_looked_at(kv: KeyValueStore):
    await put_many(kv, 10)
    pager = kv.query("t", "p", filter=attr("n") >= 7, page_size=3)
    pages = [[item["n"] for item in page.items] async for page in pager.pages()]
    assert pages == [[], [], [7, 8], [9]]
    scanned = kv.scan("t", filter=attr("n") < 2, page_size=5)
    assert [[item["n"] for item in page.items] async for page in scanned.pages()] == [[0, 1], []]


async def test_page_that_ends_with_the_last_item_has_no_token(kv: KeyValueStore):
    await put_many(kv, 6)
    pages = [page async for page in kv.query("t", "p", page_size=3).pages()]
    assert [len(page.items) for page in pages] == [3, 3]
    assert pages[-1].next_token is None


async def test_tokens_survive_inserts_and_deletes(kv: KeyValueStore):
    await put_many(kv, 9)
    pages = [page async for page in kv.query("t", "p", page_size=3, descending=True).pages()]
    scan = await anext(kv.scan("t", page_size=3).pages())
    for sort_key in ("002", "006", "008"):
        await kv.delete("t", ("p", sort_key))
    await kv.put("t", ("p", "0065"), {"n": 6.5})
    await kv.put("t", ("a", "a"), {"n": -1})
    token = pages[0].next_token
    rest = kv.query("t", "p", descending=True, page_token=token)
    assert [item["n"] async for item in rest] == [5, 4, 3, 1, 0]
    rest = kv.scan("t", page_token=scan.next_token)
    assert [item["n"] async for item in rest] == [3, 4, 5, 6.5, 7]


async def test_foreign_tokens_are_refused(kv: KeyValueStore):
    await put_many(kv, 5)
    token = (await anext(kv.query("t", "p", page_size=2).pages())).next_token
    assert token is not None
    for bad in ("", "x", "AAAAAA", "ä", "===", token[:-2], token + "AA", token.swapcase()):
        with pytest.raises(ValidationError, match="page_token"):
            await kv.query("t", "p", page_token=bad).to_list()
        with pytest.raises(ValidationError, match="page_token"):
            await kv.scan("t", page_token=bad).to_list()
        with pytest.raises(ValidationError, match="page_token"):
            await kv.list_tables(page_token=bad).to_list()
    for pager in (
        kv.query("t", "other", page_token=token),
        kv.query("t", "p", page_token=token, descending=True),
        kv.query("flat", "p", page_token=token),
        kv.scan("t", page_token=token),
        kv.list_tables(page_token=token),
    ):
        with pytest.raises(ValidationError, match="page_token"):
            await pager.to_list()


async def test_page_ends_before_it_fills_the_memory(kv: KeyValueStore):
    writes = [Put(key=("p", f"{n:03}"), document={"text": "x" * 400_000}) for n in range(25)]
    for result in await kv.batch_write("t", writes):
        assert result.ok
    pages = [page async for page in kv.query("t", "p").pages()]
    assert [len(page.items) for page in pages] == [11, 11, 3]
    assert [item.key.sort for page in pages for item in page.items] == [
        f"{n:03}" for n in range(25)
    ]


async def test_scan_goes_through_partitions_in_order(kv: KeyValueStore):
    keys = [Key(p, s) for p in ("a", "a\x00", "ab", "é", "\U0001f600") for s in ("1", "10", "2")]
    for result in await kv.batch_write("t", [Put(key=key, document={}) for key in reversed(keys)]):
        assert result.ok
    assert [item.key async for item in kv.scan("t", page_size=2)] == keys


async def test_limit_reads_no_more_than_it_needs(kv: KeyValueStore):
    await put_many(kv, 9)
    pages = [page async for page in kv.query("t", "p", limit=4).pages()]
    assert [len(page.items) for page in pages] == [4]
    rest = kv.query("t", "p", page_token=pages[0].next_token)
    assert [item["n"] async for item in rest] == [4, 5, 6, 7, 8]


KEYS = st.text("ab\x00\x7fé\U0010ffff", min_size=1, max_size=3)


@given(
    key=KEYS,
    value=KEYS,
    other=KEYS,
    operator=st.sampled_from(["=", "<", "<=", ">", ">=", "between", "begins_with", None]),
    after=KEYS,
    descending=st.booleans(),
)
async def test_ranges_say_what_sort_conditions_say(key, value, other, operator, after, descending):
    low, high = sorted([value, other])
    condition = None
    if operator is not None:
        condition = SortCondition(operator, low, high if operator == "between" else None)
    span = Range.of(condition)
    matches = condition is None or condition.matches(key)
    assert (span.low <= key.encode() < span.high) == matches
    rest = span.after(after.encode(), descending=descending)
    follows = key < after if descending else key > after
    assert (rest.low <= key.encode() < rest.high) == (matches and follows)


# Transactions and limits


async def test_failed_transaction_names_the_write_and_changes_nothing(kv: KeyValueStore):
    await kv.put("flat", "a", {"n": 1})
    before = await kv.get("flat", "a")
    good = [
        Put(key="new", document={}),
        Update(key="a", increment={"n": 1}),
        Put(key=("p", "s"), table="t", document={}),
    ]
    failures = [
        (Check(key="b", exists=True), PreconditionFailedError),
        (Put(key="b", document={}, if_version="1"), PreconditionFailedError),
        (Delete(key="b", missing_ok=False), NotFoundError),
        (Update(key="b", remove=["x"]), NotFoundError),
        (Delete(key=("b", "s")), ValidationError),
    ]
    for bad, kind in failures:
        with pytest.raises(kind, match=r"write 3 of the transaction, \w+ of flat/b"):
            await kv.transact("flat", [*good, bad])
        assert await kv.get("flat", "a") == before
        assert not await kv.exists("flat", "new")
        assert await kv.scan("t").to_list() == []


async def test_transaction_gives_versions_in_order(kv: KeyValueStore):
    await kv.put("flat", "a", {"n": 1})
    await kv.put("flat", "d", {})
    made, changed, deleted, checked = await kv.transact(
        "flat",
        [
            Put(key=("p", "s"), table="t", document={"x": 1}),
            Update(key="a", increment={"n": 1}, condition=attr("n") == 1),
            Delete(key="d"),
            Check(key="e", exists=False),
        ],
    )
    first, second = await kv.get("t", ("p", "s")), await kv.get("flat", "a")
    assert first is not None
    assert second is not None
    assert (first.version, second.version, deleted, checked) == (made, changed, None, None)
    assert second.document == {"n": 2}
    assert not await kv.exists("flat", "d")


async def test_transaction_needs_no_default_table(kv: KeyValueStore):
    await kv.transact("unused", [Put(key="a", table="flat", document={})])
    assert await kv.exists("flat", "a")


async def test_update_cannot_grow_an_item_beyond_the_limits(kv: KeyValueStore):
    await kv.put("flat", "k", {"a": "x" * 300_000})
    with pytest.raises(PayloadTooLargeError):
        await kv.update("flat", "k", set={"b": "x" * 300_000})
    nested: dict = {"x": {}}
    for _ in range(18):
        nested = {"x": nested}
    await kv.put("flat", "k", nested)
    with pytest.raises(ValidationError, match="nested deeper"):
        await kv.update("flat", "k", set={tuple("x" * 20): {}})
    item = await kv.get("flat", "k")
    assert item is not None
    assert item.document == nested


async def test_failed_write_among_others_undoes_only_itself(kv: KeyValueStore):
    await kv.put("flat", "k", {"n": 0})
    failures = []

    async def increment(n: int) -> None:
        try:
            condition = attr("n") < 0 if n % 3 == 0 else None
            await kv.update("flat", "k", increment={"n": 1}, condition=condition)
        except PreconditionFailedError as error:
            failures.append(error)

    async with anyio.create_task_group() as tasks:
        for n in range(90):
            tasks.start_soon(increment, n)
    item = await kv.get("flat", "k")
    assert item is not None
    assert (item["n"], len(failures)) == (60, 30)


# Files


async def test_documents_are_there_after_reopening(tmp_path):
    async with LocalCloud(path=tmp_path) as cloud:
        await cloud.kv.create_table("flat", partition_key="id")
        version = await cloud.kv.put("flat", "k", {"n": 1.0})
    async with LocalCloud(path=tmp_path) as cloud:
        item = await cloud.kv.get("flat", "k")
        assert item is not None
        assert (item.document, item.version) == ({"n": 1.0}, version)
        assert type(item["n"]) is float
        assert (await cloud.kv.describe_table("flat")).partition_key == "id"


async def test_two_clouds_share_a_folder(tmp_path):
    async with LocalCloud(path=tmp_path) as one, LocalCloud(path=tmp_path) as two:
        await one.kv.create_table("flat")
        await two.kv.put("flat", "k", {"n": 0})

        async def work(kv: KeyValueStore) -> None:
            for _ in range(50):
                await kv.update("flat", "k", increment={"n": 1})

        async with anyio.create_task_group() as tasks:
            for cloud in (one, two):
                tasks.start_soon(work, cloud.kv)
                tasks.start_soon(work, cloud.kv)
        assert (await one.kv.batch_get("flat", ["k"]))[0].value["n"] == 200  # type: ignore[index]


async def test_clouds_in_memory_share_nothing():
    async with LocalCloud() as one, LocalCloud() as two:
        await one.kv.create_table("flat")
        assert not await two.kv.table_exists("flat")


async def test_damaged_database_is_an_error(tmp_path):
    async with LocalCloud(path=tmp_path) as cloud:
        await cloud.kv.create_table("flat")
        path = cloud.native.data.path
    assert path is not None
    path.write_bytes(b"no database" * 1000)
    async with LocalCloud(path=tmp_path) as cloud:
        with pytest.raises(ProviderError, match="damaged"):
            await cloud.kv.get("flat", "k")
