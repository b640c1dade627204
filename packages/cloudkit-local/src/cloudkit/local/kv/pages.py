"""Pages of items: queries and scans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from attrs import frozen
from cloudkit.api.kv import Item, Key, SortCondition
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.operations import QueryItems, ScanItems
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.common import ValidationError
from cloudkit.local.kv.items import Items, to_item

MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
"""A page ends when it has looked at so much JSON, so that large items cannot fill the memory."""

_END = b"\xff"  # no UTF-8 holds this byte, so every key is before it
_QUERY = (
    "SELECT partition, sort, document, version, expires_at FROM kv_item WHERE table_id = ? "
    "AND partition = ? AND sort >= ? AND sort < ? AND (expires_at IS NULL OR expires_at > ?) "
    "ORDER BY sort LIMIT ?"
)
_QUERY_DESCENDING = _QUERY.replace("ORDER BY sort", "ORDER BY sort DESC")
_SCAN = (
    "SELECT partition, sort, document, version, expires_at FROM kv_item WHERE table_id = ? "
    "AND (partition, sort) > (?, ?) AND (expires_at IS NULL OR expires_at > ?) "
    "ORDER BY partition, sort LIMIT ?"
)


@frozen
class Range:
    """Sort keys from ``low``, up to but without ``high``."""

    low: bytes = b""
    high: bytes = _END

    @classmethod
    def of(cls, condition: SortCondition | None) -> Range:
        """The sort keys for which a condition holds."""
        if condition is None:
            return cls()
        value = condition.value.encode()
        match condition.operator:
            case "=":
                return cls(value, _next(value))
            case "<":
                return cls(high=value)
            case "<=":
                return cls(high=_next(value))
            case ">":
                return cls(_next(value))
            case ">=":
                return cls(value)
            case "begins_with":
                # The last byte of UTF-8 is never 0xff, so there is a next one.
                return cls(value, value[:-1] + bytes([value[-1] + 1]))
            case "between":
                return cls(value, _next((condition.high or condition.value).encode()))

    def after(self, sort: bytes, *, descending: bool) -> Range:
        """What is left of it after a sort key."""
        if descending:
            return Range(self.low, min(self.high, sort))
        return Range(max(self.low, _next(sort)), self.high)


def _next(value: bytes) -> bytes:
    """The first of all byte strings that come after this one."""
    return value + b"\0"


def query_page(items: Items, op: QueryItems, size: int) -> Page[Item]:
    """One page of a query.

    Args:
        items: The table.
        op: What is asked for.
        size: Most items to look at.

    Raises:
        ValidationError: The token is not of this query, or the table has no sort key to ask for.
    """
    info = items.table.info
    if op.sort is not None and info.sort_key is None:
        raise ValidationError(f"table {info.name!r} has no sort key to select by; use a filter")
    listing = ("query", op.table, op.partition, "descending" if op.descending else "ascending")
    span = Range.of(op.sort)
    if op.page_token is not None:
        (sort,) = read_token(op.page_token, listing)
        span = span.after(sort.encode(), descending=op.descending)
    selected = items.connection.execute(
        _QUERY_DESCENDING if op.descending else _QUERY,
        (items.table.id, op.partition.encode(), span.low, span.high, items.now, size + 1),
    )
    with closing(selected) as rows:
        found, last = _look_at(items, rows, op.filter, size)
    return Page(found, last and make_token(listing, last[1:]))


def scan_page(items: Items, op: ScanItems, size: int) -> Page[Item]:
    """One page of a scan, in the order of the keys.

    Args:
        items: The table.
        op: What is asked for.
        size: Most items to look at.

    Raises:
        ValidationError: The token is not of this scan.
    """
    listing = ("scan", op.table)
    after = ("", "") if op.page_token is None else read_token(op.page_token, listing)
    selected = items.connection.execute(
        _SCAN, (items.table.id, *(part.encode() for part in after), items.now, size + 1)
    )
    with closing(selected) as rows:
        found, last = _look_at(items, rows, op.filter, size)
    return Page(found, last and make_token(listing, last))


def _look_at(
    items: Items, rows: Iterator[Any], condition: Condition | None, size: int
) -> tuple[list[Item], tuple[str, str] | None]:
    """The items that meet a condition, and the place of the last one looked at, if others follow."""
    has_sort = items.table.info.sort_key is not None
    found: list[Item] = []
    last: tuple[str, str] | None = None
    characters = 0
    for looked, row in enumerate(rows):
        if looked == size or characters > MAX_PAGE_CHARACTERS:
            return found, last
        last = partition, sort = row[0].decode(), row[1].decode()
        characters += len(row[2])
        item = to_item(Key(partition, sort if has_sort else None), row[2:])
        if condition is None or condition.matches(item.document):
            found.append(item)
    return found, None
