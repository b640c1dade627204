"""Queries: SELECT of whole rows, by terms that all hold, with declared variables."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulators.oracle.errors import OracleError, invalid
from emulators.oracle.nosql.tokens import Words

_PYTHON: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "INTEGER": (int,),
    "LONG": (int,),
    "DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "JSON": (str, int, float, bool, list, dict),
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "=any": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Term:
    """A place in a row, compared with a value."""

    path: tuple[str, ...]
    sign: str
    operand: str

    def holds(self, row: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Whether it holds for a row.

        Raises:
            OracleError: There are several values, where only one can be compared.
        """
        found = [row]
        for step in self.path:
            found = [inner for each in found for inner in _step(each, step)]
        if len(found) > 1 and self.sign != "=any":
            raise invalid("Error: an operand of a comparison has more than one item")
        wanted = values[self.operand] if self.operand.startswith("$") else json.loads(self.operand)
        compare = _COMPARE[self.sign]
        return any(_kind(each) == _kind(wanted) and compare(each, wanted) for each in found)


@dataclass(frozen=True)
class Query:
    """A SELECT.

    Attributes:
        table: Its name.
        variables: Name with the dollar sign → type.
        terms: All must hold.
        order: Columns, and whether the last comes first.
    """

    table: str
    variables: Mapping[str, str]
    terms: tuple[Term, ...]
    order: tuple[tuple[str, bool], ...]

    def bound(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of the variables.

        Raises:
            OracleError: One is missing, of another type, or not declared.
        """
        for name, value in given.items():
            kind = self.variables.get(name)
            if kind is None:
                raise invalid(f"The query doesn't contain the variable: {name}")
            if not isinstance(value, _PYTHON[kind]):
                raise invalid(f"Failed to create Field Value for variable '{name}'")
        if unbound := set(self.variables) - set(given):
            raise invalid(f"The variables {sorted(unbound)} have not been set")
        return given


def parsed(statement: str) -> Query:
    """A query.

    Raises:
        OracleError: The service would not understand it, or the double does not.
    """
    words = Words(statement)
    variables = _declared(words)
    words.expect("SELECT", "*", "FROM")
    table = words.name()
    words.comes("AS")
    alias = ""
    if words.next.startswith("$"):
        alias = words.take(r"\$\w+")
    terms: list[Term] = []
    if words.comes("WHERE"):
        terms.append(_term(words, alias, variables))
        while words.comes("AND"):
            terms.append(_term(words, alias, variables))
    order: list[tuple[str, bool]] = []
    if words.comes("ORDER", "BY"):
        order = words.several(lambda: _sorting(words, alias))
    words.end()
    return Query(table, variables, tuple(terms), tuple(order))


def _declared(words: Words) -> dict[str, str]:
    variables: dict[str, str] = {}
    if words.comes("DECLARE"):
        while words.next.startswith("$"):
            name, kind = words.take(r"\$\w+"), words.name().upper()
            if kind not in _PYTHON:
                raise invalid(f"The double knows no type {kind}")
            variables[name] = kind
            words.expect(";")
    return variables


def _term(words: Words, alias: str, variables: Mapping[str, str]) -> Term:
    path = _path(words, alias)
    sign = words.take(r"=any|<=|>=|!=|=|<|>")
    operand = words.take(r"\$\w+|\d+|\".*\"|true|false")
    if operand.startswith("$") and operand not in variables:
        raise invalid(f"Error: undefined variable {operand}")
    return Term(path, sign, operand)


def _path(words: Words, alias: str) -> tuple[str, ...]:
    if alias and words.next == alias:
        words.take(r"\$\w+")
        words.expect(".")
    steps = [words.name()]
    while words.comes("."):
        step = words.take(r"\"(?:[^\"\\]|\\.)*\"|\w+")
        steps.append(json.loads(step) if step.startswith('"') else step)
    return tuple(steps)


def _sorting(words: Words, alias: str) -> tuple[str, bool]:
    (column,) = _path(words, alias)
    descending = words.comes("DESC")
    if not descending:
        words.comes("ASC")
    return column, descending


def complex_query() -> OracleError:
    """What the service says of queries that want help of the client."""
    return invalid("The driver or SDK being used does not support complex query.")


def _step(value: Any, name: str) -> list[Any]:
    """Into a field; through all of an array."""
    if isinstance(value, list):
        return [inner for each in value for inner in _step(each, name)]
    if isinstance(value, dict) and name in value:
        found = value[name]
        return found if isinstance(found, list) else [found]
    return []


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__
