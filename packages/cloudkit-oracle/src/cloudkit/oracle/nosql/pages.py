"""Pages of items: queries and scans.

The service is asked for ranges of sort keys, by their columns; a scan asks for what its filter says of
texts and bools. What comes is looked at again, here: columns of long keys are cut, and filters say more.
A query asks for nothing of its filter: where nothing was found, there would be no place to go on from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from attrs import define, field, frozen
from cloudkit.api.kv import Item, Key, SortCondition
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.operations import QueryItems, ScanItems
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.oracle.nosql.filters import equalities
from cloudkit.oracle.nosql.items import ItemCodec
from cloudkit.oracle.nosql.keys import LAST, SORT_BYTES, is_cut, ordered, run_of, sort_column
from cloudkit.oracle.nosql.names import DOCUMENT
from cloudkit.oracle.nosql.schema import MisfitError, Schema
from cloudkit.oracle.nosql.session import Session

MAX_ANSWERS: Final = 4
"""A page ends after so many answers of the service, each of which has up to 2 MB."""


@frozen
class Select:
    """A query in the making.

    Attributes:
        schema: Of the table.
        terms: What must hold.
        values: Of the variables.
    """

    schema: Schema
    terms: list[str] = field(factory=list)
    values: dict[str, str | bool] = field(factory=dict)

    def term(self, column: str, operator: str, value: str | bool) -> None:
        """Compare a column, or a place in one, with a value."""
        name = f"$v{len(self.values)}"
        self.values[name] = value
        self.terms.append(f"$r.{column} {operator} {name}")

    def filter(self, condition: Condition | None) -> None:
        """Ask for what a filter says, as far as the service can tell."""
        for path, value in equalities(condition):
            place = "".join(f'."{name}"' for name in path)
            self.term(f"{DOCUMENT}{place}", "=any", value)

    def statement(self, order: str = "") -> str:
        """The statement. It holds no value, and no name that was not checked."""
        source = f"SELECT * FROM {self.schema.table} $r"  # noqa: S608  # see above
        if not self.terms:
            return source
        types = {name: _type(value) for name, value in self.values.items()}
        declared = " ".join(f"{name} {kind};" for name, kind in types.items())
        return f"DECLARE {declared} {source} WHERE {' AND '.join(self.terms)}{order}"

    def ordered(self, *, descending: bool) -> str:
        """The statement for rows in the order of their keys."""
        way = "DESC" if descending else "ASC"
        info = self.schema.info
        keys = [name for name in (info.partition_key, info.sort_key) if name is not None]
        return self.statement(" ORDER BY " + ", ".join(f"$r.{name} {way}" for name in keys))


@define
class Answers:
    """The rows of a query, fetched as they are needed.

    Attributes:
        session: Asks the service.
        statement: What is asked.
        values: Of its variables.
        size: Most rows of one answer.
        consistent: Whether all writes must show.
        count: Answers so far.
    """

    session: Session
    statement: str
    values: dict[str, str | bool]
    size: int
    consistent: bool
    count: int = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        page: str | None = None
        while True:
            rows, page = self.session.query(
                self.statement,
                self.values,
                limit=self.size,
                page=page,
                consistent=self.consistent,
            )
            self.count += 1
            yield from rows
            if page is None:
                return


def query(session: Session, schema: Schema, op: QueryItems, most: int) -> Page[Item]:
    """One page of a query.

    Args:
        session: Asks the service.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this query, or the table has no sort key to ask for.
    """
    listing = _listing(op)
    after = None if op.page_token is None else read_token(op.page_token, listing)[0]
    sort = schema.info.sort_key
    if sort is None:
        return _single(session, schema, op)
    size = min(op.page_size or most, most)
    select = Select(schema)
    select.term(schema.info.partition_key, "=", schema.partition(op.partition))
    if op.sort is not None:
        select_sort(select, sort, op.sort)
    if after is not None:
        select_after(select, sort, after, descending=op.descending)
    statement = select.ordered(descending=op.descending)
    answers = Answers(session, statement, select.values, min(size + 1, most), op.consistent)
    items: list[Item] = []
    count, last = 0, ""
    for item in _in_order(schema, answers, descending=op.descending):
        at = item.key.sort or ""
        if after is not None and (at >= after if op.descending else at <= after):
            continue  # of a run that was begun before
        if count == size or (count and answers.count > MAX_ANSWERS):
            return Page(items, make_token(listing, (last,)))
        count, last = count + 1, at
        if _matches(item, op):
            items.append(item)
    return Page(items)


def scan(session: Session, schema: Schema, op: ScanItems, most: int) -> Page[Item]:
    """One page of a scan.

    Args:
        session: Asks the service.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this scan.
    """
    select = Select(schema)
    select.filter(op.filter)
    # The service goes on with the same query only.
    listing = ("scan", op.table, repr((select.terms, select.values)))
    page = None if op.page_token is None else read_token(op.page_token, listing)[0]
    rows, following = session.query(
        select.statement(),
        select.values,
        limit=min(op.page_size or most, most),
        page=page,
        consistent=op.consistent,
    )
    codec = ItemCodec(schema)
    items = [
        item
        for item in map(codec.decode, rows)
        if not item.expired and (op.filter is None or op.filter.matches(item.document))
    ]
    return Page(items, None if following is None else make_token(listing, (following,)))


def select_sort(select: Select, column: str, condition: SortCondition) -> None:
    """Ask for all rows whose sort keys may meet a condition."""
    value = condition.value
    match condition.operator:
        case "=":
            select.term(column, "=", sort_column(value))
        case "<" | "<=" as operator:
            _select_high(select, column, operator, value)
        case ">" | ">=" as operator:
            _select_low(select, column, operator, value)
        case "between":
            _select_low(select, column, ">=", value)
            _select_high(select, column, "<=", condition.high or "")
        case "begins_with":
            start = ordered(value)[:SORT_BYTES]
            select.term(column, ">=", start)
            select.term(column, "<", start + LAST)


def select_after(select: Select, column: str, position: str, *, descending: bool) -> None:
    """Ask for what is left when all up to a sort key has been looked at, and for its whole run."""
    start = ordered(position)[:SORT_BYTES]
    if not is_cut(sort_column(position)):
        select.term(column, "<" if descending else ">", start)
    elif descending:
        select.term(column, "<", start + LAST)
    else:
        select.term(column, ">", start)


def _select_low(select: Select, column: str, operator: str, value: str) -> None:
    cut = is_cut(sort_column(value))
    select.term(column, ">=" if cut else operator, ordered(value)[:SORT_BYTES])


def _select_high(select: Select, column: str, operator: str, value: str) -> None:
    start = ordered(value)[:SORT_BYTES]
    if is_cut(sort_column(value)):
        select.term(column, "<", start + LAST)
    else:
        select.term(column, operator, start)


def _in_order(schema: Schema, answers: Answers, *, descending: bool) -> Iterator[Item]:
    """The items by their sort keys: runs are put in order."""
    codec, column = ItemCodec(schema), schema.info.sort_key or ""
    for _, run in groupby(answers, lambda row: run_of(row[column])):
        items = [codec.decode(row) for row in run]
        yield from sorted(items, key=lambda item: item.key.sort or "", reverse=descending)


def _matches(item: Item, op: QueryItems) -> bool:
    """Whether an item is one that was asked for."""
    if item.expired or item.key.partition != op.partition:
        return False
    if op.sort is not None and not op.sort.matches(item.key.sort or ""):
        return False
    return op.filter is None or op.filter.matches(item.document)


def _type(value: str | bool) -> str:
    return "BOOLEAN" if isinstance(value, bool) else "STRING"


def _single(session: Session, schema: Schema, op: QueryItems) -> Page[Item]:
    """The one item that a partition has in a table without sort key."""
    if op.sort is not None:
        raise MisfitError(f"table {op.table!r} has no sort key to select by; use a filter")
    key = Key(op.partition)
    found = session.get(schema.table, schema.columns(key), consistent=op.consistent)
    item = ItemCodec(schema).image(found, key).item
    return Page([item] if item is not None and _matches(item, op) else [])


def _listing(op: QueryItems) -> tuple[str, ...]:
    sort = op.sort
    asked = () if sort is None else (sort.operator, sort.value, sort.high or "")
    return ("query", op.table, op.partition, "-" if op.descending else "+", *asked)
