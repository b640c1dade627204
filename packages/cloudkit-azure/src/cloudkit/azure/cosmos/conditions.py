"""Conditions as SQL that holds for all items which meet them.

Every term is true or false, never undefined: it first asks for the type of the value, so that ``NOT``
means the opposite. What the service compares exactly is translated. Where it does not (numbers and
bytes that are kept as tagged objects, whole lists and dicts, texts whose order is not documented, names
that stand elsewhere in a tagged dict), there is a term that holds wherever the condition may hold
(``possible``), and under a ``NOT`` one that only holds where it does. What is left between them is for
``Condition.matches``: all that comes is looked at again.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/query/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from attrs import field, frozen
from cloudkit.api.kv import (
    And,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    In,
    Not,
    Or,
    Value,
    encode_value,
)
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.values import RESERVED_PREFIX, kind_of
from cloudkit.azure.cosmos.items import json_size
from cloudkit.azure.cosmos.keys import FIRST_HIGH
from cloudkit.azure.cosmos.schema import Schema

MAX_PARAMETERS: Final = 500
MAX_BYTES: Final = 128 * 1024
"""A longer filter is not sent (the service takes 256 KB of SQL), and only looked at here."""

TRUE: Final = "true"
FALSE: Final = "false"

_NUMBER_TAGS = ("$int", "$float", "$decimal")
_NAME = re.compile(r"[^\"\\\x00-\x1f\x7f]+")


class TooComplexError(Exception):
    """The service would not take the filter."""


@frozen
class Parameters:
    """The values of a query.

    Attributes:
        values: By name, with the ``@``.
    """

    values: dict[str, Any] = field(factory=dict)

    def add(self, value: Any) -> str:
        """The name of a new parameter."""
        name = f"@p{len(self.values)}"
        self.values[name] = value
        return name


def possible(condition: Condition, schema: Schema) -> tuple[str, Mapping[str, Any]]:
    """A term that holds for all items whose documents meet a condition, and its values.

    Raises:
        TooComplexError: It is more than the service takes.
    """
    parameters = Parameters()
    try:
        term = Compiler(schema, parameters).term(condition, sure=False)
    except RecursionError:
        raise TooComplexError from None
    size = len(term.encode()) + json_size(parameters.values)
    if len(parameters.values) > MAX_PARAMETERS or size > MAX_BYTES:
        raise TooComplexError
    return term, parameters.values


def reference(path: Path) -> str:
    """A place in an item, in SQL. The names hold no quotes, backslashes and control characters."""
    return "c" + "".join(f'["{name}"]' for name in path)


@frozen
class Compiler:
    """Makes terms for the items of a table.

    Attributes:
        schema: The table's; an attribute named like a property of the item has another name there.
        parameters: Gets the values.
    """

    schema: Schema
    parameters: Parameters

    def term(self, condition: Condition, *, sure: bool) -> str:
        """The term of a condition, from one side or the other."""
        match condition:
            case And():
                return _all(*(self.term(part, sure=sure) for part in _chain(condition, And)))
            case Or():
                return _any(*(self.term(part, sure=sure) for part in _chain(condition, Or)))
            case Not(inner):
                return _not(self.term(inner, sure=not sure))
            case Compare() | Between() | BeginsWith() | Contains() | Exists() | In():
                if condition.path[0].startswith(RESERVED_PREFIX):
                    return _constant(condition.matches({}))  # no document has such a name
                path = self.schema.stored_path(condition.path)
                return self._leaf(condition, path, sure) if _is_plain(path) else _constant(not sure)
            case _:
                return _constant(not sure)

    def _leaf(self, condition: Condition, path: Path, sure: bool) -> str:
        at = reference(path)
        match condition:
            case Compare(_, "=", value):
                return self._equal(at, value, sure)
            case Compare(_, "!=", value):
                return _not(self._equal(at, value, not sure))
            case Compare(_, operator, value):
                return self._ordered(at, operator, value, sure)
            case Between(_, low, high):
                return _all(self._ordered(at, ">=", low, sure), self._ordered(at, "<=", high, sure))
            case BeginsWith(_, prefix):
                return _all(f"IS_STRING({at})", f"STARTSWITH({at}, {self.parameters.add(prefix)})")
            case Contains(_, value):
                return self._contains(at, value, sure)
            case In(_, values):
                return self._one_of(at, values, sure)
            case _:
                return f"IS_DEFINED({at})"

    def _equal(self, at: str, value: Value, sure: bool) -> str:
        kind = kind_of(value)
        if kind == "null":
            return f"IS_NULL({at})"
        if kind == "bool":
            return _all(f"IS_BOOL({at})", f"{at} = {self.parameters.add(value)}")
        if kind == "str":
            return _all(f"IS_STRING({at})", f"{at} = {self.parameters.add(value)}")
        if kind == "number":
            return self._number(at, "=", value, sure)
        if sure:
            return FALSE
        if kind == "list":
            return f"IS_ARRAY({at})"
        if kind == "dict":
            return f"IS_OBJECT({at})"
        ((tag, text),) = encode_value(value).items()
        inner = f'{at}["{tag}"]'
        return _all(f"IS_STRING({inner})", f"{inner} = {self.parameters.add(text)}")

    def _one_of(self, at: str, values: tuple[Value, ...], sure: bool) -> str:
        terms = [
            self._among(at, "STRING", [value for value in values if isinstance(value, str)]),
            self._among(at, "NUMBER", [float(value) for value in values if _is_double(value)]),
        ]
        for value in values:
            if kind_of(value) == "number":
                terms += [] if sure else _number_tags(at)
            elif not isinstance(value, str):
                terms.append(self._equal(at, value, sure))
        return _any(*dict.fromkeys(terms))

    def _among(self, at: str, kind: str, values: list[Any]) -> str:
        if not values:
            return FALSE
        return _all(f"IS_{kind}({at})", f"ARRAY_CONTAINS({self.parameters.add(values)}, {at})")

    def _ordered(self, at: str, operator: str, value: Value, sure: bool) -> str:
        kind = kind_of(value)
        if kind == "number":
            return self._number(at, operator, value, sure)
        if kind == "str":
            if max(value, default="") >= FIRST_HIGH:
                return FALSE if sure else f"IS_STRING({at})"
            return _all(f"IS_STRING({at})", f"{at} {operator} {self.parameters.add(value)}")
        if sure:
            return FALSE
        if isinstance(value, datetime):
            inner, text = f'{at}["$datetime"]', encode_value(value)["$datetime"]
            return _all(f"IS_STRING({inner})", f"{inner} {operator} {self.parameters.add(text)}")
        return f'IS_DEFINED({at}["$bytes"])'

    def _number(self, at: str, operator: str, value: float | Decimal, sure: bool) -> str:
        near, term = float(value), FALSE
        if _is_double(value) or operator != "=":
            # Between the value and the double that is nearest to it there is no other double.
            if near < value:
                operator = "<=" if operator in {"<", "<="} else ">"
            elif near > value:
                operator = "<" if operator in {"<", "<="} else ">="
            term = _all(f"IS_NUMBER({at})", f"{at} {operator} {self.parameters.add(near)}")
        if sure:
            return term
        return _any(term, *_number_tags(at))

    def _contains(self, at: str, value: Value, sure: bool) -> str:
        if not isinstance(value, str):
            return FALSE if sure else f"IS_ARRAY({at})"
        if not value:  # every text holds it; whether the service knows is not documented
            return FALSE if sure else _any(f"IS_STRING({at})", f"IS_ARRAY({at})")
        name = self.parameters.add(value)
        return _any(
            _all(f"IS_STRING({at})", f"CONTAINS({at}, {name})"),
            _all(f"IS_ARRAY({at})", f"ARRAY_CONTAINS({at}, {name})"),
        )


def _is_double(value: Value) -> bool:
    """Whether a value is a number that the service can hold as one."""
    return kind_of(value) == "number" and bool(float(value) == value)


def _number_tags(at: str) -> list[str]:
    """There is a number that is kept as an object."""
    return [f'IS_DEFINED({at}["{tag}"])' for tag in _NUMBER_TAGS]


def _chain(condition: And | Or, kind: type[And | Or]) -> list[Condition]:
    """The parts of conditions of one kind inside each other, from left to right."""
    parts: list[Condition] = []
    waiting: list[Condition] = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, kind):
            waiting += [part.right, part.left]
        else:
            parts.append(part)
    return parts


def _is_plain(path: Path) -> bool:
    """Whether a path leads in the stored item to where it leads in the document.

    A name that begins with ``$`` may stand one level deeper, and one that is a number might be taken
    for a place in a list.
    """
    if not all(_NAME.fullmatch(name) for name in path):
        return False
    return not any(name.startswith("$") or name.isdecimal() for name in path[1:])


def _constant(value: bool) -> str:
    return TRUE if value else FALSE


def _all(*terms: str) -> str:
    left = [term for term in terms if term != TRUE]
    if FALSE in left:
        return FALSE
    return f"({' AND '.join(left)})" if left else TRUE


def _any(*terms: str) -> str:
    left = [term for term in terms if term != FALSE]
    if TRUE in left:
        return TRUE
    return f"({' OR '.join(left)})" if left else FALSE


def _not(term: str) -> str:
    if term in {TRUE, FALSE}:
        return _constant(term == FALSE)
    return f"(NOT {term})"
