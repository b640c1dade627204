"""What an update makes of a document."""

from __future__ import annotations

import copy
import decimal
from decimal import Decimal

import pytest
from cloudkit.api.kv import KEEP, Update, apply_update
from cloudkit.common import ValidationError
from hypothesis import given
from hypothesis import strategies as st


def updated(document, **changes):
    before = copy.deepcopy(document)
    write = Update(key="k", **changes)
    try:
        return apply_update(document, set=write.set, increment=write.increment, remove=write.remove)
    finally:
        assert document == before


@pytest.mark.parametrize(
    ("document", "changes", "result"),
    [
        ({"a": 1}, {"set": {"b": 2}}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"set": {"a.b": 2, "a.c": [3]}}, {"a": {"b": 2, "c": [3]}}),
        ({"a.b": 1}, {"set": {("a.b",): 2}}, {"a.b": 2}),
        ({}, {"increment": {"n": 5}}, {"n": 5}),
        ({"n": 1}, {"increment": {"n": -3}}, {"n": -2}),
        ({"n": 1}, {"increment": {"n": 0.5}}, {"n": 1.5}),
        ({"a": {"n": 1}}, {"increment": {"a.n": 1, "a.m": 1}}, {"a": {"n": 2, "m": 1}}),
        ({"n": Decimal("0.10")}, {"increment": {"n": Decimal("0.20")}}, {"n": Decimal("0.30")}),
        ({"n": 1}, {"increment": {"n": Decimal("0.5")}}, {"n": Decimal("1.5")}),
        ({"a": 1, "b": {"c": 2}}, {"remove": ["a", "b.c", "x.y"]}, {"b": {}}),
        (
            {"a": 1, "n": 1, "r": 1},
            {"set": {"a": 2}, "increment": {"n": 1}, "remove": ["r"]},
            {"a": 2, "n": 2},
        ),
    ],
)
def test_update(document, changes, result):
    assert updated(document, **changes) == result


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ({"n": "1"}, {"increment": {"n": 1}}),
        ({"n": True}, {"increment": {"n": 1}}),
        ({"n": None}, {"increment": {"n": 1}}),
        ({"n": 1.5}, {"increment": {"n": Decimal(1)}}),
        ({"n": Decimal(1)}, {"increment": {"n": 1.5}}),
        ({"n": 2**63 - 1}, {"increment": {"n": 1}}),
        ({"n": 1e308}, {"increment": {"n": 1e308}}),
        ({"n": Decimal("1E100")}, {"increment": {"n": Decimal("1E-100")}}),
        ({}, {"set": {"a.b": 1}}),
        ({"a": [1]}, {"set": {"a.b": 1}}),
        ({}, {"increment": {"a.b": 1}}),
        ({"a": 1, "n": "x"}, {"set": {"a": 2}, "remove": ["a2"], "increment": {"n": 1}}),
    ],
)
def test_update_that_does_not_fit_changes_nothing(document, changes):
    with pytest.raises(ValidationError):
        updated(document, **changes)


def test_sum_is_exact_under_any_context():
    with decimal.localcontext(prec=3):
        result = updated({"n": Decimal("1.23456789")}, increment={"n": Decimal("1E-20")})
    assert result == {"n": Decimal("1.23456789") + Decimal("1E-20")}


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5)),
    st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5), min_size=1),
)
def test_increments_add(document, amounts):
    result = updated(document, increment=amounts)
    for name in "abc":
        if name in document or name in amounts:
            assert result[name] == document.get(name, 0) + amounts.get(name, 0)
        else:
            assert name not in result


def test_result_shares_nothing():
    document = {"list": [1]}
    write = Update(key="k", set={"other": {"in": [2]}})
    result = apply_update(document, set=write.set, increment={}, remove=())
    result["list"].append(9)
    result["other"]["in"].append(9)
    assert document == {"list": [1]}
    assert write.set == {("other",): {"in": [2]}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"set": {}},
        {"set": {"a": 1}, "remove": ["a"]},
        {"set": {"a": {}}, "increment": {"a.b": 1}},
        {"set": {"a": 1, ("a",): 2}},
        {"set": {"a.b": 1, ("a", "b"): 2}},
        {"remove": ["a", "a"]},
        {"remove": ["b.c", "x", "b.c.d"]},
        {"remove": "a"},
        {"remove": None},
        {"remove": [""]},
        {"set": {"": 1}},
        {"set": [("a", 1)]},
        {"set": {"a": object()}},
        {"set": {"_cloudkit_x": 1}},
        {"remove": ["_cloudkit_x"]},
        {"increment": {"a": "1"}},
        {"increment": {"a": True}},
        {"increment": {"a": None}},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": "1"},
        {"expires_in": 1e12},
    ],
)
def test_update_that_means_nothing_is_refused(changes):
    with pytest.raises(ValidationError):
        Update(key="k", **changes)


@pytest.mark.parametrize(("given_", "kept"), [(None, None), (2, 2.0)])
def test_expiry_alone_is_an_update(given_, kept):
    assert Update(key="k", expires_in=given_).expires_in == kept


def test_expiry_is_left_as_it_is_unless_asked_for():
    assert Update(key="k", set={"a": 1}).expires_in is KEEP
