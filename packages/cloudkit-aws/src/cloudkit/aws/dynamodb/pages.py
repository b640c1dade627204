"""Pages of items: queries and scans.

The service is asked for what may meet the filter; what it gives is looked at again, here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudkit.api.kv import Item, SortCondition
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.operations import QueryItems, ScanItems
from cloudkit.api.page_tokens import make_token, read_token
from cloudkit.api.paging import Page
from cloudkit.aws.dynamodb.conditions import possible
from cloudkit.aws.dynamodb.expressions import Placeholders, TooComplexError, all_of
from cloudkit.aws.dynamodb.items import ItemCodec, alive
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.common import ValidationError, utc_now

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


def query(client: DynamoDBClient, schema: Schema, op: QueryItems, most: int) -> Page[Item]:
    """One page of a query.

    Args:
        client: boto3's.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this query, or the table has no sort key to ask for.
    """
    listing = ("query", op.table, op.partition, "descending" if op.descending else "ascending")
    placeholders = Placeholders()
    arguments = {
        "KeyConditionExpression": _key_condition(schema, op, placeholders),
        "ScanIndexForward": not op.descending,
        **_common(schema, op, listing, placeholders, most),
    }
    return _page(schema, op.filter, client.query(**arguments), listing)


def scan(client: DynamoDBClient, schema: Schema, op: ScanItems, most: int) -> Page[Item]:
    """One page of a scan.

    Args:
        client: boto3's.
        schema: Of the table.
        op: What is asked for.
        most: Most items to look at, unless the operation says less.

    Raises:
        ValidationError: The token is not of this scan.
    """
    listing = ("scan", op.table)
    arguments = _common(schema, op, listing, Placeholders(), most)
    return _page(schema, op.filter, client.scan(**arguments), listing)


def _common(
    schema: Schema,
    op: QueryItems | ScanItems,
    listing: tuple[str, ...],
    placeholders: Placeholders,
    most: int,
) -> Any:
    arguments: dict[str, Any] = {
        "TableName": op.table,
        "ConsistentRead": op.consistent,
        "FilterExpression": _filter(schema, op.filter, placeholders),
        "Limit": most if op.page_size is None else min(op.page_size, most),
        **placeholders.arguments(),
    }
    if op.page_token is not None:
        position = read_token(op.page_token, listing)
        names = [schema.partition] if schema.sort is None else [schema.partition, schema.sort]
        if len(names) != len(position):
            raise ValidationError("the page_token was made when the table had other keys")
        pairs = zip(names, position, strict=True)
        arguments["ExclusiveStartKey"] = {name: {"S": value} for name, value in pairs}
    return arguments


def _filter(schema: Schema, condition: Condition | None, placeholders: Placeholders) -> str | None:
    living = alive(utc_now())
    if condition is not None:
        try:
            return placeholders.condition(all_of(living, possible(condition, schema)))
        except TooComplexError:
            pass  # then only here is it known what meets the filter
    return placeholders.condition(living)


def _page(
    schema: Schema, condition: Condition | None, answer: Any, listing: tuple[str, ...]
) -> Page[Item]:
    codec = ItemCodec(schema)
    found = []
    for raw in answer["Items"]:
        item = codec.decode(raw)
        if not item.expired and (condition is None or condition.matches(item.document)):
            found.append(item)
    last = answer.get("LastEvaluatedKey")
    if not last:
        return Page(found)
    key = schema.key_of(last)
    position = (key.partition,) if key.sort is None else (key.partition, key.sort)
    return Page(found, make_token(listing, position))


def _key_condition(schema: Schema, op: QueryItems, placeholders: Placeholders) -> str:
    partition = placeholders.path((schema.partition,))
    text = f"{partition} = {placeholders.value({'S': op.partition})}"
    if op.sort is None:
        return text
    if schema.sort is None:
        raise ValidationError(f"table {op.table!r} has no sort key to select by; use a filter")
    return f"{text} AND {_sort_condition(schema.sort, op.sort, placeholders)}"


def _sort_condition(name: str, condition: SortCondition, placeholders: Placeholders) -> str:
    at, value = placeholders.path((name,)), placeholders.value({"S": condition.value})
    if condition.operator == "begins_with":
        return f"begins_with({at}, {value})"
    if condition.operator == "between":
        return f"{at} BETWEEN {value} AND {placeholders.value({'S': condition.high})}"
    return f"{at} {condition.operator} {value}"
