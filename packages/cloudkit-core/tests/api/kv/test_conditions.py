"""Conditions on documents and on sort keys."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from cloudkit.api.kv import And, Or, SortCondition, attr, sort
from cloudkit.api.kv.paths import MISSING, look_up, parse_path
from cloudkit.common import ValidationError
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([-1.5, 0.0, 1.0]),
    st.sampled_from([Decimal("1.0"), Decimal("-1.5")]),
    st.text("abé😀", max_size=2),
    st.binary(max_size=1),
    st.sampled_from([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]),
)
ORDERED = SCALARS.filter(lambda value: value is not None and not isinstance(value, bool))
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from("xy"), SCALARS)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PATHS = st.sampled_from(["a", "b", "c", "a.x", "b.y", "missing"])


@st.composite
def simple_conditions(draw):
    a = attr(draw(PATHS))
    kind = draw(st.sampled_from(["==", "!=", "order", "text", "contains", "exists", "in"]))
    if kind == "order":
        value = draw(ORDERED)
        return draw(st.sampled_from([a < value, a <= value, a > value, a >= value]))
    if kind == "text":
        return a.begins_with(draw(st.text("abé😀", min_size=1, max_size=2)))
    if kind == "exists":
        return draw(st.sampled_from([a.exists(), a.not_exists()]))
    if kind == "in":
        return a.is_in(*draw(st.lists(VALUES, min_size=1, max_size=3)))
    value = draw(VALUES)
    return {"==": a == value, "!=": a != value, "contains": a.contains(value)}[kind]


CONDITIONS = st.recursive(
    simple_conditions(),
    lambda inner: st.one_of(
        inner.map(lambda c: ~c),
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
    ),
    max_leaves=5,
)


@given(CONDITIONS, CONDITIONS, DOCUMENTS)
def test_de_morgan(left, right, document):
    assert (~(left & right)).matches(document) == (~left | ~right).matches(document)
    assert (~(left | right)).matches(document) == (~left & ~right).matches(document)
    assert (~~left).matches(document) == left.matches(document)
    assert (~left).matches(document) != left.matches(document)


@given(CONDITIONS, DOCUMENTS)
def test_matching_changes_nothing(condition, document):
    before = copy.deepcopy(document)
    assert condition.matches(document) == condition.matches(document)
    assert document == before


@given(PATHS, VALUES, DOCUMENTS)
def test_not_equal_is_the_opposite_of_equal(path, value, document):
    assert (attr(path) != value).matches(document) != (attr(path) == value).matches(document)


@given(PATHS, ORDERED, DOCUMENTS)
def test_order_is_total_within_a_kind(path, value, document):
    a = attr(path)
    below, at_most = (a < value).matches(document), (a <= value).matches(document)
    above, at_least = (a > value).matches(document), (a >= value).matches(document)
    equal = (a == value).matches(document)
    assert at_most == (below or equal)
    assert at_least == (above or equal)
    assert below + above + equal <= 1
    assert a.between(value, value).matches(document) == equal


@given(PATHS, VALUES, ORDERED)
def test_missing_attributes(path, value, ordered):
    a = attr(path)
    assert (a != value).matches({})
    assert a.not_exists().matches({})
    for condition in (
        a == value,
        a < ordered,
        a <= ordered,
        a > ordered,
        a >= ordered,
        a.between(ordered, ordered),
        a.begins_with("a"),
        a.contains(value),
        a.is_in(value, None),
        a.exists(),
    ):
        assert not condition.matches({})


@given(st.text(max_size=4), st.text(max_size=4))
def test_texts_are_ordered_by_utf8(left, right):
    expected = left.encode() < right.encode()
    assert (attr("a") < right).matches({"a": left}) == expected
    if left and right:
        assert (sort < right).matches(left) == expected


@pytest.mark.parametrize(
    ("condition", "document", "result"),
    [
        (attr("a") == 1, {"a": 1.0}, True),
        (attr("a") == 1, {"a": True}, False),
        (attr("a") == None, {"a": None}, True),  # noqa: E711
        (attr("a").exists(), {"a": None}, True),
        (attr("a") > 1, {"a": "2"}, False),
        (attr("a") > Decimal("1.5"), {"a": 2}, True),
        (attr("a") >= b"\x01", {"a": b"\x01\x00"}, True),
        (attr("a.b") == 1, {"a": {"b": 1}}, True),
        (attr("a.b") == 1, {"a.b": 1}, False),
        (attr(("a.b",)) == 1, {"a.b": 1}, True),
        (attr("a.b").exists(), {"a": [1]}, False),
        (attr("a").contains("ell"), {"a": "hello"}, True),
        (attr("a").contains(1), {"a": "1"}, False),
        (attr("a").contains(1), {"a": [True, 1.0]}, True),
        (attr("a").contains([1]), {"a": [[1]]}, True),
        (attr("a").contains("x"), {"a": {"x": 1}}, False),
        (attr("a").begins_with("é"), {"a": "éa"}, True),
        (attr("a").is_in([1], "x"), {"a": [1]}, True),
        (18 <= attr("a"), {"a": 18}, True),  # noqa: SIM300
        ((attr("a") > 1) & attr("b").exists() | (attr("c") == 1), {"c": 1}, True),
    ],
)
def test_condition(condition, document, result):
    assert condition.matches(document) is result


@pytest.mark.parametrize(
    "make",
    [
        lambda: attr(""),
        lambda: attr("a..b"),
        lambda: attr(()),
        lambda: attr(("a", 1)),
        lambda: attr(["a"]),
        lambda: attr("a") == object(),
        lambda: attr("a") == Decimal("NaN"),
        lambda: attr("a") == attr("b"),
        lambda: attr("a") < None,
        lambda: attr("a") < True,
        lambda: attr("a") < [1],
        lambda: attr("a").between(1, "2"),
        lambda: attr("a").between(2, 1),
        lambda: attr("a").begins_with(""),
        lambda: attr("a").begins_with(1),
        lambda: attr("a").is_in(),
        lambda: attr("a").is_in(1, {2}),
        lambda: (attr("a") == 1) & True,
        lambda: (attr("a") == 1) | attr("b"),
        lambda: sort == 1,
        lambda: sort != "a",
        lambda: sort > "",
        lambda: sort.between("b", "a"),
        lambda: sort.between("a", None),
        lambda: sort.begins_with(""),
        lambda: SortCondition("like", "a"),
        lambda: SortCondition("<", "a", "b"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(make):
    with pytest.raises(ValidationError):
        make()


@pytest.mark.parametrize(
    ("half", "hint"),
    [
        (lambda: "a" <= sort <= "b", "between"),
        (lambda: (sort > "a") and (sort < "b"), "between"),
        (lambda: attr("a") and attr("b") == 1, "exists"),
        (lambda: not attr("a"), "exists"),
        (lambda: 1 in attr("a"), "contains"),
    ],
)
def test_what_python_would_make_half_a_condition_of_is_refused(half, hint):
    with pytest.raises(TypeError, match=hint):
        half()


def test_conditions_have_no_truth_value():
    with pytest.raises(TypeError, match="combine with"):
        bool(attr("a") == 1)
    with pytest.raises(TypeError, match="combine with"):
        assert 1 < attr("a") < 3


def test_conditions_keep_their_own_copy_of_a_value():
    value = [1]
    conditions = [attr("a") == value, attr("a").is_in(value)]
    value.append(2)
    assert all(condition.matches({"a": [1]}) for condition in conditions)


def test_conditions_compare_by_what_they_say():
    assert (attr("a") > 1) & (attr("b") == 2) == And(attr("a") > 1, attr("b") == 2)
    assert Or(attr("a") > 1, attr("b") == 2) != And(attr("a") > 1, attr("b") == 2)


SORT_KEYS = st.text("ab\x00é\U0010ffff\ud7ff", min_size=1, max_size=3)


@given(SORT_KEYS, SORT_KEYS, SORT_KEYS)
def test_sort_conditions_agree_with_bytes(key, value, other):
    low, high = sorted([value, other])
    k, v = key.encode(), value.encode()
    assert (sort == value).matches(key) == (k == v)
    assert (sort <= value).matches(key) == (k <= v)
    assert (sort > value).matches(key) == (k > v)
    assert (sort >= value).matches(key) == (k >= v)
    assert sort.begins_with(value).matches(key) == k.startswith(v)
    assert sort.between(low, high).matches(key) == (low.encode() <= k <= high.encode())


def test_paths():
    assert parse_path("a.b") == ("a", "b")
    assert parse_path(("a.b", "c")) == ("a.b", "c")
    assert look_up({"a": {"b": None}}, ("a", "b")) is None
    assert look_up({"a": {"b": None}}, ("a", "b", "c")) is MISSING
