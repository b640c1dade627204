"""Values come back equal and of the same type, or are refused before they are sent."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from cloudkit.api.kv import (
    decode_document,
    decode_value,
    encode_document,
    encode_value,
)
from cloudkit.api.kv.values import (
    MAX_LEVELS,
    Extent,
    checked_document,
    checked_value,
    equal,
    kind_of,
    significant_digits,
)
from cloudkit.common import SerializationError, ValidationError
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.one_of(
    st.sampled_from(["$int", "$map", "$decimal", "$", "a.b", "x"]), TEXT.filter(bool)
).filter(lambda name: not name.startswith("_cloudkit"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**37), max_value=10**37),
    TEXT,
    st.binary(max_size=12),
    st.datetimes(
        min_value=datetime(1, 1, 3),  # noqa: DTZ001  (the zone is drawn)
        max_value=datetime(9999, 12, 29),  # noqa: DTZ001
        timezones=st.timezones(),
        # Python calls a time that the clock shows twice equal to no time of another zone.
    ).filter(lambda moment: moment == moment.astimezone(UTC)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


def same(left, right):
    """Equal, and of the same type all the way down; 0.0 is not -0.0, and 1.0 is not 1.00."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    if isinstance(left, Decimal):
        return left.as_tuple() == right.as_tuple()
    return left == right


@given(VALUES)
def test_value_round_trips_through_json(value):
    checked = checked_value(value, "value")
    assert equal(checked, value)
    assert same(decode_value(json.loads(json.dumps(encode_value(checked)))), checked)


@given(DOCUMENTS)
def test_document_round_trips_through_json(document):
    checked = checked_document(document)
    text = json.dumps(encode_document(checked), ensure_ascii=False)
    assert same(decode_document(json.loads(text)), checked)


@given(DOCUMENTS)
def test_document_without_a_marked_name_is_plain_json(document):
    # What cloudkit-local relies on when it does not look for marked values at all.
    encoded = encode_document(checked_document(document))
    if '"$' not in json.dumps(encoded, ensure_ascii=False):
        assert same(decode_document(encoded), encoded)


@pytest.mark.parametrize(
    "value",
    [
        0,
        True,
        False,
        None,
        "",
        b"",
        [],
        {},
        2**53,
        2**53 + 1,
        -(2**53) - 1,
        2**63 - 1,
        -(2**63),
        0.0,
        -0.0,
        1.0,
        0.1,
        5e-324,
        1.7976931348623157e308,
        Decimal("1.10"),
        Decimal("-0"),
        Decimal("1E+5"),
        Decimal("0E-7"),
        "\0",
        "\U0001f600",
        bytes(range(256)),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
        {"$int": "5"},
        {"$map": {"$map": 1}},
        {"$": None},
        {"$int": "1", "other": 2},
    ],
    ids=repr,
)
def test_round_trip_at_the_edges(value):
    assert same(decode_value(json.loads(json.dumps(encode_value(value)))), value)


def test_deep_copy_keeps_later_changes_out():
    document = {"list": [1, {"inner": [2]}]}
    checked = checked_document(document)
    document["list"][1]["inner"].append(3)
    assert checked == {"list": [1, {"inner": [2]}]}


def test_datetimes_come_back_in_utc():
    moment = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    checked = checked_value(moment, "at")
    assert checked == moment
    assert checked.tzinfo is UTC


class Clueless(tzinfo):
    def utcoffset(self, moment):
        return None


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        math.nan,
        math.inf,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        Decimal("1E126"),
        Decimal("1E-126"),
        datetime(2026, 1, 1),  # noqa: DTZ001
        pytest.param(datetime(2026, 1, 1, tzinfo=Clueless()), id="no offset"),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-3))),
        "\ud800",
        {"\udfff": 1},
        {"": 1},
        {1: 1},
        (1, 2),
        {1, 2},
        bytearray(b"x"),
        Name("x"),
        pytest.param(object(), id="object"),
        [[{"deep": math.nan}]],
    ],
    ids=repr,
)
def test_values_that_would_not_come_back_are_refused(value):
    with pytest.raises(ValidationError):
        checked_value(value, "value")
    with pytest.raises(ValidationError):
        checked_document({"value": value})


def test_refusal_says_where():
    with pytest.raises(ValidationError, match=r"a\.b\[1\]"):
        checked_document({"a": {"b": [1, math.nan]}})


def test_values_nested_beyond_reason_are_refused():
    itself: list = []
    itself.append(itself)
    with pytest.raises(ValidationError, match="does it hold itself"):
        checked_document({"value": itself})
    value: object = 1
    for _ in range(MAX_LEVELS):
        value = {"in": value}
    assert checked_value(value, "value") == value
    with pytest.raises(ValidationError, match="nested deeper"):
        checked_value([value], "value")


@pytest.mark.parametrize("document", [None, [], "text", [("a", 1)]])
def test_document_is_a_mapping(document):
    with pytest.raises(ValidationError, match="must be a dict"):
        checked_document(document)


def test_reserved_names_are_refused_at_the_top_only():
    with pytest.raises(ValidationError, match="reserved"):
        checked_document({"_cloudkit_version": 1})
    assert checked_document({"inner": {"_cloudkit": 1}}) == {"inner": {"_cloudkit": 1}}


@pytest.mark.parametrize(
    "stored",
    [
        {"$unknown": "1"},
        {"$int": "one"},
        {"$int": 1},
        {"$float": None},
        {"$decimal": "ten"},
        {"$bytes": "*"},
        {"$datetime": "yesterday"},
        {"$datetime": "2026-01-01T00:00:00"},
        {"$map": [1]},
    ],
    ids=repr,
)
def test_stored_value_that_nobody_encoded_is_an_error(stored):
    with pytest.raises(SerializationError):
        decode_value(stored)


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_within_kinds(left, right):
    assert equal(left, right) == equal(right, left)
    assert equal(left, left)
    if kind_of(left) != kind_of(right):
        assert not equal(left, right)


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        (1, 1.0, True),
        (1, Decimal("1.00"), True),
        (1, True, False),
        (0, False, False),
        ([1], [True], False),
        ({"a": 0}, {"a": False}, False),
        ("1", 1, False),
        ("a", b"a", False),
        (None, False, False),
        ([1, 2], [1], False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_equality(left, right, result):
    assert equal(left, right) is result


@given(st.text(), st.text())
def test_order_of_code_points_is_order_of_utf8(left, right):
    assert (left < right) == (left.encode() < right.encode())


def test_measures():
    assert Extent.of({"a": 1}).depth == 1
    assert Extent.of({"a": [{"b": []}]}).depth == 4
    assert Extent.of({}).depth == 1
    assert significant_digits(Decimal("0.00120")) == 2
    assert significant_digits(Decimal(-12300)) == 3
    assert Extent.of({"ä": "ö", "b": b"123"}).size == 3 + (1 + 2 + 2) + (1 + 1 + 3)


@pytest.mark.parametrize(("fold", "hour"), [(0, 0), (1, 1)])
def test_a_time_that_the_clock_shows_twice_is_the_one_that_was_meant(fold, hour):
    london = ZoneInfo("Europe/London")
    shown_twice = datetime(2026, 10, 25, 1, 30, tzinfo=london, fold=fold)
    assert checked_value(shown_twice, "value") == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
