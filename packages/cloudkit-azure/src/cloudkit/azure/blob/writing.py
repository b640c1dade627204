"""Writing objects, whole and in parts. The functions block; they run in worker threads.

A part is a block that has been staged, and an upload is only a name for some of them: its id stands
in the ids of its blocks, so that two uploads to one key do not take each other's. Blocks are invisible
until a block list is committed.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cloudkit.api.storage import StoredObject, UploadedPart
from cloudkit.api.storage.operations import CompleteUpload, PutObject, UploadPart
from cloudkit.azure.blob.attributes import tier_header, to_headers
from cloudkit.azure.blob.client import BlobClient
from cloudkit.azure.blob.conditions import condition
from cloudkit.azure.blob.keys import to_name
from cloudkit.azure.errors import code_of, translate
from cloudkit.common import ConflictError, ValidationError

TOKEN_BYTES = 16
"""Random bytes of the id of an upload."""


def put(client: BlobClient, op: PutObject) -> StoredObject:
    """Write an object in one request."""
    response = client.send(
        "PUT",
        op.bucket,
        to_name(op.key),
        headers={
            "x-ms-blob-type": "BlockBlob",
            "Content-MD5": _md5(op.body),
            **to_headers(op.attributes),
            **tier_header(op.storage_class),
            **condition(op.if_match, op.if_none_match),
        },
        body=op.body,
    )
    return StoredObject(
        bucket=op.bucket, key=op.key, etag=response.headers["ETag"], size=len(op.body)
    )


def new_upload_id() -> str:
    """A name for an upload; the service need not know of it yet."""
    return secrets.token_hex(TOKEN_BYTES)


def upload_part(client: BlobClient, op: UploadPart) -> UploadedPart:
    """Stage one block."""
    block = block_id(op.upload_id, op.number)
    client.send(
        "PUT",
        op.bucket,
        to_name(op.key),
        query={"comp": "block", "blockid": block},
        headers={"Content-MD5": _md5(op.body)},
        body=op.body,
    )
    return UploadedPart(number=op.number, etag=block, size=len(op.body))


def complete_upload(client: BlobClient, op: CompleteUpload) -> StoredObject:
    """Make the object of its blocks.

    Raises:
        ConflictError: The blocks are gone, because another write to the key came first: Blob Storage
            drops all blocks of a key that a commit does not name.
    """
    blocks = "".join(f"<Uncommitted>{part.etag}</Uncommitted>" for part in op.parts)
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()
    try:
        response = client.send(
            "PUT",
            op.bucket,
            to_name(op.key),
            query={"comp": "blocklist"},
            headers={
                "Content-Type": "application/xml",
                "Content-MD5": _md5(body),
                **to_headers(op.create.attributes),
                **tier_header(op.create.storage_class),
                **condition(op.if_match, op.if_none_match),
            },
            body=body,
        )
    except Exception as error:
        refusal = translate(error)
        if code_of(error) != "InvalidBlockList" or refusal is None:
            raise
        raise ConflictError(
            "the parts are gone: another write to the key came first",
            code=refusal.code,
            status=refusal.status,
            request_id=refusal.request_id,
            hint="Begin the upload anew.",
        ) from error
    size = sum(part.size for part in op.parts)
    return StoredObject(bucket=op.bucket, key=op.key, etag=response.headers["ETag"], size=size)


def block_id(upload_id: str, number: int) -> str:
    """The id of a block; those of one key must all be of one length.

    Raises:
        ValidationError: The id of the upload is none that was given out.
    """
    try:
        token = bytes.fromhex(upload_id)
    except ValueError:
        token = b""
    if len(token) != TOKEN_BYTES:
        raise ValidationError("upload_id is none that an upload was given")
    return base64.b64encode(token + number.to_bytes(4, "big")).decode()


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
