"""Items as rows, their ends, and schemas of tables."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.api.kv import Key, TableInfo
from cloudkit.common import (
    ConfigurationError,
    IntegrityError,
    PayloadTooLargeError,
    SerializationError,
    ValidationError,
    utc_now,
)
from cloudkit.oracle.config import OracleConfig
from cloudkit.oracle.nosql.items import ENDLESS_DAYS, ItemCodec, days_until
from cloudkit.oracle.nosql.schema import Schema
from cloudkit.oracle.nosql.session import Found
from cloudkit.oracle.nosql.tables import limits_of

CODEC = ItemCodec(Schema(TableInfo(name="t", sort_key="sk")))
LONG = "x" * 100


def table_of(columns: dict[str, str], primary: list[str], shard: list[str] | None = None) -> Any:
    """A description as the SDK gives it."""
    described = [SimpleNamespace(name=name, type=kind) for name, kind in columns.items()]
    schema = SimpleNamespace(columns=described, primary_key=primary, shard_key=shard)
    return SimpleNamespace(name="t_2da", schema=schema)


@pytest.mark.parametrize("key", [Key("a", "b"), Key(LONG, "b"), Key("a", LONG), Key("ä/!~", " ")])
def test_an_item_comes_back_from_its_row(key: Key) -> None:
    end = utc_now() + timedelta(hours=1)
    row, version = CODEC.encode(key, {"n": 1, "cloudkit": b"x", "pk": None}, end)
    item = CODEC.decode(row)
    assert (item.key, item.version, item.expires_at) == (key, version, end)
    assert item.document == {"n": 1, "cloudkit": b"x", "pk": None}
    assert ("key" in row["cloudkit"]) == (LONG in {key.partition, key.sort})


def test_no_two_writings_have_the_same_version() -> None:
    versions = {CODEC.encode(Key("a", "b"), {}, None)[1] for _ in range(100)}
    assert len(versions) == 100


def test_a_row_of_another_key_with_the_same_digest_is_an_error() -> None:
    row, _ = CODEC.encode(Key("a", LONG), {}, None)
    with pytest.raises(IntegrityError, match="same digest"):
        CODEC.image(Found(row, "etag"), Key("a", f"{LONG}x"))


def test_an_expired_item_is_none_but_its_row_is_there() -> None:
    row, _ = CODEC.encode(Key("a", "b"), {}, utc_now() - timedelta(seconds=1))
    image = CODEC.image(Found(row, "etag"), Key("a", "b"))
    assert (image.etag, image.item) == ("etag", None)


def test_what_is_too_large_as_json_is_refused() -> None:
    with pytest.raises(PayloadTooLargeError, match="524,288"):
        CODEC.encode(Key("a", "b"), {"bytes": bytes(400_000)}, None)


@pytest.mark.parametrize("row", [{"document": [1]}, {"document": {}, "cloudkit": "x"}])
def test_a_row_without_a_document_is_no_item(row: dict[str, Any]) -> None:
    with pytest.raises(SerializationError):
        CODEC.decode({"pk": "a", "sk": "b", **row})


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(None, ENDLESS_DAYS), (-5, 1), (0.5, 1), (86_000, 1), (86_500, 2), (864_100, 11)],
)
def test_days_to_live_are_never_too_few(seconds: float | None, days: int) -> None:
    end = None if seconds is None else utc_now() + timedelta(seconds=seconds)
    assert days_until(end) == days


def test_tables_of_other_programs_are_told_apart() -> None:
    ours = {"a": "STRING", "b": "string", "document": "JSON", "cloudkit": "JSON"}
    schema = Schema.of(table_of(ours, ["a", "b"], ["a"]))
    assert schema == Schema(TableInfo(name="t-a", partition_key="a", sort_key="b"))
    assert Schema.of(table_of(ours, ["a"])).missing is None
    for columns, primary, shard in (
        ({**ours, "a": "INTEGER"}, ["a"], ["a"]),
        ({**ours, "c": "STRING"}, ["a", "b", "c"], ["a"]),
        (ours, ["a", "b"], ["a", "b"]),
        ({**ours, "document": "STRING"}, ["a"], ["a"]),
        ({"a": "STRING", "document": "JSON"}, ["a"], ["a"]),
    ):
        with pytest.raises(ValidationError, match="none of CloudKit's"):
            Schema.of(table_of(columns, primary, shard)).check_usable()


def test_what_makes_a_table() -> None:
    assert CODEC.schema.statement == (
        "CREATE TABLE t (pk STRING, sk STRING, document JSON, cloudkit JSON, "
        "PRIMARY KEY(SHARD(pk), sk))"
    )
    assert limits_of(OracleConfig.load({"nosql_read_units": 9}, {})) == {
        "max_read_units": 9,
        "max_write_units": 50,
        "max_storage_in_g_bs": 1,
        "capacity_mode": "PROVISIONED",
    }
    on_demand = limits_of(OracleConfig.load({"nosql_on_demand": True}, {}))
    assert on_demand == {"max_storage_in_g_bs": 1, "capacity_mode": "ON_DEMAND"}
    for wrong in ({"nosql_read_units": 0}, {"nosql_on_demand": 7}):
        with pytest.raises(ConfigurationError):
            OracleConfig.load(wrong, {})
