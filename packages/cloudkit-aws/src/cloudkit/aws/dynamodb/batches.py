"""Batches: many items in one request, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudkit.api.kv import Item, Key, Put
from cloudkit.api.kv.judging import moment_after
from cloudkit.api.kv.models import BatchWrite
from cloudkit.api.kv.operations import BatchGetItems, BatchWriteItems
from cloudkit.aws.dynamodb.items import ItemCodec
from cloudkit.aws.dynamodb.keys import Schema
from cloudkit.common import CloudError, CloudResult, RateLimitedError

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


def get(
    client: DynamoDBClient, schema: Schema, op: BatchGetItems
) -> Sequence[CloudResult[Item | None]]:
    """Read the items; a result for each key, in order."""
    results: dict[Key, CloudResult[Item | None]] = {}
    places: dict[Key, Any] = {}
    for key in op.keys:
        try:
            places[key] = schema.place(key)
        except CloudError as error:
            results[key] = CloudResult.failure(error)
    found, undone = _read(client, op, list(places.values()))
    codec = ItemCodec(schema)
    images = {schema.key_of(raw): codec.image(raw) for raw in found}
    left = {schema.key_of(place) for place in undone}
    for key in places:
        image = images.get(key)
        results[key] = (
            CloudResult.failure(_undone())
            if key in left
            else CloudResult.success(None if image is None else image.item)
        )
    return [results[key] for key in op.keys]


def write(
    client: DynamoDBClient, schema: Schema, op: BatchWriteItems
) -> Sequence[CloudResult[str | None]]:
    """Write the items; a result for each write, in order."""
    results: dict[Key, CloudResult[str | None]] = {}
    requests = []
    for item in op.writes:
        try:
            request, version = _request(schema, item)
        except CloudError as error:
            results[item.key] = CloudResult.failure(error)
            continue
        requests.append(request)
        results[item.key] = CloudResult.success(version)
    if requests:
        answer = client.batch_write_item(RequestItems={op.table: requests})
        for request in (answer.get("UnprocessedItems") or {}).get(op.table, ()):
            results[_key_of(schema, request)] = CloudResult.failure(_undone())
    return [results[item.key] for item in op.writes]


def _read(
    client: DynamoDBClient, op: BatchGetItems, places: list[Any]
) -> tuple[list[Mapping[str, Any]], list[Any]]:
    """What was found, and the keys that the service left undone."""
    found: list[Mapping[str, Any]] = []
    while places:
        wanted: Any = {op.table: {"Keys": places, "ConsistentRead": op.consistent}}
        answer: Any = client.batch_get_item(RequestItems=wanted)
        found += answer["Responses"].get(op.table, ())
        undone = (answer.get("UnprocessedKeys") or {}).get(op.table)
        left = undone["Keys"] if undone else []
        if len(left) == len(places):
            return found, left
        # An answer holds 16 MB. As long as there is something in it, nobody is being throttled.
        places = left
    return found, []


def _request(schema: Schema, item: BatchWrite) -> tuple[Any, str | None]:
    if isinstance(item, Put):
        expires_at = moment_after(item.expires_in)
        raw, version = ItemCodec(schema).encode(item.key, item.document, expires_at)
        return {"PutRequest": {"Item": raw}}, version
    return {"DeleteRequest": {"Key": schema.place(item.key)}}, None


def _key_of(schema: Schema, request: Any) -> Key:
    put = request.get("PutRequest")
    return schema.key_of(put["Item"] if put else request["DeleteRequest"]["Key"])


def _undone() -> CloudError:
    return RateLimitedError("the service left the item undone: the table is busy")
