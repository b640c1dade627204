"""Evaluates condition expressions on items as DynamoDB's documentation says. Shares nothing with the provider."""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from typing import Any

_TOKEN = re.compile(r"\s*(#\d+(?:\.#\d+)*|:\d+|<=|>=|<>|[=<>(),]|[A-Za-z_]+)")
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Evaluator:
    """One expression and one item.

    Args:
        text: The expression.
        names: Its placeholders for names.
        values: Its placeholders for values.
        item: The item, by attribute.
    """

    def __init__(
        self, text: str, names: dict[str, str], values: dict[str, Any], item: dict[str, Any]
    ) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", "")
        self.at = 0
        self.names, self.values, self.item = names, values, item

    def holds(self) -> bool:
        result = self.either()
        assert self.at == len(self.tokens), "something follows the expression"
        return result

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        assert wanted is None or token == wanted, f"{wanted} expected, not {token}"
        self.at += 1
        return token

    def either(self) -> bool:
        result = self.both()
        while self.peek() == "OR":
            self.take()
            result = self.both() or result
        return result

    def both(self) -> bool:
        result = self.single()
        while self.peek() == "AND":
            self.take()
            result = self.single() and result
        return result

    def single(self) -> bool:
        if self.peek() == "NOT":
            self.take()
            return not self.single()
        if self.peek() == "(":
            self.take()
            twice, start = self.peek() == "(", self.at
            result = self.either()
            assert not (twice and self.closes(start) == self.at - 1), "redundant parentheses"
            self.take(")")
            return result
        if self.peek()[0] not in "#:":
            return self.function()
        return self.comparison()

    def closes(self, start: int) -> int:
        level = 0
        for place in range(start, len(self.tokens)):
            level += {"(": 1, ")": -1}.get(self.tokens[place], 0)
            if level == 0:
                return place
        raise AssertionError("a parenthesis is not closed")

    def function(self) -> bool:
        name = self.take()
        self.take("(")
        path = self.operand()
        more = None
        if self.peek() == ",":
            self.take()
            more = self.operand()
        self.take(")")
        match name:
            case "attribute_exists":
                return path is not None
            case "attribute_not_exists":
                return path is None
            case "attribute_type":
                return path is not None and path[0] == more[1].decode()
            case "begins_with":
                return path is not None and path[0] == more[0] and path[1].startswith(more[1])
            case "contains":
                return contains(path, more)
        raise AssertionError(f"no function {name}")

    def comparison(self) -> bool:
        left, word = self.operand(), self.take()
        if word == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            assert low[0] == high[0]
            assert low[1] <= high[1]
            return left is not None and left[0] == low[0] and low[1] <= left[1] <= high[1]
        if word == "IN":
            self.take("(")
            found = [self.operand()]
            while self.peek() == ",":
                self.take()
                found.append(self.operand())
            self.take(")")
            assert len(found) <= 100
            return left is not None and left in found
        right = self.operand()
        if word == "=":
            return left is not None and left == right
        if left is None or left[0] != right[0]:
            return False
        assert left[0] in {"S", "N", "B"}
        return bool(_ORDER[word](left[1], right[1]))

    def operand(self) -> Any:
        token = self.take()
        if token.startswith(":"):
            return typed(self.values[token])
        value: Any = {"M": self.item}
        for placeholder in token.split("."):
            value = value.get("M", {}).get(self.names[placeholder])
            if value is None:
                return None
        return typed(value)


def typed(attribute: Any) -> Any:
    ((kind, raw),) = attribute.items()
    if kind == "N":
        number = Decimal(raw)
        digits = "".join(map(str, number.as_tuple().digits)).strip("0")
        assert len(digits) <= 38
        assert number == 0 or Decimal("1E-130") <= number.copy_abs() < Decimal("1E+126")
        return kind, number
    if kind == "S":
        return kind, raw.encode()
    if kind == "L":
        return kind, [typed(item) for item in raw]
    if kind == "M":
        return kind, {name: typed(item) for name, item in raw.items()}
    return kind, raw


def contains(value: Any, wanted: Any) -> bool:
    assert wanted[0] in {"S", "N", "B"}, "what it does with other types is not documented"
    assert wanted[1] != b""
    if value is None:
        return False
    if value[0] == "L":
        return wanted in value[1]
    return value[0] in {"S", "B"} and value[0] == wanted[0] and wanted[1] in value[1]
