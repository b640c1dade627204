"""moto's server with the places mended where its DynamoDB is not the documented one.

Runs in moto's own environment, which is why nothing of the tests is imported here. Each correction
says what moto 5.2 does, and what the service's documentation says instead. Without them moto
fails some 40 behaviours of the suite on each runtime, with them none.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from moto.core.responses import EmptyResult  # type: ignore[import-not-found]  # of moto's environment
from moto.dynamodb import comparisons  # type: ignore[import-not-found]  # of moto's environment
from moto.dynamodb.responses import DynamoHandler  # type: ignore[import-not-found]  # of moto's environment
from moto.server import main  # type: ignore[import-not-found]  # of moto's environment

Typed = tuple[str, Any]


def typed(operand: Any, item: Any) -> Typed | None:
    """Type and value of an operand; None when the attribute is missing."""
    if isinstance(operand, comparisons.AttributePath):
        attribute = operand._get_attr(item)
        return None if attribute is None else _typed_attribute(attribute.type, attribute.value)
    if isinstance(operand, comparisons.AttributeValue):
        return _typed_attribute(operand.type, operand.value)
    return "N", Decimal(operand.expr(item))  # size()


def _typed_attribute(kind: str, value: Any) -> Typed:
    if kind == "N":
        return kind, Decimal(value)
    if kind == "L":
        return kind, [_typed_attribute(*_parts(inner)) for inner in value]
    if kind == "M":
        return kind, {name: _typed_attribute(*_parts(inner)) for name, inner in value.items()}
    return kind, value


def _parts(value: Any) -> tuple[str, Any]:
    if isinstance(value, dict):
        ((kind, inner),) = value.items()
        return kind, inner
    return value.type, value.value


def equal(left: Typed | None, right: Typed | None) -> bool:
    """Both are there, of the same type, and equal."""
    return left is not None and left == right


def compare_with_types() -> None:
    """Compare only values of the same type, and only attributes that are there.

    moto compares Python's values: a missing attribute equals NULL, true equals 1, and an attribute of
    another type than the operand's is a status 500.

    Documented: values of different types are never equal, comparisons of different types, and with
    attributes that are missing, are false.
    """

    def ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
        def expr(self: Any, item: Any) -> bool:
            left, right = typed(self.lhs, item), typed(self.rhs, item)
            if left is None or right is None or left[0] != right[0]:
                return False
            return compare(left[1], right[1])

        return expr

    def between(self: Any, item: Any) -> bool:
        value, low, high = (typed(part, item) for part in (self.attr, self.start, self.end))
        if value is None or low is None or high is None:
            return False
        return value[0] == low[0] == high[0] and low[1] <= value[1] <= high[1]

    def one_of(self: Any, item: Any) -> bool:
        value = typed(self.attr, item)
        return any(equal(value, typed(other, item)) for other in self.possible_values)

    comparisons.OpEqual.expr = lambda self, item: equal(
        typed(self.lhs, item), typed(self.rhs, item)
    )
    comparisons.OpNotEqual.expr = lambda self, item: (
        not equal(typed(self.lhs, item), typed(self.rhs, item))
    )
    comparisons.OpLessThan.expr = ordered(operator.lt)
    comparisons.OpLessThanOrEqual.expr = ordered(operator.le)
    comparisons.OpGreaterThan.expr = ordered(operator.gt)
    comparisons.OpGreaterThanOrEqual.expr = ordered(operator.ge)
    comparisons.FuncBetween.expr = between
    comparisons.FuncIn.expr = one_of


def find_elements_with_types() -> None:
    """Find in a list only elements of the operand's type.

    moto looks for Python's value: contains(list, 1) is true for a list with true.
    """
    untyped = comparisons.FuncContains.expr

    def contains(self: Any, item: Any) -> bool:
        value, wanted = typed(self.attr, item), typed(self.operand, item)
        if value is not None and value[0] == "L":
            return wanted in value[1]
        if value is not None and wanted is not None and value[0] == "S" != wanted[0]:
            return False
        return bool(untyped(self, item))

    comparisons.FuncContains.expr = contains


def write_one_after_the_other() -> None:
    """Carry out one request at a time.

    moto's threads run into each other: of transactions at the same time, single writes are lost.
    Documented: writes are atomic, and transactions serializable.
    """
    lock = threading.Lock()
    call_action = DynamoHandler.call_action

    def in_turn(self: DynamoHandler) -> Any:
        with lock:
            return call_action(self)

    DynamoHandler.call_action = in_turn


def know_transactions_by_their_tokens() -> None:
    """Carry out a transaction only once that comes twice with one token.

    moto ignores ClientRequestToken. Documented: a request with the token of one that succeeded in the
    last ten minutes changes nothing, and succeeds.
    """
    done: set[str] = set()
    transact = DynamoHandler.transact_write_items

    def once(self: Any) -> Any:
        token = self.body.get("ClientRequestToken")
        if token in done:
            return EmptyResult()
        answer = transact(self)
        if token is not None:
            done.add(token)
        return answer

    DynamoHandler.transact_write_items = once


if __name__ == "__main__":
    know_transactions_by_their_tokens()
    compare_with_types()
    find_elements_with_types()
    write_one_after_the_other()
    main(sys.argv[1:])
