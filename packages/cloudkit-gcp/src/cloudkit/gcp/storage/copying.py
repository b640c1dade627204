"""Copying objects inside Cloud Storage. The functions block; they run in worker threads.

https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from cloudkit.api.storage import StoredObject
from cloudkit.api.storage.operations import CopyObject, HeadObject
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.errors import status_of
from cloudkit.gcp.storage.attributes import to_resource
from cloudkit.gcp.storage.client import StorageClient, object_path
from cloudkit.gcp.storage.conditions import condition, source_condition
from cloudkit.gcp.storage.keys import to_name
from cloudkit.gcp.storage.reading import head
from cloudkit.gcp.storage.writing import encryption

_GONE = frozenset({400, 404, 410, 412})
"""Statuses by which the service says that a copy cannot go on from where it was."""

_Place: TypeAlias = tuple[dict[str, str], Mapping[str, Any] | None]


class Copier:
    """Copies objects.

    A copy that changes place or class takes several requests, each with a change of thread, so that
    cancelling ends it between two of them. Nothing of it shows before it is whole. One that was
    interrupted goes on where it stopped, when the retry policy has it tried again: its place is
    remembered with the operation.

    Args:
        clients: Makes the calls.
    """

    def __init__(self, clients: GcpClients) -> None:
        self._clients = clients
        self._places: WeakKeyDictionary[CopyObject, _Place] = WeakKeyDictionary()

    async def copy(self, op: CopyObject) -> StoredObject:
        """Copy an object, or change one in place, which makes a new generation of it."""
        place = self._places.get(op)
        if place is None:
            place = await self._clients.run("storage", _prepare, op)
        query, body = place
        while True:
            try:
                answer = await self._clients.run("storage", _rewrite, op, query, body)
            except Exception as error:
                if status_of(error) in _GONE:
                    self._places.pop(op, None)
                raise
            if answer["done"]:
                self._places.pop(op, None)
                return _stored(op, answer)
            query = {**query, "rewriteToken": answer["rewriteToken"]}
            self._places[op] = query, body


def rewrite(
    client: StorageClient,
    source: tuple[str, str],
    target: tuple[str, str],
    query: Mapping[str, str],
    body: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One call of a rewrite.

    Args:
        client: Makes it.
        source: Bucket and name.
        target: Bucket and name.
        query: Conditions, and the token of the call before.
        body: The resource of the copy; None to keep that of the source.
    """
    path = f"{object_path(*source)}/rewriteTo{object_path(*target)}"
    query = {**query, **encryption(client, "destinationKmsKeyName")}
    return client.json("POST", path, query, body)


def _prepare(client: StorageClient, op: CopyObject) -> _Place:
    """The conditions and the resource of a copy."""
    query = {**condition(op.if_match, op.if_none_match), **source_condition(op.source_if_match)}
    attributes = op.attributes
    if attributes is None and op.storage_class is None:
        return query, None
    if attributes is None:
        # A resource takes the place of all attributes, so those of the source are given again.
        asked = HeadObject(bucket=op.source_bucket, key=op.source_key, if_match=op.source_if_match)
        source = head(client, asked)
        attributes = source.attributes
        query |= source_condition(source.etag)
    return query, to_resource(attributes, op.storage_class)


def _rewrite(
    client: StorageClient, op: CopyObject, query: Mapping[str, str], body: Mapping[str, Any] | None
) -> dict[str, Any]:
    source = (op.source_bucket, to_name(op.source_key))
    return rewrite(client, source, (op.bucket, to_name(op.key)), query, body)


def _stored(op: CopyObject, answer: Mapping[str, Any]) -> StoredObject:
    resource = answer["resource"]
    return StoredObject(
        bucket=op.bucket,
        key=op.key,
        etag=str(resource["generation"]),
        size=int(resource["size"]),
    )
