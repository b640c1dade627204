"""How a query that crosses partitions is to be carried out by the client."""

from __future__ import annotations

import json
from typing import Any

from emulators.cosmos.errors import CosmosError
from emulators.cosmos.syntax import Query

_FILTER = "{documentdb-formattableorderbyquery-filter}"
_EVERYTHING = {"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}


def is_simple(query: Query) -> bool:
    """Whether the gateway carries it out itself: a scan and a filter."""
    return not (query.order or query.aggregates or query.top is not None or query.limit is not None)


def plan_of(query: Query) -> dict[str, Any]:
    """The plan, as the gateway answers it."""
    info: dict[str, Any] = {
        "distinctType": "None",
        "top": query.top,
        "offset": query.offset,
        "limit": query.limit,
        "orderBy": ["Descending" if order.descending else "Ascending" for order in query.order],
        "orderByExpressions": [],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": list(query.aggregates),
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": _rewritten(query),
        "hasSelectValue": query.value,
        "hasNonStreamingOrderBy": False,
    }
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": info,
        "queryRanges": [_EVERYTHING],
    }


def not_servable(query: Query) -> CosmosError:
    """What the gateway answers to a query that it does not carry out itself."""
    return CosmosError(
        400,
        "The provided cross partition query can not be directly served by the gateway. This is a "
        "first chance (internal) exception that all newer clients will know how to handle "
        "gracefully.",
        1004,
        details={"additionalErrorInfo": json.dumps(plan_of(query))},
    )


def _rewritten(query: Query) -> str:
    if is_simple(query):
        return ""
    most = None if query.most is None else query.most + (query.offset or 0)
    top = "" if most is None or query.limit is not None else f"TOP {most} "
    where = query.texts["where"]
    condition = f"({where}) AND {_FILTER}" if where else _FILTER
    text = f"SELECT {top}{_select(query)} FROM {query.alias} WHERE {condition}"
    text = f"{text} {query.texts['order']}".rstrip()
    return text if query.limit is None else f"{text} OFFSET 0 LIMIT {most}"


def _select(query: Query) -> str:
    if query.order:
        paths = ", ".join(f'{{"item": {_text(query, order.path.steps)}}}' for order in query.order)
        return f"{query.alias}._rid, [{paths}] AS orderByItems, {_payload(query)} AS payload"
    if query.aggregates:
        return f'VALUE [{{"item": {query.columns[0].text}}}]'
    if query.value:
        return f"VALUE {query.columns[0].text}"
    return ", ".join(f"{column.text} AS {column.name}" for column in query.columns) or "*"


def _payload(query: Query) -> str:
    if not query.columns:
        return query.alias
    if query.value:
        return query.columns[0].text
    members = (f"{json.dumps(column.name)}: {column.text}" for column in query.columns)
    return f"{{{', '.join(members)}}}"


def _text(query: Query, steps: tuple[str | int, ...]) -> str:
    return query.alias + "".join(f"[{json.dumps(step)}]" for step in steps)
