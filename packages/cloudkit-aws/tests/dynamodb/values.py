"""Values and documents for Hypothesis."""

from __future__ import annotations

import math
from datetime import UTC
from decimal import Context, Decimal

from cloudkit.api.kv.values import INT_MAX, INT_MIN, MAX_DECIMAL_EXPONENT
from cloudkit.testing.kv.expressions import OPERANDS
from hypothesis import strategies as st

FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.1, 0.2, 0.3, 9.99, 2**-30, 1e23, 1e-130, 1e126, 1e125, 5e-324, -0.0, 0.0, 2.0**63, 1e300]
)
_CONTEXT = Context(prec=38)


def _near(value: float) -> list[Decimal]:
    """Decimals at and beside a float, which are hardest to tell from it."""
    exact, shortest = _CONTEXT.create_decimal(Decimal(value)), Decimal(repr(value))
    return [exact, shortest, exact.next_plus(_CONTEXT), exact.next_minus(_CONTEXT)]


def _fits(value: Decimal) -> bool:
    return not value or abs(value.adjusted()) <= MAX_DECIMAL_EXPONENT


DECIMALS = (
    st.decimals(allow_nan=False, allow_infinity=False, places=3).filter(_fits)
    | FLOATS.flatmap(lambda value: st.sampled_from(_near(value))).filter(_fits)
).map(_CONTEXT.plus)
INTEGERS = st.integers(INT_MIN, INT_MAX) | FLOATS.filter(
    lambda value: math.isfinite(value) and abs(value) < 2**62
).map(int)
NUMBERS = INTEGERS | FLOATS | DECIMALS
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PLAIN = (
    st.none()
    | st.booleans()
    | TEXTS
    | st.binary(max_size=5)
    | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(OPERANDS)
)
NAMES = TEXTS.filter(bool) | st.sampled_from(["$datetime", "$float", "$$a", "$", "x", "pk"])
VALUES = st.recursive(
    NUMBERS | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
