"""Random conditions. Imported only when they are tried: Hypothesis takes its time to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudkit.api.kv import Condition, Value, attr
from cloudkit.common import ValidationError
from cloudkit.testing.kv.expressions import OPERANDS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

PATHS = ["v", "w", "v.x", "v.x.y", "w.x", "absent"]


def _leaves(draw: Callable[..., Any]) -> Condition:
    path: str = draw(st.sampled_from(PATHS))
    subject = attr(path)
    first: Value = draw(st.sampled_from(OPERANDS))
    second: Value = draw(st.sampled_from(OPERANDS))
    makers: list[Callable[[], Any]] = [
        lambda: subject == first,
        lambda: subject != first,
        lambda: subject < first,
        lambda: subject <= first,
        lambda: subject > first,
        lambda: subject >= first,
        lambda: subject.between(first, second),
        lambda: subject.begins_with(first),
        lambda: subject.contains(first),
        lambda: subject.is_in(first, second),
        subject.exists,
        subject.not_exists,
    ]
    make = draw(st.sampled_from(makers))
    try:
        condition: Condition = make()
    except ValidationError:  # this operator does not take this kind of value
        condition = attr(path) == first
    return condition


LEAVES: st.SearchStrategy[Condition] = st.composite(_leaves)()
TREES: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda left, right: left & right, inner, inner),
        st.builds(lambda left, right: left | right, inner, inner),
        st.builds(lambda condition: ~condition, inner),
    ),
    max_leaves=6,
)


def try_random_conditions(
    check: Callable[[Condition, int], None], examples: int, places: int
) -> None:
    """Have a check made with random conditions, and failures reduced to the simplest.

    Args:
        check: Takes a condition and the index of a document.
        examples: How many.
        places: How many documents there are.

    Raises:
        AssertionError: The check failed.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(condition=TREES, place=st.integers(0, places - 1))
    def attempt(condition: Condition, place: int) -> None:
        check(condition, place)

    attempt()
