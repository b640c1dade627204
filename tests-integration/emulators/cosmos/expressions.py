"""The expressions of a query as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulators.cosmos.errors import errors_of, invalid, unsupported
from emulators.cosmos.functions import FUNCTIONS
from emulators.cosmos.syntax import AGGREGATES, Call, Expression, Literal, Members, Path
from emulators.cosmos.tokens import Token, string_of, tokens_of, wrong_syntax
from emulators.cosmos.values import UNDEFINED, number

KEYWORDS = frozenset(
    [
        "AND",
        "AS",
        "ASC",
        "BETWEEN",
        "BY",
        "DESC",
        "DISTINCT",
        "FROM",
        "GROUP",
        "HAVING",
        "IN",
        "JOIN",
        "LIKE",
        "LIMIT",
        "NOT",
        "OFFSET",
        "OR",
        "ORDER",
        "SELECT",
        "TOP",
        "VALUE",
        "WHERE",
    ]
)
CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}
COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}


class Expressions:
    """Reads expressions.

    Attributes:
        text: The query.
        position: Of the next word.
        alias: What the query calls an item.
    """

    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self.text = text
        self.position = 0
        self.alias = ""
        self._tokens = tokens_of(text)
        self._parameters = parameters

    def peek(self) -> Token:
        return self._tokens[self.position]

    def at_keyword(self) -> bool:
        return self.peek().word in KEYWORDS

    def take(self, wanted: str) -> bool:
        """Go on, if the next word is this keyword or mark."""
        token = self.peek()
        if token.kind not in {"name", "mark"} or token.text.upper() != wanted:
            return False
        self.position += 1
        return True

    def expect(self, wanted: str) -> Token:
        token = self.peek()
        if not self.take(wanted):
            raise wrong_syntax(token.text)
        return token

    def name(self) -> str:
        token = self.peek()
        if token.kind != "name" or self.at_keyword():
            raise wrong_syntax(token.text)
        self.position += 1
        return token.text

    def literal(self) -> Any:
        """A number, a string or a parameter: its value."""
        token = self.peek()
        self.position += 1
        if token.kind == "number":
            return number(token.text)
        if token.kind == "string":
            return string_of(token)
        if token.kind == "parameter" and token.text in self._parameters:
            return self._parameters[token.text]
        raise wrong_syntax(token.text)

    def expression(self) -> Expression:
        left = self._conjunction()
        while self.take("OR"):
            left = Call("OR", (left, self._conjunction()))
        return left

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self.take("AND"):
            left = Call("AND", (left, self._negation()))
        return left

    def _negation(self) -> Expression:
        if self.take("NOT"):
            return Call("NOT", (self._negation(),))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._primary()
        if self.peek().text in COMPARISONS and self.peek().kind == "mark":
            mark = self.peek().text
            self.position += 1
            return Call("!=" if mark == "<>" else mark, (left, self._primary()))
        negated = self.take("NOT")
        if self.take("IN"):
            self.expect("(")
            found: Expression = Call("IN", (left, *self._list(")")))
        elif self.take("BETWEEN"):
            low = self._primary()
            self.expect("AND")
            found = Call("BETWEEN", (left, low, self._primary()))
        elif negated:
            raise wrong_syntax(self.peek().text)
        elif self.peek().word == "LIKE":
            raise unsupported("LIKE")
        else:
            return left
        return Call("NOT", (found,)) if negated else found

    def _list(self, end: str) -> tuple[Expression, ...]:
        """Expressions with commas between them; the opening mark is behind."""
        if self.take(end):
            return ()
        items = [self.expression()]
        while self.take(","):
            items.append(self.expression())
        self.expect(end)
        return tuple(items)

    def _primary(self) -> Expression:
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.take("["):
            return Call("array", self._list("]"))
        if self.take("{"):
            return self._members()
        if self.take("-"):
            token = self.peek()
            if token.kind != "number":
                raise unsupported("the operator -")
            self.position += 1
            return Literal(number(f"-{token.text}"))
        if self.peek().kind == "name":
            return self._named()
        return Literal(self.literal())

    def _members(self) -> Members:
        names: list[str] = []
        values: list[Expression] = []
        while not self.take("}"):
            if names:
                self.expect(",")
            token = self.peek()
            names.append(str(self.literal()) if token.kind == "string" else self.name())
            self.expect(":")
            values.append(self.expression())
        return Members(tuple(names), tuple(values))

    def _named(self) -> Expression:
        word = self.peek().word
        name = self.name()
        if self.take("("):
            return self._call(word, name)
        if word in CONSTANTS:
            return Literal(CONSTANTS[word])
        if name != self.alias:
            raise invalid(errors_of(f"SC2001: Identifier '{name}' could not be resolved."))
        return Path(self._steps())

    def _call(self, word: str, name: str) -> Call:
        operands = self._list(")")
        if word in AGGREGATES:
            if len(operands) != 1:
                raise invalid(errors_of(f"SC2050: The function '{word}' takes 1 argument."))
            return Call(word, operands)
        function = FUNCTIONS.get(word)
        if function is None:
            raise invalid(
                errors_of(f"SC2005: '{name}' is not a recognized built-in function name.")
            )
        if len(operands) not in function.counts:
            raise invalid(errors_of(f"SC2050: Wrong number of arguments for '{name}'."))
        return Call(word, operands)

    def _steps(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        while True:
            if self.take("."):
                token = self.peek()
                if token.kind != "name":
                    raise wrong_syntax(token.text)
                if self.at_keyword():
                    raise wrong_syntax(token.text)
                self.position += 1
                steps.append(token.text)
            elif self.take("["):
                step = self.literal()
                if isinstance(step, bool) or not isinstance(step, (str, int)):
                    raise wrong_syntax("[")
                steps.append(step)
                self.expect("]")
            else:
                return tuple(steps)
