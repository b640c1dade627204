"""Batches: many items in one request, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.kv import Item, Key, Put
from cloudkit.api.kv.judging import moment_after
from cloudkit.api.kv.models import BatchWrite
from cloudkit.api.kv.operations import BatchGetItems, BatchWriteItems
from cloudkit.common import CloudError, CloudResult
from cloudkit.gcp.errors import code_of, from_answer, translate
from cloudkit.gcp.firestore.answers import WriteOutcome
from cloudkit.gcp.firestore.items import ItemCodec, version_text
from cloudkit.gcp.firestore.keys import Schema
from cloudkit.gcp.firestore.values import stored_size

if TYPE_CHECKING:
    from cloudkit.gcp.firestore.client import FirestoreClient

SENT_AT_ONCE = 4 * 1024 * 1024
"""Bytes of values in one request, unless a single item has more; the service takes 10 MiB."""


@frozen
class _Prepared:
    key: Key
    message: Any
    size: int
    expires_at: datetime | None


def get(
    client: FirestoreClient, schema: Schema, op: BatchGetItems
) -> Sequence[CloudResult[Item | None]]:
    """Read the items; a result for each key, in order."""
    names: dict[Key, str] = {}
    results: dict[Key, CloudResult[Item | None]] = {}
    for key in op.keys:
        try:
            names[key] = client.name(schema.table, schema.document_id(key))
        except CloudError as error:
            results[key] = CloudResult.failure(error)
    found = client.read(list(names.values())) if names else {}
    codec = ItemCodec(schema)
    for key, name in names.items():
        results[key] = CloudResult.success(codec.image(found.get(name)).item)
    return [results[key] for key in op.keys]


def write(
    client: FirestoreClient, schema: Schema, op: BatchWriteItems
) -> Sequence[CloudResult[str | None]]:
    """Write the items; a result for each write, in order."""
    results: dict[Key, CloudResult[str | None]] = {}
    prepared: list[_Prepared] = []
    for wanted in op.writes:
        try:
            prepared.append(_prepare(client, schema, wanted))
        except CloudError as error:
            results[wanted.key] = CloudResult.failure(error)
    sent = 0
    for part in _parts(prepared):
        try:
            outcomes = _send(client, part)
        except Exception as error:
            failure = translate(error)
            if failure is None or not sent:
                raise  # nothing was written
            results.update((item.key, CloudResult.failure(failure)) for item in part)
            continue
        sent += len(part)
        for item, outcome in zip(part, outcomes, strict=True):
            results[item.key] = _result(item, outcome)
    return [results[wanted.key] for wanted in op.writes]


def _send(client: FirestoreClient, part: Sequence[_Prepared]) -> list[WriteOutcome]:
    """Have the writes carried out; of those that Firestore does not take each fails by itself."""
    try:
        return client.write_each([item.message for item in part])
    except Exception as error:
        code = code_of(error)
        if code != "INVALID_ARGUMENT":
            raise
        if len(part) == 1:
            return [WriteOutcome(None, code, str(getattr(error, "message", error)))]
    # It refuses the whole request for one that it does not take.
    middle = len(part) // 2
    return [*_send(client, part[:middle]), *_send(client, part[middle:])]


def _prepare(client: FirestoreClient, schema: Schema, item: BatchWrite) -> _Prepared:
    name = client.name(schema.table, schema.document_id(item.key))
    if not isinstance(item, Put):
        return _Prepared(item.key, {"delete": name}, len(name), None)
    expires_at = moment_after(item.expires_in)
    fields = ItemCodec(schema).encode(item.key, item.document, expires_at)
    size = len(name) + sum(map(stored_size, fields.values()))
    return _Prepared(item.key, {"update": {"name": name, "fields": fields}}, size, expires_at)


def _parts(prepared: Sequence[_Prepared]) -> Iterator[list[_Prepared]]:
    """What goes into one request each."""
    part: list[_Prepared] = []
    size = 0
    for item in prepared:
        if part and size + item.size > SENT_AT_ONCE:
            yield part
            part, size = [], 0
        part.append(item)
        size += item.size
    if part:
        yield part


def _result(item: _Prepared, outcome: WriteOutcome) -> CloudResult[str | None]:
    if outcome.code is not None:
        return CloudResult.failure(from_answer(None, outcome.code, outcome.message))
    if "delete" in item.message:
        return CloudResult.success(None)
    return CloudResult.success(version_text(outcome.update_time, item.expires_at))
