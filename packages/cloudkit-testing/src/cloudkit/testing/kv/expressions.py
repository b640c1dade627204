"""The conditions to try, by operator, and the documents to try them on.

What each condition must say about each document is not written down anywhere: it is what
``Condition.matches`` says.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from cloudkit.api.kv import Condition, Document, Value, attr
from cloudkit.testing.kv.samples import ABROAD, LATER, NEW_YEAR

_ATTRIBUTE: Final = attr("v")
_BIG: Final = 2**53

OPERANDS: Final[tuple[Value, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 1.0, 1.5, -0.0, 0.1 + 0.2, Decimal("1.50"), Decimal("0.3")),
    *(_BIG, _BIG + 1, float(_BIG), 2**63 - 1, Decimal(_BIG) + Decimal("0.5"), 1e300, 5e-324),
    *("", "a", "ab", "abc", "b", "B", "1", "ä", "a%", "a_", "\uffff", "\U00010000", "true"),
    *(b"", b"a", b"ab", b"\xff", NEW_YEAR, LATER),
    *([], [1], [1.0], ["a"], [True], [None], [[1]], [{"x": 1}], ["a", "ab", b"a", 1]),
    *({}, {"x": 1}, {"x": 1.0}, {"x": True}, {"x": "abc"}, {"x": {"y": "abc"}}, {"x": None}),
)
"""Values that meet at the edges of what is equal, ordered and of the same kind."""

DOCUMENTS: Final[tuple[Document, ...]] = (
    *({"v": value} for value in OPERANDS),
    {},
    {"other": 1},
    {"V": 1},
    {"v": {"x": [1, "a"], "y": 1}, "a.b": 1},
    {"a": {"b": 1}, "value": 1, "status": "new", "size": 1.5},
)
"""One document for each operand, and some where the attribute is missing or further in."""

_ORDERED: Final[tuple[Value, ...]] = (
    *(-1, 0, -0.0, 1, 1.0, 1.5, Decimal("0.3"), _BIG, _BIG + 1, float(_BIG), 2**63 - 1, 1e300),
    *("", "a", "ab", "b", "B", "ä", "\uffff", "\U00010000", b"", b"a", b"\xff", NEW_YEAR, LATER),
)
_RANGES: Final[tuple[tuple[Value, Value], ...]] = (
    *((0, 1), (1, 1.0), (Decimal("0.3"), 1.5), (-1e300, 1e300), (_BIG, _BIG)),
    *(("", "a"), ("a", "abc"), ("B", "b"), ("\uffff", "\U00010000")),
    *((b"", b"a"), (b"a", b"\xff"), (NEW_YEAR, NEW_YEAR), (ABROAD, LATER)),
)

CONDITIONS: Final[dict[str, tuple[Condition, ...]]] = {
    "equal": (*(value == _ATTRIBUTE for value in OPERANDS), _ATTRIBUTE == ABROAD),
    "not equal": (*(value != _ATTRIBUTE for value in OPERANDS), _ATTRIBUTE != ABROAD),
    "less": tuple(value > _ATTRIBUTE for value in _ORDERED),
    "less or equal": tuple(value >= _ATTRIBUTE for value in _ORDERED),
    "greater": tuple(value < _ATTRIBUTE for value in _ORDERED),
    "greater or equal": tuple(value <= _ATTRIBUTE for value in _ORDERED),
    "between": tuple(_ATTRIBUTE.between(low, high) for low, high in _RANGES),
    "begins with": tuple(map(_ATTRIBUTE.begins_with, ("a", "ab", "B", "1", "ä", "%", "a%", "a_"))),
    "contains": tuple(map(_ATTRIBUTE.contains, OPERANDS)),
    "exists": (attr("v").exists(), attr("v.x").exists(), attr("v.x.y").exists()),
    "does not exist": (attr("v").not_exists(), attr("v.x").not_exists(), attr("w").not_exists()),
    "is in": (
        *(_ATTRIBUTE.is_in(value) for value in (None, 1, "a", b"a", [1], {"x": 1}, NEW_YEAR)),
        _ATTRIBUTE.is_in(1, "a", None, True, [], {}),
        _ATTRIBUTE.is_in(ABROAD),
        _ATTRIBUTE.is_in(1.5, Decimal(0), "\uffff", [1.0], {"x": "abc"}),
        _ATTRIBUTE.is_in(*(f"none of these {index}" for index in range(30))),
    ),
    "path": (
        *(attr("v.x") == 1, attr("v.x") != 1, attr("v.x") > 0, attr("v.x.y") == "abc"),
        *(attr("v.x").contains("a"), attr("v.x").contains("b"), attr("v.x").begins_with("ab")),
        *(attr("v.x.y").is_in("abc", 1), attr("v.x").between(1, 2), attr("v.x") == [1, "a"]),
        *(attr("a.b") == 1, attr(("a.b",)) == 1, attr(("a", "b")) == 1, attr(("a.b",)).exists()),
        *(attr("value") == 1, attr("status") == "new", attr("size") > 1, attr("V") == 1),
    ),
    "and": (
        (_ATTRIBUTE > 0) & (_ATTRIBUTE < 2),
        _ATTRIBUTE.exists() & (_ATTRIBUTE != 1),
        (_ATTRIBUTE > 0) & (_ATTRIBUTE > "a"),
        attr("status").exists() & (attr("size") > 1) & (attr("a.b") == 1),
    ),
    "or": (
        (_ATTRIBUTE == 1) | (_ATTRIBUTE == "a"),
        _ATTRIBUTE.not_exists() | (_ATTRIBUTE > 1),
        (_ATTRIBUTE < "b") | _ATTRIBUTE.contains(1) | attr("v.x").exists(),
    ),
    "not": (
        *(~(_ATTRIBUTE == 1), ~(_ATTRIBUTE != 1), ~~(_ATTRIBUTE == 1), ~_ATTRIBUTE.exists()),
        *(~(_ATTRIBUTE > 1), ~(_ATTRIBUTE <= "ab"), ~_ATTRIBUTE.between(0, 1)),
        *(~_ATTRIBUTE.begins_with("a"), ~_ATTRIBUTE.contains("a"), ~_ATTRIBUTE.is_in(1, "a", [])),
        *(~(attr("v.x") == 1), ~(attr("v.x.y") > 1)),
    ),
    "nested": (
        ~((_ATTRIBUTE > 0) & (_ATTRIBUTE < 2)),
        ~((_ATTRIBUTE == 1) | _ATTRIBUTE.not_exists()),
        ((_ATTRIBUTE == 1) | (_ATTRIBUTE == 2)) & ~(_ATTRIBUTE == 2),
        (_ATTRIBUTE == 1) | ((_ATTRIBUTE == 2) & ~(_ATTRIBUTE == 2)),
        ~(~(attr("v.x") > 0) | (attr("v.x") != 1)),
        ~(~(~(_ATTRIBUTE.exists() & _ATTRIBUTE.contains("a")))),
    ),
}
"""Conditions by what is tried with them."""
