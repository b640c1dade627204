"""Queries as they are written, read by recursive descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulators.cosmos.errors import errors_of, invalid, unsupported
from emulators.cosmos.expressions import Expressions
from emulators.cosmos.syntax import Column, Expression, Order, Path, Query
from emulators.cosmos.tokens import wrong_syntax

_BEYOND = {"JOIN", "GROUP", "DISTINCT", "IN", "HAVING"}


def parse_query(text: str, parameters: Mapping[str, Any]) -> Query:
    """A query.

    Args:
        text: ``SELECT ...``.
        parameters: By name, with the ``@``.

    Raises:
        CosmosError: It is wrong (400), or beyond what the double knows (501).
    """
    return _Queries(text, parameters).query()


def parse_condition(text: str) -> Expression:
    """The condition of a patch: ``from c where ...``.

    Raises:
        CosmosError: As for a query.
    """
    query = _Queries(text, {}).condition()
    if query.where is None:
        raise wrong_syntax(text)
    return query.where


class _Queries(Expressions):
    def query(self) -> Query:
        self.expect("SELECT")
        top = self._count() if self.take("TOP") else None
        value = self.take("VALUE")
        if self.peek().word in _BEYOND:
            raise unsupported(self.peek().text)
        # What is selected is called by an alias that only comes behind it.
        selected = self.position
        self._skip_to("FROM")
        self._from()
        behind = self.position
        self.position = selected
        columns = self._columns()
        if self.peek().word != "FROM":
            raise wrong_syntax(self.peek().text)
        self.position = behind
        if value and len(columns) != 1:
            raise wrong_syntax("VALUE")
        return self._rest(Query(self.alias, columns, value, top=top))

    def condition(self) -> Query:
        self._from()
        return self._rest(Query(self.alias))

    def _rest(self, query: Query) -> Query:
        begin = self.peek().end
        where = self.expression() if self.take("WHERE") else None
        where_text = self.text[begin : self.peek().begin].strip() if where else ""
        begin = self.peek().begin
        order = self._order() if self.take("ORDER") else ()
        order_text = self.text[begin : self.peek().begin].strip()
        offset = self._count() if self.take("OFFSET") else None
        limit = None
        if offset is not None:
            self.expect("LIMIT")
            limit = self._count()
        if self.peek().word in _BEYOND:
            raise unsupported(self.peek().text)
        if self.peek().kind != "end":
            raise wrong_syntax(self.peek().text)
        if query.top is not None and limit is not None:
            raise invalid(errors_of("SC2204: 'TOP' and 'OFFSET LIMIT' cannot be used together."))
        texts = {"where": where_text, "order": order_text}
        return replace(query, where=where, order=order, offset=offset, limit=limit, texts=texts)

    def _from(self) -> None:
        self.expect("FROM")
        self.alias = self.name()
        if self.take("AS") or (self.peek().kind == "name" and not self.at_keyword()):
            self.alias = self.name()
        if self.peek().word in _BEYOND:
            raise unsupported(self.peek().text)

    def _skip_to(self, word: str) -> None:
        while self.peek().word != word:
            if self.peek().kind == "end":
                raise unsupported("a query without FROM")
            self.position += 1

    def _columns(self) -> tuple[Column, ...]:
        if self.take("*"):
            return ()
        columns = [self._column(1)]
        while self.take(","):
            columns.append(self._column(len(columns) + 1))
        names = [column.name for column in columns]
        if len(set(names)) < len(names):
            raise invalid(errors_of("SC2005: Cannot use the same name for two properties."))
        return tuple(columns)

    def _column(self, number: int) -> Column:
        begin = self.peek().begin
        value = self.expression()
        text = self.text[begin : self.peek().begin].strip()
        if self.take("AS") or (self.peek().kind == "name" and not self.at_keyword()):
            return Column(self.name(), value, text)
        if isinstance(value, Path):
            last = value.steps[-1] if value.steps else self.alias
            if isinstance(last, str):
                return Column(last, value, text)
        return Column(f"${number}", value, text)

    def _order(self) -> tuple[Order, ...]:
        self.expect("BY")
        order = [self._sorted_by()]
        while self.take(","):
            order.append(self._sorted_by())
        return tuple(order)

    def _sorted_by(self) -> Order:
        path = self.expression()
        if not isinstance(path, Path) or not path.steps:
            raise invalid(errors_of("SC2102: Unsupported ORDER BY clause. Sort by a path."))
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        return Order(path, descending)

    def _count(self) -> int:
        value = self.literal()
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise invalid(errors_of(f"SC2058: {value!r} is no count."))
        return value
