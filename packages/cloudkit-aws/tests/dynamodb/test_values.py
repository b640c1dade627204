"""Values come back as they were, and numbers keep their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cloudkit.api.kv import Key, TableInfo
from cloudkit.aws.dynamodb.items import (
    MAX_ITEM_BYTES,
    UNVERSIONED,
    ItemCodec,
    expiry_attributes,
    moment_text,
)
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.aws.dynamodb.numerals import number_text, outer_bounds, touchy_mark
from cloudkit.aws.dynamodb.values import attribute_size, decode, encode, levels
from cloudkit.common import PayloadTooLargeError, ValidationError
from cloudkit.testing.kv import assert_same
from hypothesis import given
from hypothesis import strategies as st

from .values import DECIMALS, FLOATS, NAMES, NUMBERS, VALUES

SCHEMA = Schema(TableInfo(name="table", partition_key="pk", sort_key="sk"), {})
CODEC = ItemCodec(SCHEMA)
KEY = Key("partition", "sort")


@given(VALUES)
def test_values_come_back_the_same(value):
    assert_same(decode(*encode(value)), value)


@given(st.dictionaries(NAMES | st.just("sk"), VALUES, max_size=5))
def test_documents_come_back_the_same(document):
    raw, version = CODEC.encode(KEY, document, None)
    item = CODEC.decode(raw)
    assert_same(item.document, document)
    assert (item.key, item.version, item.expires_at) == (KEY, version, None)


@given(FLOATS, FLOATS)
def test_floats_are_ordered_as_their_numbers(left, right):
    texts = number_text(left), number_text(right)
    if None not in texts:
        a, b = map(Decimal, texts)
        assert (a < b, a == b) == (left < right, left == right)


@given(NUMBERS, NUMBERS)
def test_numbers_that_are_not_touchy_are_ordered_as_they_are(left, right):
    texts = number_text(left), number_text(right)
    if None in texts or (touchy_mark(left) and not isinstance(right, type(left))):
        return
    if touchy_mark(right) and not isinstance(left, (int, type(right))):
        return
    if touchy_mark(right) and isinstance(left, Decimal) and isinstance(right, float):
        return
    a, b = map(Decimal, texts)
    assert (a < b, a == b) == (left < right, left == right)


@given(FLOATS.filter(touchy_mark) | DECIMALS.filter(touchy_mark), NUMBERS)
def test_whatever_is_beyond_a_touchy_number_is_beyond_its_bounds(touchy, other):
    text = number_text(other)
    if text is not None:
        low, high = map(Decimal, outer_bounds(touchy))
        assert other < touchy or Decimal(text) >= low
        assert other > touchy or Decimal(text) <= high


def test_numbers_look_to_other_programs_as_they_do_here():
    values = {0.1: "0.1", 9.99: "9.99", 1.0: "1", 2**53: "9007199254740992", 0.5: "0.5"}
    assert {value: number_text(value) for value in values} == values
    assert number_text(Decimal("1.10")) == "1.1"
    assert encode(1e300) == ({"M": {"$float": {"S": "1e+300"}}}, None)


def test_lists_of_floats_are_marked_once():
    vector, marks = encode([0.5] * 1000)
    assert marks == {"S": "F"}
    assert len(vector["L"]) == 1000
    assert encode([[0.5], [1.5, 2.5]])[1] == {"S": "F"}
    assert encode([0.5, 1])[1] == {"M": {"0": {"S": "f"}}}


def test_items_of_other_programs_can_be_read():
    raw = {
        "pk": {"S": "a"},
        "sk": {"S": "b"},
        "price": {"N": "9.99"},
        "count": {"N": "1E+2"},
        "large": {"N": "9223372036854775808"},
        "tags": {"SS": ["b", "a"]},
        "sizes": {"NS": ["2", "1.5"]},
        "odd": {"M": {"$datetime": {"S": "no moment"}}},
    }
    item = CODEC.decode(raw)
    expected = {
        "price": Decimal("9.99"),
        "count": 100,
        "large": Decimal(2**63),
        "tags": ["a", "b"],
        "sizes": [Decimal("1.5"), 2],
        "odd": {"$datetime": "no moment"},
    }
    assert_same(item.document, expected)
    assert item.version == UNVERSIONED


def test_marks_that_no_longer_fit_are_passed_over():
    raw, _ = CODEC.encode(KEY, {"a": 1.5, "b": [1.5], "c": {"x": 1.5}}, None)
    raw.update({"a": {"S": "text"}, "b": {"M": {"x": {"N": "1"}}}, "c": {"L": [{"N": "1"}]}})
    assert_same(CODEC.decode(raw).document, {"a": "text", "b": {"x": 1}, "c": [1]})


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_expiry_comes_back_and_the_service_deletes_no_earlier(moment):
    raw = {**SCHEMA.place(KEY), **expiry_attributes(moment)}
    assert CODEC.decode(raw).expires_at == moment
    whole = int(raw["_cloudkit_ttl"]["N"])
    assert 0 <= whole - Decimal(moment_text(moment)) < 1


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("aä", 3),
        (b"abc", 3),
        (None, 1),
        (True, 1),
        ([], 3),
        ({}, 3),
        (["a", "b"], 7),
        ({"ab": "c"}, 7),
    ],
)
def test_values_are_as_large_as_the_service_counts_them(value, size):
    assert attribute_size(encode(value)[0]) == size


@pytest.mark.parametrize(
    ("number", "size"),
    [(0, 1), (1, 2), (12, 2), (123, 3), (-1, 3), (1000, 2), (Decimal("0.001"), 2)],
)
def test_numbers_are_as_large_as_their_digits(number, size):
    assert attribute_size(encode(number)[0]) == size


def test_an_item_that_is_too_large_is_refused():
    fits = MAX_ITEM_BYTES - 200
    CODEC.encode(KEY, {"a": "x" * fits}, None)
    with pytest.raises(PayloadTooLargeError):
        CODEC.encode(KEY, {"a": "x" * (fits + 200)}, None)


def test_an_item_that_is_nested_too_deep_for_its_tags_is_refused():
    value = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1)
    for _ in range(32):
        value = [value]
    assert levels(encode(value)[0]) == 33
    with pytest.raises(ValidationError):
        CODEC.encode(KEY, {"a": value}, None)
