"""Exactness: what counts as the same value."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from cloudkit.testing.kv import assert_same, same

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAME = [
    (1, 1),
    (0.1 + 0.2, 0.30000000000000004),
    (-0.0, -0.0),
    (Decimal("1.10"), Decimal("1.1")),
    (NOON, datetime(2026, 1, 1, 12, tzinfo=timezone.utc)),  # noqa: UP017
    ([1, [None], {"a": b""}], [1, [None], {"a": b""}]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
]
DIFFERENT = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    (Decimal(1), 1),
    (1.0, 1.0000000000000002),
    ("1", 1),
    ("a", b"a"),
    (None, False),
    ([], {}),
    ([1], [1, 1]),
    ([1, 2], [2, 1]),
    ([[1.0]], [[1]]),
    ({"a": 1}, {"a": 1, "b": 1}),
    ({"a": {"b": 0.0}}, {"a": {"b": -0.0}}),
    ({"a": None}, {}),
    (NOON, NOON + timedelta(microseconds=1)),
    (NOON.astimezone(timezone(timedelta(hours=1))), NOON),
]


@pytest.mark.parametrize(("left", "right"), SAME, ids=repr)
def test_equal_values_of_one_type_are_the_same(left, right):
    assert same(left, right)
    assert_same({"a": [left]}, {"a": [right]})


@pytest.mark.parametrize(("left", "right"), DIFFERENT, ids=repr)
def test_other_values_are_not(left, right):
    assert not same(left, right)
    with pytest.raises(AssertionError):
        assert_same([{"a": left}], [{"a": right}])


def test_the_place_of_a_difference_is_named():
    with pytest.raises(
        AssertionError, match=r"value\['a'\]\[1\]\['b'\] is the int 1, not the float"
    ):
        assert_same({"a": [0, {"b": 1}]}, {"a": [0, {"b": 1.0}]})
    with pytest.raises(AssertionError, match=r"lost the names \['b'\]"):
        assert_same({"a": 1}, {"a": 1, "b": 2})
