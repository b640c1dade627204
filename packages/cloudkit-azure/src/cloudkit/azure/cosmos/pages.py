"""Pages of items: queries and scans.

The service is asked for what may meet the conditions; what it gives is looked at again, here.
"""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import field, frozen
from cloudkit.api.kv import Item, SortCondition
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.operations import QueryItems, ScanItems
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.azure.cosmos.client import CosmosAccount, Query
from cloudkit.azure.cosmos.conditions import TooComplexError, possible, reference
from cloudkit.azure.cosmos.items import EXPIRES, ItemCodec, microseconds
from cloudkit.azure.cosmos.keys import FIRST_HIGH
from cloudkit.azure.cosmos.schema import ID, MisfitError, Schema
from cloudkit.common import utc_now

_FIRST = ("", "")


@frozen
class _Select:
    """A query in the making.

    Attributes:
        now: Microseconds since the epoch: those of the first page, or it would be another query.
        terms: What must hold.
        values: Of the parameters.
    """

    now: int
    terms: list[str] = field(factory=list)
    values: dict[str, Any] = field(factory=dict)

    def alive(self) -> None:
        """Only what has not expired."""
        at = reference((EXPIRES,))
        self.terms.append(f"(NOT IS_DEFINED({at}) OR IS_NULL({at}) OR {at} > @now)")
        self.values["@now"] = self.now

    def sort(self, schema: Schema, condition: SortCondition) -> None:
        """Only these sort keys."""
        at = reference((schema.sort or ID,))
        if schema.sort == ID and max(condition.value + (condition.high or "")) >= FIRST_HIGH:
            return  # the order of such ids is not documented
        self.values["@sort"] = schema.sort_value(condition.value)
        if condition.operator == "begins_with":
            self.terms.append(f"STARTSWITH({at}, @sort)")
        elif condition.operator == "between":
            self.values["@high"] = schema.sort_value(condition.high or "")
            self.terms.append(f"{at} >= @sort AND {at} <= @high")
        else:
            self.terms.append(f"{at} {condition.operator} @sort")

    def filter(self, schema: Schema, condition: Condition) -> None:
        """Only documents that may meet this."""
        try:
            term, values = possible(condition, schema)
        except TooComplexError:
            return
        self.terms.append(term)
        self.values.update(values)

    def text(self, order: str = "") -> str:
        """The query."""
        where = " AND ".join(self.terms)
        return f"SELECT * FROM c WHERE {where}{order}"  # noqa: S608  # all values are parameters


def query(account: CosmosAccount, schema: Schema, op: QueryItems, most: int) -> Page[Item]:
    """One page of a query.

    Args:
        account: Where.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this query, or the table has no sort key to ask for.
    """
    if op.sort is not None and schema.sort is None:
        raise MisfitError(f"table {op.table!r} has no sort key to select by; use a filter")
    asked = _identity(op.sort, op.filter)
    way = "DESC" if op.descending else "ASC"
    listing = ("query", op.table, op.partition, way, asked)
    continuation, select = _begin(op.page_token, listing)
    if op.sort is not None:
        select.sort(schema, op.sort)
    if op.filter is not None:
        select.filter(schema, op.filter)
    order = "" if schema.sort is None else f" ORDER BY {reference((schema.sort,))} {way}"
    text = select.text(order)
    asked_for = Query(text, select.values, op.partition, _size(op.page_size, most), continuation)
    found, following = account.page(op.table, asked_for)
    items = [
        item
        for item in _matching(schema, found, op.filter)
        if op.sort is None or (item.key.sort is not None and op.sort.matches(item.key.sort))
    ]
    return Page(items, _token(listing, following, select))


def scan(account: CosmosAccount, schema: Schema, op: ScanItems, most: int) -> Page[Item]:
    """One page of a scan.

    Args:
        account: Where.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this scan.
    """
    listing = ("scan", op.table, _identity(None, op.filter))
    continuation, select = _begin(op.page_token, listing)
    if op.filter is not None:
        select.filter(schema, op.filter)
    asked_for = Query(select.text(), select.values, None, _size(op.page_size, most), continuation)
    found, following = account.page(op.table, asked_for)
    return Page(_matching(schema, found, op.filter), _token(listing, following, select))


def _begin(token: str | None, listing: tuple[str, ...]) -> tuple[str | None, _Select]:
    continuation, now = _FIRST if token is None else read_token(token, listing)
    select = _Select(int(now) if now else microseconds(utc_now()))
    select.alive()
    return continuation or None, select


def _token(listing: tuple[str, ...], following: str | None, select: _Select) -> str | None:
    return None if following is None else make_token(listing, (following, str(select.now)))


def _matching(
    schema: Schema, found: list[dict[str, Any]], condition: Condition | None
) -> list[Item]:
    codec = ItemCodec(schema)
    items = (codec.decode(raw) for raw in found)
    return [
        item
        for item in items
        if not item.expired and (condition is None or condition.matches(item.document))
    ]


def _size(wanted: int | None, most: int) -> int:
    return most if wanted is None else min(wanted, most)


def _identity(*conditions: SortCondition | Condition | None) -> str:
    """Tells queries apart: the service's continuation is good for one only."""
    return hashlib.sha256(repr(conditions).encode()).hexdigest()[:16]
