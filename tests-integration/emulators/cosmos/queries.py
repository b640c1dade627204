"""Queries over the items that a request may see: a page at a time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from emulators.cosmos.errors import errors_of, invalid
from emulators.cosmos.evaluation import evaluate, made
from emulators.cosmos.syntax import Call, Expression, Members, Query
from emulators.cosmos.values import UNDEFINED, at, sort_key

MAX_PAGE_BYTES = 4 * 1024 * 1024
DEFAULT_PAGE = 100


@dataclass(frozen=True)
class Row:
    """An item that a query sees.

    Attributes:
        place: Its partition, and its number in it: the order when nothing is sorted.
        item: All of it.
    """

    place: tuple[str, int]
    item: dict[str, Any]


def identity(query: str, parameters: Any) -> str:
    """Tells queries apart: a continuation belongs to one."""
    text = json.dumps([query, parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Position:
    """Where a page ended.

    Attributes:
        values: What its last item was sorted by, None where that was undefined.
        place: That of its last item.
        skipped: How many items of OFFSET are behind.
        given: How many items were given.
    """

    values: list[list[Any]]
    place: tuple[str, int]
    skipped: int
    given: int

    def token(self, query: str) -> str:
        fields = [query, self.values, list(self.place), self.skipped, self.given]
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()

    @classmethod
    def of(cls, token: str, query: str) -> Position:
        """A position from its token.

        Raises:
            CosmosError: It is none, or one of another query (400).
        """
        try:
            own, values, place, skipped, given = json.loads(base64.urlsafe_b64decode(token))
            position = cls(values, (place[0], place[1]), skipped, given)
        except (ValueError, TypeError, IndexError) as error:
            raise invalid("INVALID JSON in continuation token") from error
        if own != query:
            raise invalid("The continuation token is of another query.")
        return position


def run(
    query: Query, rows: Sequence[Row], name: str, token: str | None, size: int
) -> tuple[list[Any], str | None]:
    """A page.

    Args:
        query: What is asked.
        rows: All items that may be seen.
        name: Its identity, for the continuation.
        token: Where to go on.
        size: How many items at most; a page may have fewer.

    Returns:
        The results, and the token for the next page if there is one.
    """
    found = [row for row in rows if query.where is None or evaluate(query.where, row.item) is True]
    if query.aggregates:
        return _aggregated(query, [row.item for row in found]), None
    found.sort(key=cmp_to_key(_comparing(query)))
    position = Position.of(token, name) if token else None
    if position is not None:
        after = position
        found = [row for row in found if _is_behind(query, row, after)]
    return _page(query, found, name, position, size)


def _page(
    query: Query, found: list[Row], name: str, position: Position | None, size: int
) -> tuple[list[Any], str | None]:
    skipped, given = (position.skipped, position.given) if position else (0, 0)
    rest = (query.offset or 0) - skipped
    skipped += max(0, min(rest, len(found)))
    found = found[max(0, rest) :]
    if query.most is not None:
        found = found[: max(0, query.most - given)]
    results: list[Any] = []
    taken = total = 0
    for row in found:
        result = _selected(query, row.item)
        total += 0 if result is UNDEFINED else len(json.dumps(result))
        if taken == size or (taken and total > MAX_PAGE_BYTES):
            break
        taken += 1
        if result is not UNDEFINED:
            results.append(result)
    if taken == len(found):
        return results, None
    last = found[taken - 1]
    values = [list(key) for key in _keys(query, last.item)]
    return results, Position(values, last.place, skipped, given + taken).token(name)


def _keys(query: Query, item: dict[str, Any]) -> list[tuple[int, Any]]:
    return [sort_key(at(item, order.path.steps)) for order in query.order]


def _compare(query: Query, left: tuple[list[Any], Any], right: tuple[list[Any], Any]) -> int:
    for order, one, other in zip(query.order, left[0], right[0], strict=True):
        if tuple(one) != tuple(other):
            smaller = tuple(one) < tuple(other)
            return -1 if smaller != order.descending else 1
    return int(left[1] > right[1]) - int(left[1] < right[1])


def _comparing(query: Query) -> Callable[[Row, Row], int]:
    def compare(left: Row, right: Row) -> int:
        one, other = _keys(query, left.item), _keys(query, right.item)
        return _compare(query, (one, left.place), (other, right.place))

    return compare


def _is_behind(query: Query, row: Row, position: Position) -> bool:
    own = (list(_keys(query, row.item)), row.place)
    return _compare(query, own, (position.values, position.place)) > 0


def _selected(query: Query, item: dict[str, Any]) -> Any:
    if not query.columns:
        return item
    values = [evaluate(column.value, item) for column in query.columns]
    if query.value:
        return values[0]
    return made(tuple(column.name for column in query.columns), values)


def _aggregated(query: Query, items: list[dict[str, Any]]) -> list[Any]:
    values = [_aggregate(column.value, items) for column in query.columns]
    if query.value:
        return [] if values[0] is UNDEFINED else values
    return [made(tuple(column.name for column in query.columns), values)]


def _aggregate(expression: Expression, items: list[dict[str, Any]]) -> Any:
    if isinstance(expression, Members):
        return made(expression.names, [_aggregate(value, items) for value in expression.values])
    if isinstance(expression, Call) and expression.name == "array":
        return [_aggregate(value, items) for value in expression.operands]
    if not isinstance(expression, Call) or expression.name not in _AGGREGATES:
        raise invalid(errors_of("SC2103: Select aggregates, or values, not both."))
    values = [evaluate(expression.operands[0], item) for item in items]
    return _AGGREGATES[expression.name]([value for value in values if value is not UNDEFINED])


def _sum(values: list[Any]) -> Any:
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        return UNDEFINED
    return sum(values)


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "SUM": _sum,
    "MIN": lambda values: min(values, key=sort_key, default=UNDEFINED),
    "MAX": lambda values: max(values, key=sort_key, default=UNDEFINED),
}
