"""What the service is asked to filter by: never less than what meets the condition."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from cloudkit.api.kv import Condition, attr
from cloudkit.gcp.firestore.filters import equality_filter
from cloudkit.gcp.firestore.values import encode
from cloudkit.testing.kv.expressions import DOCUMENTS
from cloudkit.testing.kv.trees import TREES
from hypothesis import given
from hypothesis import strategies as st

_MISSING = object()


def is_found(where: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether the service finds a document, by its documentation; names here need no quotes."""
    if "composite_filter" in where:
        assert where["composite_filter"]["op"] == "AND"
        return all(is_found(inner, document) for inner in where["composite_filter"]["filters"])
    asked = where["field_filter"]
    value: Any = encode(document)
    for name in asked["field"]["field_path"].split("."):
        value = value.get("map_value", {}).get("fields", {}).get(name, {})
    wanted = asked["value"]
    values = wanted["array_value"]["values"] if asked["op"] == "IN" else [wanted]
    return any(same(value, one) for one in values)


def same(left: Any, right: Any) -> bool:
    """Equality of the service: integers and doubles are one kind."""
    numbers = [next((v for k, v in value.items() if k in {"integer_value", "double_value"}), _MISSING)
               for value in (left, right)]  # fmt: skip
    if _MISSING not in numbers:
        return bool(numbers[0] == numbers[1])
    return bool(left == right)


@given(condition=TREES, document=st.sampled_from(DOCUMENTS))
def test_no_document_that_meets_the_condition_is_missed(
    condition: Condition, document: Mapping[str, Any]
) -> None:
    where = equality_filter(condition)
    if where is not None and condition.matches(document):
        assert is_found(where, document)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        attr("v") != 1,
        attr("v") > 1,
        attr("v") == None,  # noqa: E711
        attr("v") == 0,
        attr("v") == -0.0,
        attr("v") == 2**53 + 1,
        attr("v") == [1],
        attr("v") == {"a": 1},
        attr("v") == "x" * 1501,
        attr("v") == b"x" * 1501,
        attr("v") == Decimal(1),
        attr("v").is_in("a", None),
        attr("v").is_in(*map(str, range(31))),
        attr(("x" * 1501,)) == "a",
        (attr("v") == 1) | (attr("w") == 1),
        ~(attr("v") == 1),
    ],
    ids=lambda condition: repr(condition)[:60],
)
def test_of_such_a_condition_the_service_is_asked_nothing(condition: Condition | None) -> None:
    assert equality_filter(condition) is None


def test_equalities_are_asked_for() -> None:
    condition = (attr("a.b c") == "x") & (attr("n") > 3) & attr("v").is_in(True, b"y")
    assert equality_filter(condition) == {
        "composite_filter": {
            "op": "AND",
            "filters": [
                {"field_filter": {"field": {"field_path": "a.`b c`"}, "op": "EQUAL",
                                  "value": {"string_value": "x"}}},
                {"field_filter": {"field": {"field_path": "v"}, "op": "IN",
                                  "value": {"array_value": {"values": [
                                      {"boolean_value": True}, {"bytes_value": b"y"}]}}}},
            ],
        }
    }  # fmt: skip


def test_a_number_is_looked_for_as_a_decimal_too() -> None:
    where = equality_filter(attr("v") == 0.5)
    assert where is not None
    values = where["field_filter"]["value"]["array_value"]["values"]
    assert values == [{"double_value": 0.5}, encode(Decimal("0.5"))]


def test_combinations_stay_within_the_limit() -> None:
    letters = attr("a").is_in(*"abcdef")
    where = equality_filter(letters & attr("b").is_in(*"abcdef") & (attr("c") == "x"))
    assert where == equality_filter(letters)
