"""Values and documents as the service would give them back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

from cloudkit.api.kv import Value
from google.cloud.firestore_v1 import types
from hypothesis import strategies as st

MESSAGE: Any = types.Document.pb()

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.one_of(
    TEXTS.filter(bool), st.sampled_from(["$decimal", "$list", "$a", "$$a", "__a__", "$__a__", "__"])
)
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-(10**9), 10**9, allow_nan=False, places=4),
    st.sampled_from([Decimal("1E+100"), Decimal("1E-100"), Decimal("-0"), Decimal("1.10")]),
    TEXTS,
    st.binary(),
    st.datetimes(timezones=st.just(UTC)),
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


def document(name: str, fields: Mapping[str, Any], seconds: int = 1, nanos: int = 2000) -> Any:
    """A document out of the form in which it is sent."""
    stamp = {"seconds": seconds, "nanos": nanos}
    return MESSAGE(
        name=f"projects/p/databases/d/documents/{name}", fields=fields, update_time=stamp
    )
