"""Values and items in the form of the service, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cloudkit.api.kv import Key, TableInfo, Value
from cloudkit.common import PayloadTooLargeError, ValidationError, utc_now
from cloudkit.gcp.firestore.items import ItemCodec, Version, version_text
from cloudkit.gcp.firestore.keys import Schema
from cloudkit.gcp.firestore.values import (
    decode,
    encode,
    levels,
    longest_path,
    own_name,
    stored_name,
    stored_size,
)
from cloudkit.testing.kv.exactness import assert_same
from hypothesis import given
from hypothesis import strategies as st

from .stored import MESSAGE, NAMES, VALUES, document

CODEC = ItemCodec(Schema(TableInfo(name="t", sort_key="sk")))
KEY = Key("p", "s")
MIB = 1024 * 1024


def back(value: Value) -> Value:
    """A value as it comes back from the service."""
    return decode(MESSAGE(fields={"v": encode(value)}).fields["v"])


@given(value=VALUES)
def test_values_come_back_the_same(value: Value) -> None:
    assert_same(back(value), value)


@given(name=NAMES)
def test_names_come_back_and_none_is_reserved(name: str) -> None:
    stored = stored_name(name)
    assert own_name(stored) == name
    assert not (stored.startswith("__") and stored.endswith("__") and len(stored) >= 4)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("1.10"), {"map_value": {"fields": {"$decimal": {"string_value": "1.1"}}}}),
        (datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
         {"timestamp_value": {"seconds": -1, "nanos": 999999000}}),
        ([[1]], {"array_value": {"values": [{"map_value": {"fields": {
            "$list": {"array_value": {"values": [{"integer_value": 1}]}}}}}]}}),
        ({"__a__": True}, {"map_value": {"fields": {"$__a__": {"boolean_value": True}}}}),
        (None, {"null_value": 0}),
    ],
)  # fmt: skip
def test_values_are_stored_like_this(value: Value, stored: Any) -> None:
    assert encode(value) == stored


def test_what_other_programs_write_is_read() -> None:
    geo = {"geo_point_value": {"latitude": 1.5, "longitude": -2.0}}
    text = {"map_value": {"fields": {"$decimal": {"string_value": "no number"}}}}
    number = {"map_value": {"fields": {"$decimal": {"integer_value": 1}}}}
    fields = {"geo": geo, "text": text, "number": number, "ref": {"reference_value": "a/b"},
              "nan": {"double_value": float("nan")}, "$x": {"string_value": "kept"}}  # fmt: skip
    item = CODEC.decode(document("t/p|s", fields))
    assert item["geo"] == {"latitude": 1.5, "longitude": -2.0}
    assert (item["text"], item["number"]) == ({"$decimal": "no number"}, {"$decimal": 1})
    assert (item["ref"], item["$x"]) == ("a/b", "kept")
    assert item["nan"] != item["nan"]
    assert (item.expires_at, item.version) == (None, "1.000002000")


def test_an_item_comes_back_with_its_end() -> None:
    end = utc_now() + timedelta(hours=1)
    fields = CODEC.encode(KEY, {"n": 1}, end)
    item = CODEC.decode(document("t/p|s", fields))
    assert (item.key, item.document, item.expires_at) == (KEY, {"n": 1}, end)
    version = Version.parse(item.version)
    assert version is not None
    assert (version.seconds, version.nanos, version.expires_at) == (1, 2000, end)
    assert not version.expired


def test_no_two_writes_are_the_same() -> None:
    assert CODEC.encode(KEY, {}, None) != CODEC.encode(KEY, {}, None)


@given(
    moment=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    seconds=st.integers(0, 10**11),
)
def test_versions_say_when_an_item_ends(moment: datetime | None, seconds: int) -> None:
    stamp = document("t/a", {}, seconds, 5000).update_time
    version = Version.parse(version_text(stamp, moment))
    assert version == Version(seconds, 5000, moment)


@pytest.mark.parametrize(
    "text", ["stale", "", "1", "1.5", "1.000000001~", "1.000000001~9" + "9" * 17]
)
def test_what_is_no_version_is_none(text: str) -> None:
    assert Version.parse(text) is None


def test_sizes_are_those_of_the_documentation() -> None:
    # The example at https://cloud.google.com/firestore/docs/storage-size
    task = {
        "type": encode("Personal"),
        "done": encode(False),
        "priority": encode(1),
        "description": encode("Learn Cloud Firestore"),
    }
    sizes = [len(name) + 1 + stored_size(value) for name, value in task.items()]
    assert sizes == [14, 6, 17, 34]


def test_levels_are_counted_with_what_tags_add() -> None:
    assert [levels(encode(v)) for v in (1, [], [1], [[1]], Decimal(1), {"a": [{}]})] == [
        *(0, 1, 1, 3, 1, 3)
    ]


def test_paths_are_counted_with_their_dots() -> None:
    assert longest_path("ab", encode({"cde": [{"ä": 1}], "x": 1})) == 2 + 1 + 3 + 1 + 2


@pytest.mark.parametrize(
    "value", [[[[[[[[[[[[1]]]]]]]]]]], {"x" * 1499: 1}], ids=["nested lists", "a long name"]
)
def test_what_the_service_does_not_take_is_refused_here(value: Value) -> None:
    with pytest.raises(ValidationError):
        CODEC.encode(KEY, {"v": value}, None)


def test_an_item_of_the_largest_size_is_taken() -> None:
    fits = CODEC.encode(KEY, {"a": "x" * 500_000, "b": "x" * (MIB - 500_000 - 4096)}, None)
    assert fits
    with pytest.raises(PayloadTooLargeError, match="1,048,576"):
        CODEC.encode(KEY, {"a": "x" * 500_000, "b": "x" * (MIB - 500_000)}, None)
