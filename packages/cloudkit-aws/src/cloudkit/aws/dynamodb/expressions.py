"""DynamoDB's expressions: built as terms, simplified, and written with placeholders.

Every name and every value is a placeholder, so that reserved words, dots and brackets mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from attrs import field, frozen
from cloudkit.api.kv.paths import Path
from cloudkit.aws.dynamodb.values import Attribute

MAX_OPERATORS = 300
MAX_EXPRESSION_BYTES = 4096
MAX_IN = 100


@frozen
class Comparison:
    """An attribute against a value."""

    path: Path
    operator: Literal["=", "<", "<=", ">", ">="]
    value: Attribute


@frozen
class Call:
    """A function of an attribute."""

    function: Literal[
        "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"
    ]
    path: Path
    value: Attribute | None = None


@frozen
class Range:
    """An attribute from one value to another."""

    path: Path
    low: Attribute
    high: Attribute


@frozen
class OneOf:
    """An attribute that equals one of at most 100 values."""

    path: Path
    values: tuple[Attribute, ...]


@frozen
class Group:
    """Terms, all of which or one of which must hold."""

    word: Literal["AND", "OR"]
    terms: tuple[Term, ...]


@frozen
class Negation:
    """The opposite."""

    term: Term


Term: TypeAlias = bool | Comparison | Call | Range | OneOf | Group | Negation
"""A condition of the service. True and False are those that always, and never, hold."""


class TooComplexError(Exception):
    """The service does not take an expression that long."""


def exists(path: Path) -> Term:
    """The attribute is there."""
    return Call("attribute_exists", path)


def not_exists(path: Path) -> Term:
    """The attribute is not there."""
    return Call("attribute_not_exists", path)


def has_type(path: Path, kind: str) -> Term:
    """The attribute is of a type, such as N."""
    return Call("attribute_type", path, {"S": kind})


def all_of(*terms: Term) -> Term:
    """All hold."""
    return _group("AND", terms, neutral=True)


def any_of(*terms: Term) -> Term:
    """At least one holds."""
    return _group("OR", terms, neutral=False)


def negation(term: Term) -> Term:
    """It does not hold."""
    if isinstance(term, bool):
        return not term
    return term.term if isinstance(term, Negation) else Negation(term)


def _group(word: Literal["AND", "OR"], terms: tuple[Term, ...], *, neutral: bool) -> Term:
    flat = [inner for term in terms for inner in _members(word, term) if inner is not neutral]
    if (not neutral) in flat:
        return not neutral
    if not flat:
        return neutral
    return flat[0] if len(flat) == 1 else Group(word, tuple(flat))


def _members(word: str, term: Term) -> Iterator[Term]:
    if isinstance(term, Group) and term.word == word:
        yield from term.terms
    else:
        yield term


@frozen
class Placeholders:
    """The names and values of one request's expressions.

    Attributes:
        names: Placeholder → name.
        values: Placeholder → value.
    """

    names: dict[str, str] = field(factory=dict)
    values: dict[str, Attribute] = field(factory=dict)
    _known: dict[str, str] = field(factory=dict)

    def path(self, path: Path) -> str:
        """A path in placeholders."""
        return ".".join(map(self._name, path))

    def value(self, value: Attribute) -> str:
        """A value's placeholder."""
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def condition(self, term: Term) -> str | None:
        """A condition in writing; None for one that always holds.

        Raises:
            TooComplexError: It is longer than the service takes; nothing was added.
        """
        if term is True:
            return None
        if operators(term) > MAX_OPERATORS:
            raise TooComplexError
        draft = Placeholders(dict(self.names), dict(self.values), dict(self._known))
        text = draft._write(term)
        if len(text) > MAX_EXPRESSION_BYTES:
            raise TooComplexError
        for mine, drafted in (
            (self.names, draft.names),
            (self.values, draft.values),
            (self._known, draft._known),
        ):
            mine.update(drafted)  # type: ignore[arg-type]  # pairs of the same type
        return text

    def arguments(self) -> dict[str, Any]:
        """Names and values as arguments of a request, which takes no empty ones."""
        given = {
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": self.values,
        }
        return {name: value for name, value in given.items() if value}

    def _name(self, name: str) -> str:
        if name not in self._known:
            placeholder = self._known[name] = f"#{len(self._known)}"
            self.names[placeholder] = name
        return self._known[name]

    def _write(self, term: Term) -> str:
        match term:
            case bool():
                # There is no way to write it: no item has an attribute of this name.
                return self._write(Call("attribute_exists", ("_cloudkit_never",)))
            case Comparison(path, operator, value):
                return f"{self.path(path)} {operator} {self.value(value)}"
            case Range(path, low, high):
                return f"{self.path(path)} BETWEEN {self.value(low)} AND {self.value(high)}"
            case OneOf(path, values):
                return f"{self.path(path)} IN ({', '.join(map(self.value, values))})"
            case Call(function, path, value):
                more = "" if value is None else f", {self.value(value)}"
                return f"{function}({self.path(path)}{more})"
            case Negation(inner):
                return f"NOT {self._nested(inner)}"
            case Group(word, terms):
                return f" {word} ".join(map(self._nested, terms))

    def _nested(self, term: Term) -> str:
        # Two pairs of brackets around one thing are an error to the service.
        text = self._write(term)
        return text if isinstance(term, Call) else f"({text})"


def operators(term: Term) -> int:
    """How many operators and functions the service counts."""
    match term:
        case Group(_, terms):
            return len(terms) - 1 + sum(map(operators, terms))
        case Negation(inner):
            return 1 + operators(inner)
        case _:
            return 1
