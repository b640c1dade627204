"""Ids and orders of documents."""

from __future__ import annotations

import re

import pytest
from cloudkit.api.kv import Key, SortCondition, TableInfo
from cloudkit.common import SerializationError, ValidationError
from cloudkit.gcp.firestore.keys import Schema, escaped, order_prefix, successor, unescaped
from cloudkit.gcp.firestore.pages import Span
from hypothesis import assume, given
from hypothesis import strategies as st

from .stored import TEXTS

PLAIN = Schema(TableInfo(name="t"))
SORTED = Schema(TableInfo(name="t", sort_key="sk"))
# Few characters, so that texts have much in common, and those at the edges of what is escaped.
SIMILAR = st.text(st.sampled_from("ab/|%.{}_\x00\x1f\x7f\ud7ff\ue000\uffff\U0010ffff"), min_size=1)
KEYS = st.one_of(SIMILAR, TEXTS.filter(bool))


def is_allowed(name: str) -> bool:
    """What the documentation says of ids."""
    return "/" not in name and name not in {".", ".."} and not re.fullmatch("(?s)__.*__", name)


@given(key=KEYS)
def test_a_key_is_read_from_its_id(key: str) -> None:
    name = PLAIN.document_id(Key(key))
    assert is_allowed(name)
    assert PLAIN.key_of(name) == Key(key)


@given(partition=KEYS, sort=KEYS)
def test_a_sorted_key_is_read_from_its_id(partition: str, sort: str) -> None:
    name = SORTED.document_id(Key(partition, sort))
    assert is_allowed(name)
    assert SORTED.key_of(name) == Key(partition, sort)


@given(text=KEYS)
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize(
    ("key", "name"),
    [("user:1", "user:1"), ("a b@c.de", "a b@c.de"), ("a/b", "a%2Fb"), ("50%", "50%25"),
     (".", "%2E"), ("..", "%2E."), ("__a__", "%5F_a__"), ("a|b", "a%7Cb"), ("ä", "ä")],
)  # fmt: skip
def test_ids_read_like_their_keys(key: str, name: str) -> None:
    assert PLAIN.document_id(Key(key)) == name


def test_ids_of_other_programs_are_keys_as_they_are() -> None:
    for name in ("100%", "%zz", "%FF", "a%2fb"):
        assert PLAIN.key_of(name) == Key(name)


@pytest.mark.parametrize("name", ["alone", "|b", "a|"])
def test_a_sorted_table_has_no_such_ids(name: str) -> None:
    with pytest.raises(SerializationError, match="of the form"):
        SORTED.key_of(name)


def test_a_key_that_makes_too_long_an_id_is_refused() -> None:
    assert len(PLAIN.document_id(Key("x" * 1500))) == 1500
    for key in ("x" * 1501, "/" * 501, "ä" * 751):
        with pytest.raises(ValidationError, match="1,500"):
            PLAIN.document_id(Key(key))


@given(prefix=KEYS, rest=st.one_of(SIMILAR, st.just("")), other=KEYS)
def test_the_successor_ends_what_begins_so(prefix: str, rest: str, other: str) -> None:
    assume(prefix.strip("\U0010ffff"))
    end = successor(prefix).encode()
    assert (prefix + rest).encode() < end
    if prefix.encode() <= other.encode() < end:
        assert other.startswith(prefix)


@given(one=KEYS, other=KEYS, sort=KEYS)
def test_partitions_do_not_overlap(one: str, other: str, sort: str) -> None:
    assume(one != other)
    assert not f"{order_prefix(other)}{sort}".startswith(order_prefix(one))


def conditions() -> st.SearchStrategy[SortCondition]:
    """Conditions on the sort key."""
    plain = st.sampled_from(["=", "<", "<=", ">", ">=", "begins_with"])
    between = st.tuples(KEYS, KEYS).map(sorted)
    return st.one_of(
        st.builds(SortCondition, plain, KEYS.filter(lambda key: bool(key.strip("\U0010ffff")))),
        between.map(lambda ends: SortCondition("between", *ends)),
    )


def holds(span: Span, order: str) -> bool:
    """Whether the service finds what is ordered so: it compares bytes of UTF-8."""
    low, place, high = span.low.encode(), order.encode(), span.high.encode()
    return (low < place or (span.with_low and low == place)) and (
        place < high or (span.with_high and place == high)
    )


def near(condition: SortCondition | None) -> st.SearchStrategy[tuple[SortCondition | None, str]]:
    """A condition with a sort key, often one at its ends."""
    if condition is None:
        return st.tuples(st.none(), KEYS)
    ends = st.sampled_from([condition.value, condition.high or condition.value])
    beyond = st.builds(str.__add__, ends, SIMILAR)
    return st.tuples(st.just(condition), st.one_of(ends, beyond, KEYS))


@given(partition=KEYS, asked=st.one_of(st.none(), conditions()).flatmap(near), other=KEYS)
def test_a_span_holds_the_keys_that_meet_the_condition(
    partition: str, asked: tuple[SortCondition | None, str], other: str
) -> None:
    condition, sort = asked
    span = Span.of(partition, condition)
    order = SORTED.order_of(Key(partition, sort))
    assert order is not None
    assert holds(span, order) == (condition is None or condition.matches(sort))
    assert not holds(span.after(order, descending=False), order)
    assert not holds(span.after(order, descending=True), order)
    if other != partition:
        foreign = SORTED.order_of(Key(other, sort))
        assert foreign is not None
        assert not holds(span, foreign)
