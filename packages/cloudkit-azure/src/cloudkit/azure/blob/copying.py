"""Copying objects at the service."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from attrs import field, frozen
from cloudkit.api.storage import StoredObject
from cloudkit.api.storage.operations import CopyObject, ObjectOperation, WriteOperation
from cloudkit.azure.blob.attributes import content_headers, metadata_headers, tier_header
from cloudkit.azure.blob.client import BlobClient
from cloudkit.azure.blob.conditions import condition, source_condition
from cloudkit.azure.blob.keys import to_name
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.errors import status_of
from cloudkit.common import ConflictError, ServiceUnavailableError, StorageCapabilities

FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0


@frozen(kw_only=True, eq=False)
class CopyFromUrl(WriteOperation[StoredObject]):
    """Copy what a URL gives: of another account, or from anywhere else."""

    name = "copy_from_url"
    source_url: str = field(repr=False)
    storage_class: str | None = None

    def check(self, capabilities: StorageCapabilities) -> None:
        """Bucket and key are within the limits."""
        ObjectOperation.check(self, capabilities)


@frozen
class _Copy:
    """A copy that the service has taken on.

    Attributes:
        etag: The destination's.
        copy_id: The service's name for the copy.
        status: ``success``, ``pending``, ``aborted`` or ``failed``.
        reason: Why it failed.
    """

    etag: str
    copy_id: str | None
    status: str
    reason: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> _Copy:
        return cls(
            headers["ETag"],
            headers.get("x-ms-copy-id"),
            headers.get("x-ms-copy-status", "success"),
            headers.get("x-ms-copy-status-description"),
        )


class Copier:
    """Copies objects.

    Inside an account the service copies at once. From another account it may take its time, and
    until it is done the destination is there without its content.

    Args:
        clients: Makes the calls.
    """

    def __init__(self, clients: AzureClients) -> None:
        self._clients = clients

    async def copy(self, op: CopyObject) -> StoredObject:
        """Copy an object, or change one in place."""
        if op.onto_itself:
            return await self._clients.run("blob", _change, op)
        etag = await self._follow(op, await self._clients.run("blob", _start, op))
        if op.attributes is not None:
            etag = await self._clients.run("blob", _describe, op, etag)
        return StoredObject(bucket=op.bucket, key=op.key, etag=etag)

    async def copy_from_url(self, op: CopyFromUrl) -> StoredObject:
        """Copy what a URL gives."""
        etag = await self._follow(op, await self._clients.run("blob", _start_from_url, op))
        return StoredObject(bucket=op.bucket, key=op.key, etag=etag)

    async def _follow(self, op: CopyObject | CopyFromUrl, copy: _Copy) -> str:
        """Wait until a copy is done; returns the etag of what it made."""
        wait = FIRST_WAIT
        while copy.status == "pending":
            await anyio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
            copy = await self._clients.run("blob", _look, op, copy)
        if copy.status != "success":
            raise ServiceUnavailableError(f"the copy ended as {copy.status}: {copy.reason}")
        return copy.etag


def _start(client: BlobClient, op: CopyObject) -> _Copy:
    source = client.source_url(op.source_bucket, to_name(op.source_key))
    # Metadata that is not given is the source's.
    metadata = {} if op.attributes is None else metadata_headers(op.attributes.metadata)
    return _request(client, op, source, {**metadata, **source_condition(op.source_if_match)})


def _start_from_url(client: BlobClient, op: CopyFromUrl) -> _Copy:
    return _request(client, op, op.source_url, {})


def _request(
    client: BlobClient, op: CopyObject | CopyFromUrl, source: str, headers: Mapping[str, str]
) -> _Copy:
    response = client.send(
        "PUT",
        op.bucket,
        to_name(op.key),
        headers={
            "x-ms-copy-source": source,
            **headers,
            **tier_header(op.storage_class),
            **condition(op.if_match, op.if_none_match),
        },
    )
    return _Copy.of(response.headers)


def _look(client: BlobClient, op: CopyObject | CopyFromUrl, started: _Copy) -> _Copy:
    headers = client.send("HEAD", op.bucket, to_name(op.key)).headers
    if headers.get("x-ms-copy-id") != started.copy_id:
        raise ConflictError("another write replaced the object while it was copied")
    return _Copy.of(headers)


def _describe(client: BlobClient, op: CopyObject, etag: str) -> str:
    """Give a copy the attributes that a request to copy cannot set."""
    try:
        return _set_attributes(client, op, etag, keep_metadata=bool(_metadata(op)))
    except Exception as error:
        if status_of(error) != 412:
            raise
    return etag  # it was copied, and somebody has replaced it since


def _change(client: BlobClient, op: CopyObject) -> StoredObject:
    """Change the attributes of an object in place, while it is the revision that was meant."""
    etag = op.source_if_match or op.if_match
    if op.if_none_match is not None or op.if_match not in {None, etag}:
        etag = '"0"'  # of no object: the service says that the condition does not hold
    etag = _set_attributes(client, op, etag, keep_metadata=False)
    if op.storage_class is not None:
        client.send(
            "PUT",
            op.bucket,
            to_name(op.key),
            query={"comp": "tier"},
            headers=tier_header(op.storage_class),
        )
    return StoredObject(bucket=op.bucket, key=op.key, etag=etag)


def _set_attributes(
    client: BlobClient, op: CopyObject, etag: str | None, *, keep_metadata: bool
) -> str:
    """Content headers first, then metadata: Blob Storage has no request for both."""
    attributes = op.attributes
    if attributes is None:
        raise ConflictError("there is nothing to change")
    name = to_name(op.key)
    found = client.send("HEAD", op.bucket, name, headers=condition(etag)).headers
    # A checksum that is not sent again is dropped.
    md5 = found.get("Content-MD5")
    checksum = {} if md5 is None else {"x-ms-blob-content-md5": md5}
    steps = [("properties", {**content_headers(attributes), **checksum})]
    etag = found["ETag"]
    if not keep_metadata:
        steps.append(("metadata", metadata_headers(attributes.metadata)))
    for component, headers in steps:
        response = client.send(
            "PUT",
            op.bucket,
            name,
            query={"comp": component},
            headers={**headers, **condition(etag)},
        )
        etag = response.headers["ETag"]
    return etag


def _metadata(op: CopyObject) -> Mapping[str, str]:
    return {} if op.attributes is None else op.attributes.metadata
