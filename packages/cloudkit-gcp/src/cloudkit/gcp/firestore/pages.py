"""Pages of items: queries and scans, by indexes that Firestore has by itself.

A partition is a range of one field, in either direction. A filter on another field besides would need
an index that the user makes, so it is seen to here; a scan asks the service for equalities.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen
from cloudkit.api.kv import Item, Key, SortCondition
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.operations import QueryItems, ScanItems
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.common import ValidationError
from cloudkit.gcp.errors import code_of
from cloudkit.gcp.firestore.filters import equality_filter
from cloudkit.gcp.firestore.items import ItemCodec, document_id
from cloudkit.gcp.firestore.keys import ORDER, Schema, order_prefix, successor
from cloudkit.gcp.firestore.tables import by_name

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page ends here, however few items it has: items have up to 1 MiB each."""


@frozen
class Span:
    """A part of the order of a table's items.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        with_low: Whether ``low`` belongs to it.
        with_high: Whether ``high`` belongs to it.
    """

    low: str
    high: str
    with_low: bool = True
    with_high: bool = False

    @classmethod
    def of(cls, partition: str, condition: SortCondition | None) -> Span:
        """The items of a partition whose sort keys meet a condition."""
        prefix = order_prefix(partition)
        whole = cls(prefix, successor(prefix))
        if condition is None:
            return whole
        value = prefix + condition.value
        match condition.operator:
            case "=":
                return cls(value, value, with_high=True)
            case "<" | "<=":
                return evolve(whole, high=value, with_high=condition.operator == "<=")
            case ">" | ">=":
                return evolve(whole, low=value, with_low=condition.operator == ">=")
            case "between":
                return cls(value, prefix + str(condition.high), with_high=True)
            case "begins_with":
                return cls(value, successor(value))

    def after(self, position: str, *, descending: bool) -> Span:
        """What is left when all up to a position has been looked at."""
        if descending:
            return evolve(self, high=position, with_high=False)
        return evolve(self, low=position, with_low=False)

    def where(self) -> Mapping[str, Any]:
        """The span as a filter of the service."""
        bounds = (
            ("GREATER_THAN_OR_EQUAL" if self.with_low else "GREATER_THAN", self.low),
            ("LESS_THAN_OR_EQUAL" if self.with_high else "LESS_THAN", self.high),
        )
        field = {"field_path": ORDER}
        filters = [
            {"field_filter": {"field": field, "op": op, "value": {"string_value": value}}}
            for op, value in bounds
        ]
        return {"composite_filter": {"op": "AND", "filters": filters}}


@frozen
class _Found:
    items: list[Item]
    last: Any  # the last document that was looked at; None after the end


def query(client: FirestoreClient, schema: Schema, op: QueryItems, most: int) -> Page[Item]:
    """One page of a query.

    Args:
        client: Google's.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this query, or the table has no sort key to ask for.
    """
    sort = op.sort
    asked = () if sort is None else (sort.operator, sort.value, sort.high)
    listing = ("query", op.table, op.partition, "-" if op.descending else "+", *asked)
    position = None if op.page_token is None else read_token(op.page_token, listing)[0]
    if not schema.sorted:
        return _single(client, schema, op)
    span = Span.of(op.partition, sort)
    if position is not None:
        span = span.after(position, descending=op.descending)
    direction = "DESCENDING" if op.descending else "ASCENDING"
    size = _size(op, most)
    plan = {
        "where": span.where(),
        "order_by": [{"field": {"field_path": ORDER}, "direction": direction}],
    }
    found = _run(client, schema, plan, op.filter, size)
    if found.last is None:
        return Page(found.items)
    return Page(found.items, make_token(listing, (found.last.fields[ORDER].string_value,)))


def scan(client: FirestoreClient, schema: Schema, op: ScanItems, most: int) -> Page[Item]:
    """One page of a scan.

    Args:
        client: Google's.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this scan.
    """
    listing = ("scan", op.table)
    after = None if op.page_token is None else read_token(op.page_token, listing)[0]
    size = _size(op, most)
    plan = by_name(client, schema.table, after)
    where = equality_filter(op.filter)
    try:
        asked = plan if where is None else {**plan, "where": where}
        found = _run(client, schema, asked, op.filter, size)
    except Exception as error:
        if where is None or code_of(error) != "FAILED_PRECONDITION":
            raise
        # The user has switched the index of a field off, so all documents must be looked at.
        found = _run(client, schema, plan, op.filter, size)
    if found.last is None:
        return Page(found.items)
    return Page(found.items, make_token(listing, (document_id(found.last),)))


def _single(client: FirestoreClient, schema: Schema, op: QueryItems) -> Page[Item]:
    """The one item that a partition has in a table without sort key."""
    if op.sort is not None:
        raise ValidationError(f"table {op.table!r} has no sort key to select by; use a filter")
    name = client.name(schema.table, schema.document_id(Key(op.partition)))
    found = client.read([name]).get(name)
    return Page(_look_at(schema, () if found is None else (found,), op.filter, 2).items)


def _run(
    client: FirestoreClient,
    schema: Schema,
    plan: Mapping[str, Any],
    condition: Condition | None,
    size: int,
) -> _Found:
    """What a query of the service finds; no more is fetched than is looked at."""
    documents = client.query(schema.table, **plan, limit={"value": size})
    with closing(documents):
        return _look_at(schema, documents, condition, size)


def _look_at(
    schema: Schema, documents: Iterable[Any], condition: Condition | None, size: int
) -> _Found:
    """The items among documents that are to be given, and where to continue."""
    codec, items = ItemCodec(schema), []
    count = weight = 0
    for raw in documents:
        count, weight = count + 1, weight + raw.ByteSize()
        item = codec.decode(raw)
        if not item.expired and (condition is None or condition.matches(item.document)):
            items.append(item)
        if count == size or weight > MAX_PAGE_BYTES:
            return _Found(items, raw)
    return _Found(items, None)


def _size(op: QueryItems | ScanItems, most: int) -> int:
    return most if op.page_size is None else min(op.page_size, most)
