"""What only NoSQL Database has: short keys, days to live, units, tables and rows of other programs."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from anyio.to_thread import run_sync
from cloudkit.api.kv import Key, Put, SortCondition, attr, sort
from cloudkit.common import (
    AlreadyExistsError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    RateLimitedError,
    SerializationError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.oracle import OracleCloud
from cloudkit.spi import NoRetry
from cloudkit.testing.waiting import eventually
from emulators.process import Server
from oci.nosql import models  # type: ignore[import-untyped]
from oracle.clouds import credentials_of, make_oracle
from oracle.conftest import COMPARTMENT

pytestmark = pytest.mark.anyio

START = "the-same-start-of-all-of-these/"
SORTS = sorted(
    {
        *(START[:length] for length in (1, 19, 20, 21, 30)),
        *(
            START + end
            for end in ("", "a", "b" * 900, "ä", "~", "!", " ", "\x00", "😀", "a!", "a~")
        ),
        *("the-same-start-of-al", "the-same-start-of-al~", "the-same-start-of-am", "z", "\uffff"),
        *("ä" * 6 + end for end in ("", "a", "b", "ö")),
    }
)
CONDITIONS: list[SortCondition | None] = [
    None,
    *(
        condition
        for value in (START[:20], START + "b", START + "ä", "ä" * 6 + "a")
        for condition in (
            sort == value,
            sort < value,
            sort <= value,
            sort > value,
            sort >= value,
            sort.begins_with(value),
            sort.between(START[:3], value),
        )
    ),
]


@pytest.fixture
async def cloud(oci_double: Server, config: dict[str, Any]) -> AsyncIterator[OracleCloud]:
    credentials = credentials_of(config)
    async with make_oracle(oci_double.url, credentials, retry=NoRetry()) as cloud:
        yield cloud


@pytest.fixture
async def make_table(cloud: OracleCloud) -> AsyncIterator[Callable[..., Any]]:
    """Makes tables, and deletes them after the test."""
    made: list[str] = []

    async def make(**options: Any) -> str:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name, **options)
        made.append(name)
        return name

    yield make
    for name in made:
        await cloud.kv.delete_table(name)


def stored(table: str) -> str:
    """The name that the service knows."""
    return table.replace("-", "_2d")


async def rows_of(cloud: OracleCloud, table: str) -> list[dict[str, Any]]:
    """The rows as the service has them."""
    details = models.QueryDetails(
        compartment_id=COMPARTMENT, statement=f"SELECT * FROM {stored(table)}"
    )
    answer = await run_sync(cloud.native.nosql.query, details)
    return list(answer.data.items)


async def put_row(cloud: OracleCloud, table: str, value: dict[str, Any]) -> None:
    """Write a row as another program would."""
    details = models.UpdateRowDetails(compartment_id=COMPARTMENT, value=value)
    await run_sync(cloud.native.nosql.update_row, table, details)


async def make_foreign(cloud: OracleCloud, name: str, columns: str) -> None:
    """A table as another program would make it; there when this returns."""
    details = models.CreateTableDetails(
        name=name,
        compartment_id=COMPARTMENT,
        ddl_statement=f"CREATE TABLE {name} {columns}",
        table_limits=models.TableLimits(
            max_read_units=10, max_write_units=10, max_storage_in_g_bs=1
        ),
    )
    nosql: Any = cloud.native.nosql
    work = (await run_sync(nosql.create_table, details)).headers["opc-work-request-id"]

    async def done() -> bool:
        return bool((await run_sync(nosql.get_work_request, work)).data.status == "SUCCEEDED")

    await eventually(done, 10)


async def test_long_sort_keys_come_in_order_whatever_is_asked_for(
    cloud: OracleCloud, make_table: Any
) -> None:
    table = await make_table(sort_key="at")
    for partition in ("p", "p" * 500):
        writes = [Put(key=Key(partition, each), document={"at": each}) for each in SORTS]
        assert all(result.value for result in await cloud.kv.batch_write(table, writes))
    for condition in CONDITIONS:
        expected = [each for each in SORTS if condition is None or condition.matches(each)]
        for descending in (False, True):
            found = cloud.kv.query(table, "p" * 500, sort=condition, descending=descending)
            wanted = expected[::-1] if descending else expected
            assert [item["at"] async for item in found] == wanted, condition
    for size in (1, 2, 5, len(SORTS)):
        for descending in (False, True):
            pager = cloud.kv.query(table, "p", page_size=size, descending=descending)
            pages = [page async for page in pager.pages()]
            assert all(len(page.items) <= size for page in pages)
            found_sorts = [item.key.sort for page in pages for item in page.items]
            assert found_sorts == (SORTS[::-1] if descending else SORTS)
    for row in await rows_of(cloud, table):
        assert len(row["pk"]) + len(row["at"]) <= 60
        assert (row["pk"] + row["at"]).isascii()


async def test_long_keys_are_found_changed_and_deleted(cloud: OracleCloud, make_table: Any) -> None:
    table = await make_table()
    long, other = "k" * 1000 + "a", "k" * 1000 + "b"
    await cloud.kv.put(table, long, {"n": 1}, if_absent=True)
    with pytest.raises(PreconditionFailedError):
        await cloud.kv.put(table, long, {"n": 2}, if_absent=True)
    assert await cloud.kv.get(table, other) is None
    await cloud.kv.delete(table, other)
    await cloud.kv.put(table, other, {"n": 2})
    item = await cloud.kv.update(table, long, increment={"n": 5})
    assert (item.key, item["n"]) == (Key(long), 6)
    assert {item.key.partition async for item in cloud.kv.scan(table)} == {long, other}
    await cloud.kv.delete(table, long)
    assert [item.key async for item in cloud.kv.scan(table)] == [Key(other)]


async def test_the_service_deletes_no_item_before_its_end(
    cloud: OracleCloud, make_table: Any
) -> None:
    table = await make_table()

    async def days_left() -> float:
        key = ["pk:a"]
        read = partial(cloud.native.nosql.get_row, compartment_id=COMPARTMENT)
        answer: Any = await run_sync(read, stored(table), key)
        return float((answer.data.time_of_expiration - datetime.now(UTC)) / timedelta(days=1))

    for seconds, low, high in ((1, 0.9, 2.1), (86400, 0.9, 2.1), (90_000, 1.9, 3.1)):
        await cloud.kv.put(table, "a", {}, expires_in=seconds)
        assert low <= await days_left() <= high
    await cloud.kv.put(table, "a", {})
    assert await days_left() > 300_000
    await cloud.kv.update(table, "a", expires_in=90_000)
    assert await days_left() <= 3.1
    await cloud.kv.update(table, "a", expires_in=None)
    assert await days_left() > 300_000


async def test_names_of_tables_come_back(cloud: OracleCloud) -> None:
    suffix = secrets.token_hex(4)
    for name in (f"a-b.c_d-{suffix}", f"a_2db_{suffix}", f"a-b_{suffix}", f"A_5F_-_{suffix}"):
        await cloud.kv.create_table(name)
        assert name in [info.name async for info in cloud.kv.list_tables()]
        assert (await cloud.kv.describe_table(name)).name == name
        with pytest.raises(AlreadyExistsError):
            await cloud.kv.create_table(name.upper() if "-" not in name else name)
        await cloud.kv.delete_table(name)
    for wrong in ("document", "Cloudkit", "a-b", "1a", "ä", "x" * 65):
        with pytest.raises(ValidationError):
            await cloud.kv.create_table("never-made", partition_key=wrong)
    with pytest.raises(ValidationError):
        await cloud.kv.create_table("never-made", partition_key="a", sort_key="A")


async def test_new_tables_have_the_units_of_the_configuration(
    oci_double: Server, config: dict[str, Any]
) -> None:
    name = f"ck-{secrets.token_hex(6)}"
    cases: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
        ({"nosql_read_units": 7, "nosql_storage_gb": 3}, (7, 50, 3, "PROVISIONED")),
        ({"nosql_on_demand": True}, (0, 0, 1, "ON_DEMAND")),
    ]
    for options, expected in cases:
        async with make_oracle(oci_double.url, credentials_of(config), **options) as cloud:
            await cloud.kv.create_table(name)
            read = partial(cloud.native.nosql.get_table, compartment_id=COMPARTMENT)
            described: Any = await run_sync(read, stored(name))
            limits = described.data.table_limits
            shown = (limits.max_read_units, limits.max_write_units, limits.max_storage_in_g_bs)
            assert (*shown, limits.capacity_mode) == expected
            await cloud.kv.delete_table(name)


async def test_units_that_are_used_up_are_a_limit_of_the_rate(
    oci_double: Server, config: dict[str, Any]
) -> None:
    credentials = credentials_of(config)
    async with make_oracle(
        oci_double.url, credentials, nosql_write_units=1, retry=NoRetry()
    ) as cloud:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        await cloud.kv.put(name, "a", {"text": "x" * 400_000})
        with pytest.raises(RateLimitedError) as caught:
            await cloud.kv.put(name, "a", {})
        assert caught.value.retryable
        assert caught.value.unprocessed
        await cloud.kv.delete_table(name)


async def test_an_item_that_becomes_too_large_as_json_is_refused(
    cloud: OracleCloud, make_table: Any
) -> None:
    table = await make_table()
    with pytest.raises(PayloadTooLargeError, match="524,288"):
        await cloud.kv.put(table, "a", {"bytes": b"x" * 500_000})
    await cloud.kv.put(table, "a", {"text": "x" * 519_000})


async def test_transactions_are_refused_with_the_reason(cloud: OracleCloud) -> None:
    with pytest.raises(UnsupportedOperationError, match="one row in a request"):
        await cloud.kv.transact("never-made", [Put(key="a", document={})])


async def test_a_table_of_others_is_listed_and_its_rows_are_left_alone(cloud: OracleCloud) -> None:
    name = f"foreign_{secrets.token_hex(4)}"
    for columns in (
        "(id INTEGER, document JSON, cloudkit JSON, PRIMARY KEY(id))",
        "(pk STRING, note STRING, PRIMARY KEY(pk))",
        "(a STRING, b STRING, document JSON, cloudkit JSON, PRIMARY KEY(SHARD(a, b)))",
    ):
        await cloud.native.prepare()
        await make_foreign(cloud, name, columns)
        assert name in [info.name async for info in cloud.kv.list_tables()]
        for call in (cloud.kv.get(name, "a"), cloud.kv.put(name, "a", {})):
            with pytest.raises(ValidationError, match="none of CloudKit's"):
                await call
        await cloud.kv.delete_table(name)


async def test_rows_of_others_are_items_too(cloud: OracleCloud, make_table: Any) -> None:
    table = await make_table()
    await put_row(cloud, stored(table), {"pk": "a", "document": {"n": 1, "text": "x"}})
    item = await cloud.kv.get(table, "a")
    assert item is not None
    assert item.document == {"n": 1, "text": "x"}
    await put_row(cloud, stored(table), {"pk": "a", "document": {"n": 2}})
    with pytest.raises(PreconditionFailedError):
        await cloud.kv.put(table, "a", {}, if_version=item.version)
    changed = await cloud.kv.update(table, "a", increment={"n": 1})
    assert changed["n"] == 3
    await put_row(cloud, stored(table), {"pk": "~~no-key-of-cloudkit", "document": {}})
    with pytest.raises(SerializationError, match="no-key-of-cloudkit"):
        await cloud.kv.scan(table).to_list()


async def test_a_table_that_others_made_anew_or_deleted_is_looked_at_again(
    cloud: OracleCloud, oci_double: Server, config: dict[str, Any]
) -> None:
    name = f"ck-{secrets.token_hex(6)}"
    await cloud.kv.create_table(name)
    await cloud.kv.put(name, "a", {"n": 1})
    async with make_oracle(oci_double.url, credentials_of(config)) as other:
        await other.kv.delete_table(name)
        await other.kv.create_table(name, partition_key="owner", sort_key="at")
        assert await cloud.kv.get(name, ("a", "b")) is None
        await cloud.kv.put(name, ("a", "b"), {"n": 2})
        await other.kv.delete_table(name)
        await other.kv.create_table(name)
        assert await cloud.kv.query(name, "a").to_list() == []
        await cloud.kv.put(name, "a", {"n": 3})
        await other.kv.delete_table(name)
    with pytest.raises(NotFoundError, match=name):
        await cloud.kv.put(name, "a", {"n": 4})


async def test_a_scan_goes_on_with_the_same_filter_only(
    cloud: OracleCloud, make_table: Any
) -> None:
    table = await make_table()
    documents: dict[str, dict[str, Any]] = {
        "text": {"v": {"w": "x"}, "n": 1},
        "other": {"v": {"w": "y"}, "n": 1},
        "list": {"v": {"w": ["x", "y"]}, "n": 1},
        "inside": {"v": [{"w": "x"}], "n": 1},
        "case": {"v": {"W": "x"}, "n": 1},
        "number": {"v": {"w": 1}, "n": 1},
        "missing": {"n": 1},
    }
    writes = [Put(key=key, document=document) for key, document in documents.items()]
    assert all(result.value for result in await cloud.kv.batch_write(table, writes))
    wanted = (attr("v.w") == "x") & (attr("n") == 1)
    assert [item.key.partition async for item in cloud.kv.scan(table, filter=wanted)] == ["text"]
    pages = [page async for page in cloud.kv.scan(table, filter=wanted, page_size=1).pages()]
    assert [item.key.partition for page in pages for item in page.items] == ["text"]
    first = await anext(cloud.kv.scan(table, page_size=1).pages())
    with pytest.raises(ValidationError, match="page_token"):
        await cloud.kv.scan(table, filter=wanted, page_token=first.next_token).to_list()
