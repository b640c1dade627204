"""Conditions as terms of the service.

Most conditions mean the same there as ``Condition.matches`` says. Where one does not, because a float
and a Decimal share a number, because the number of a float is beyond DynamoDB's range, or because the
condition is of the user's own making, there are two terms that do: one that holds only where the
condition does (``sure``), for writes, and one that holds wherever the condition does (``possible``),
for filters. What is left between them is for ``matches`` itself: a filter's finds are looked at again,
and a write that was refused looks at the item that refused it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen
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
)
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.values import RESERVED_PREFIX, kind_of
from cloudkit.aws.dynamodb.expressions import (
    MAX_IN,
    Call,
    Comparison,
    OneOf,
    Range,
    Term,
    all_of,
    any_of,
    exists,
    has_type,
    negation,
)
from cloudkit.aws.dynamodb.keys import MAX_LEVELS, TYPES, Schema
from cloudkit.aws.dynamodb.numerals import (
    DECIMAL,
    is_touchy,
    number_text,
    outer_bounds,
    touchy_mark,
)
from cloudkit.aws.dynamodb.values import (
    DATETIME,
    FAR_FLOAT,
    Attribute,
    datetime_text,
    encode,
    levels,
)

Order = Literal["<", "<=", ">", ">="]


def sure(condition: Condition, schema: Schema) -> Term:
    """A term that holds only for items whose documents meet the condition."""
    return Compiler(schema).term(condition, sure=True)


def possible(condition: Condition, schema: Schema) -> Term:
    """A term that holds for all items whose documents meet the condition."""
    return Compiler(schema).term(condition, sure=False)


@frozen
class Compiler:
    """Makes terms for the items of a table.

    Attributes:
        schema: The table's; an attribute named like a key is stored under another name.
    """

    schema: Schema

    def term(self, condition: Condition, *, sure: bool) -> Term:
        """The term of a condition, from one side or the other."""
        match condition:
            case And(left, right):
                return all_of(self.term(left, sure=sure), self.term(right, sure=sure))
            case Or(left, right):
                return any_of(self.term(left, sure=sure), self.term(right, sure=sure))
            case Not(inner):
                return negation(self.term(inner, sure=not sure))
            case Compare() | Between() | BeginsWith() | Contains() | Exists() | In():
                if condition.path[0].startswith(RESERVED_PREFIX):
                    return condition.matches({})  # no document has such a name
                return self._leaf(condition, self.schema.stored_path(condition.path), sure)
            case _:
                return not sure

    def _leaf(self, condition: Condition, path: Path, sure: bool) -> Term:
        match condition:
            case Compare(_, "=", value):
                return _equal(path, value, sure)
            case Compare(_, "!=", value):
                return negation(_equal(path, value, not sure))
            case Compare(_, operator, value):
                return _ordered(path, operator, value, sure)  # type: ignore[arg-type]  # the rest
            case Between(_, low, high):
                return _between(path, low, high, sure)
            case BeginsWith(_, prefix):
                return Call("begins_with", path, {"S": prefix})
            case Contains(_, value):
                return _contains(path, value, sure)
            case In(_, values):
                return _one_of(path, values, sure)
            case _:
                return exists(path)


def _equal(path: Path, value: Value, sure: bool) -> Term:
    attribute, _ = encode(value)
    if levels(attribute) > MAX_LEVELS:
        return False  # no item holds it, and the service would refuse it
    term: Term = Comparison(path, "=", attribute)
    if not sure or not is_touchy(value):
        return term
    return all_of(term, *_type_terms(path, value))


def _one_of(path: Path, values: tuple[Value, ...], sure: bool) -> Term:
    plain: list[Attribute] = []
    terms: list[Term] = []
    for value in values:
        term = _equal(path, value, sure)
        if isinstance(term, Comparison):
            plain.append(term.value)
        else:
            terms.append(term)
    runs = [tuple(plain[start : start + MAX_IN]) for start in range(0, len(plain), MAX_IN)]
    return any_of(*(OneOf(path, run) for run in runs), *terms)


def _ordered(path: Path, operator: Order, value: Value, sure: bool) -> Term:
    if isinstance(value, datetime):
        return Comparison((*path, DATETIME), operator, {"S": datetime_text(value)})
    if kind_of(value) != "number":
        return Comparison(path, operator, encode(value)[0])
    text = number_text(value)
    if text is None:  # beyond all numbers of the service, or nearer to zero than any
        return False if sure else any_of(has_type(path, "N"), _far(path))
    touchy = touchy_mark(value) is not None
    if sure:
        terms = _type_terms(path, value) if touchy else ()
        return all_of(Comparison(path, operator, {"N": text}), *terms)
    if touchy:
        low, high = outer_bounds(value)
        upwards = operator in {">", ">="}
        text, operator = (low, ">=") if upwards else (high, "<=")
    return any_of(Comparison(path, operator, {"N": text}), _far(path))


def _between(path: Path, low: Value, high: Value, sure: bool) -> Term:
    if kind_of(low) == "number":
        plain = touchy_mark(low) is None and touchy_mark(high) is None
        texts = number_text(low), number_text(high)
        if not plain or None in texts or not sure:
            return all_of(_ordered(path, ">=", low, sure), _ordered(path, "<=", high, sure))
    if isinstance(low, datetime):
        low, high, path = datetime_text(low), datetime_text(high), (*path, DATETIME)
    return Range(path, encode(low)[0], encode(high)[0])


def _contains(path: Path, value: Value, sure: bool) -> Term:
    is_list, is_text = has_type(path, "L"), has_type(path, "S")
    attribute, _ = encode(value)
    if value == "":  # every text holds it; what a list does with it is not documented
        return is_text if sure else any_of(is_text, is_list)
    if value == b"" or not attribute.keys() & {"S", "N", "B"}:  # nor with these
        return False if sure else is_list
    term = Call("contains", path, attribute)
    if not sure:
        return term
    if is_touchy(value):
        return False
    return all_of(term, any_of(is_text, is_list) if isinstance(value, str) else is_list)


def _far(path: Path) -> Term:
    return exists((*path, FAR_FLOAT))


def _type_terms(path: Path, value: Value) -> tuple[Term, ...]:
    """That the number at a path is not of the type that this one might be taken for."""
    mark = touchy_mark(value)
    if mark is None:
        return (False,)  # it is inside a list or a dict, where no term can look at the marks
    other = negation(Comparison((TYPES, *path), "=", {"S": mark}))
    # A number without any marks, written by another program, may be a Decimal but is no float.
    return (other, exists((TYPES,))) if mark == DECIMAL else (other,)
