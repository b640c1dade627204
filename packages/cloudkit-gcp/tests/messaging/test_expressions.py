"""Filters in the language of Pub/Sub, and back."""

from __future__ import annotations

import pytest
from cloudkit.common import ValidationError
from cloudkit.gcp.pubsub.filters import MAX_BYTES, from_expression, to_expression
from hypothesis import assume, given
from hypothesis import strategies as st

# No lone surrogates: they are no text for a service.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
FILTERS = st.dictionaries(TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), max_size=3)


@pytest.mark.parametrize(
    ("wanted", "expression"),
    [
        ({}, ""),
        ({"colour": ("red",)}, '(attributes."colour" = "red")'),
        (
            {"a": ("1", "2"), "b": ("3",)},
            '(attributes."a" = "1" OR attributes."a" = "2") AND (attributes."b" = "3")',
        ),
        ({"a": ('"\\\n',)}, r'(attributes."a" = "\"\\\n")'),
        ({"ä": ("ü",)}, '(attributes."ä" = "ü")'),
    ],
)
def test_a_filter_in_the_services_language(
    wanted: dict[str, tuple[str, ...]], expression: str
) -> None:
    assert to_expression(wanted) == expression


@given(FILTERS)
def test_a_filter_is_read_back(wanted: dict[str, tuple[str, ...]]) -> None:
    try:
        expression = to_expression(wanted)
    except ValidationError:
        assume(False)
    assert len(expression.encode()) <= MAX_BYTES
    assert from_expression(expression) == wanted


def test_a_filter_that_is_longer_than_the_service_takes_is_refused() -> None:
    with pytest.raises(ValidationError, match="256"):
        to_expression({"name": tuple(f"value {number}" for number in range(20))})


@pytest.mark.parametrize("foreign", ["", "attributes:domain", 'NOT attributes.a != "b"'])
def test_somebody_elses_filter_is_not_taken_for_ours(foreign: str) -> None:
    assert from_expression(foreign) == {}
