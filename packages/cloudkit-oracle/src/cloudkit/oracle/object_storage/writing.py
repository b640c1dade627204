"""Writing objects, whole and in parts. The functions block; they run in worker threads.

Signatures do not cover the bytes of objects. Their MD5 goes with them, and the service compares it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from cloudkit.api.storage import StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CreateUpload,
    PutObject,
    UploadPart,
)
from cloudkit.common import IntegrityError
from cloudkit.oracle.errors import code_of
from cloudkit.oracle.object_storage.attributes import CONTENT, metadata_headers, to_headers
from cloudkit.oracle.object_storage.conditions import condition, raise_unmet
from cloudkit.oracle.object_storage.keys import to_name
from cloudkit.oracle.object_storage.space import BUCKET, Space

UPLOADS = f"{BUCKET}/u"
UPLOAD = f"{BUCKET}/u/{{objectName}}"
OBJECT = f"{BUCKET}/o/{{objectName}}"


def put(space: Space, op: PutObject) -> StoredObject:
    """Write an object in one request."""
    headers = {
        **to_headers(op.attributes, op.storage_class),
        **condition(op.if_match, op.if_none_match),
    }
    try:
        found = _upload(space, OBJECT, op, headers, {})
    except Exception as error:
        raise_unmet(error, op.if_match)
        raise
    return StoredObject(bucket=op.bucket, key=op.key, etag=found["etag"], size=len(op.body))


def create_upload(space: Space, op: CreateUpload) -> str:
    """Begin an upload in parts."""
    attributes = op.attributes
    details = {
        "object": to_name(op.key),
        "contentType": attributes.content_type,
        "contentLanguage": attributes.content_language,
        "contentEncoding": attributes.content_encoding,
        "contentDisposition": attributes.content_disposition,
        "cacheControl": attributes.cache_control,
        "storageTier": op.storage_class,
        "metadata": metadata_headers(attributes.metadata) or None,
    }
    body = {name: value for name, value in details.items() if value is not None}
    return str(space.send("POST", UPLOADS, op.bucket, body=body).data["uploadId"])


def upload_part(space: Space, op: UploadPart) -> UploadedPart:
    """Send one part."""
    query = {"uploadId": op.upload_id, "uploadPartNum": op.number}
    found = _upload(space, UPLOAD, op, {CONTENT["content_type"]: "application/octet-stream"}, query)
    return UploadedPart(number=op.number, etag=found["etag"], size=len(op.body))


def complete_upload(space: Space, op: CompleteUpload) -> StoredObject:
    """Make the object of its parts."""
    parts = [{"partNum": part.number, "etag": part.etag} for part in op.parts]
    try:
        response = space.send(
            "POST",
            UPLOAD,
            op.bucket,
            to_name(op.key),
            query={"uploadId": op.upload_id},
            headers=condition(op.if_match, op.if_none_match),
            body={"partsToCommit": parts},
        )
    except Exception as error:
        raise_unmet(error, op.if_match)
        raise
    size = sum(part.size for part in op.parts)
    return StoredObject(bucket=op.bucket, key=op.key, etag=response.headers["etag"], size=size)


def abort_upload(space: Space, op: AbortUpload) -> None:
    """Drop an upload; one that is gone is fine."""
    query = {"uploadId": op.upload_id}
    try:
        space.send("DELETE", UPLOAD, op.bucket, to_name(op.key), query=query)
    except Exception as error:
        if code_of(error) != "NoSuchUpload":
            raise


def _upload(
    space: Space,
    path: str,
    op: PutObject | UploadPart,
    headers: Mapping[str, str],
    query: Mapping[str, object],
) -> Mapping[str, str]:
    digest = hashlib.md5(op.body, usedforsecurity=False).digest()
    md5 = base64.b64encode(digest).decode()
    found = space.upload(
        path,
        op.bucket,
        to_name(op.key),
        op.body,
        headers={**headers, "content-md5": md5},
        query=query,
    )
    if found.get("opc-content-md5", md5) != md5:
        raise IntegrityError("the service has stored something else than was sent")
    return found
