"""Uploads in parts: multipart uploads of the XML API. The functions block; they run in worker threads.

Parts are invisible, may come in any order and side by side, and are dropped with the upload. But such
an upload takes no conditions, and no metadata outside ASCII. Where these are asked for, the upload
makes a temporary object beside the key, and a rewrite with the condition, which moves no bytes, puts
it in its place. Listings leave temporary objects out; one can only be left behind when the program
ends between two requests.

https://cloud.google.com/storage/docs/multipart-uploads
"""

from __future__ import annotations

import json
import re
from secrets import token_hex
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from attrs import frozen
from cloudkit.api.paging import Page
from cloudkit.api.storage import ObjectAttributes, PendingUpload, StoredObject, UploadedPart
from cloudkit.api.storage.operations import (
    AbortUpload,
    CompleteUpload,
    CreateUpload,
    ListUploads,
    UploadPart,
)
from cloudkit.common import ValidationError
from cloudkit.gcp.errors import code_of, status_of
from cloudkit.gcp.storage.attributes import OCTETS, to_resource, to_time
from cloudkit.gcp.storage.checksums import crc32c
from cloudkit.gcp.storage.client import SentBody, StorageClient, object_path, xml_path
from cloudkit.gcp.storage.conditions import NO_GENERATION, condition
from cloudkit.gcp.storage.copying import rewrite
from cloudkit.gcp.storage.keys import MAX_BYTES, to_key, to_name, to_prefix
from cloudkit.gcp.storage.writing import encryption

HEADERS = {
    "content_encoding": "Content-Encoding",
    "content_disposition": "Content-Disposition",
    "content_language": "Content-Language",
    "cache_control": "Cache-Control",
}

_NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_TEMPORARY = re.compile(r"\.~cloudkit-[0-9a-f]{16}~\Z")
_UPLOAD_ID = re.compile(r"<UploadId>([^<]+)</UploadId>")


@frozen
class _Target:
    """Where an upload goes.

    Attributes:
        upload_id: The service's name for it.
        temporary: Name of the temporary object that it makes; None when it makes the object itself.
    """

    upload_id: str
    temporary: str | None

    @classmethod
    def of(cls, upload_id: str) -> _Target:
        try:
            native, temporary = json.loads(upload_id)
        except (ValueError, TypeError):
            raise ValidationError("upload_id is none that an upload was given") from None
        return cls(native, temporary)

    @property
    def token(self) -> str:
        return json.dumps([self.upload_id, self.temporary])

    def path(self, bucket: str, key: str) -> str:
        return xml_path(bucket, to_name(key) if self.temporary is None else self.temporary)


def is_temporary(name: str) -> bool:
    """Whether an object is one that an upload is about to put in its place."""
    return _TEMPORARY.search(name) is not None


def create_upload(client: StorageClient, op: CreateUpload) -> str:
    """Begin an upload in parts."""
    name = to_name(op.key)
    if _is_direct(op, name):
        temporary = None
        headers = _headers(op.attributes, op.storage_class)
    else:
        # The cheap class whatever the object's will be: others cost extra when they are deleted soon.
        temporary = _temporary_name(name)
        headers = {"Content-Type": OCTETS, "x-goog-storage-class": "STANDARD"}
    headers |= encryption(client, "x-goog-encryption-kms-key-name")
    path = xml_path(op.bucket, temporary or name)
    response = client.send("POST", path, {"uploads": ""}, {**headers, "Content-Length": "0"})
    found = _UPLOAD_ID.search(response.text)
    # Not read as XML: it repeats the name, which may have what XML has not.
    return _Target("" if found is None else found[1], temporary).token


def upload_part(client: StorageClient, op: UploadPart) -> UploadedPart:
    """Send one part."""
    target = _Target.of(op.upload_id)
    response = client.send(
        "PUT",
        target.path(op.bucket, op.key),
        {"partNumber": str(op.number), "uploadId": target.upload_id},
        {"x-goog-hash": f"crc32c={crc32c(op.body)}"},
        SentBody(op.body),
    )
    return UploadedPart(number=op.number, etag=response.headers["ETag"], size=len(op.body))


def complete_upload(client: StorageClient, op: CompleteUpload) -> StoredObject:
    """Make the object of its parts, under the condition."""
    target = _Target.of(op.upload_id)
    path = target.path(op.bucket, op.key)
    if target.temporary is None:
        etag = _complete(client, path, target, op)
        generation = _generation(client, path, etag)
    else:
        try:
            _complete(client, path, target, op)
        except Exception as error:
            # An attempt before this one may have come so far; if not, the rewrite finds nothing.
            if code_of(error) != "NoSuchUpload":
                raise
        generation = _put_in_place(client, op, target.temporary)
        _delete(client, op.bucket, target.temporary)
    size = sum(part.size for part in op.parts)
    return StoredObject(bucket=op.bucket, key=op.key, etag=generation, size=size)


def abort_upload(client: StorageClient, op: AbortUpload) -> None:
    """Drop an upload with all that it has made; one that is gone is fine."""
    target = _Target.of(op.upload_id)
    try:
        client.send("DELETE", target.path(op.bucket, op.key), {"uploadId": target.upload_id})
    except Exception as error:
        if code_of(error) != "NoSuchUpload":
            raise
    if target.temporary is not None:
        _delete(client, op.bucket, target.temporary)


def list_uploads(client: StorageClient, op: ListUploads) -> Page[PendingUpload]:
    """One page of unfinished uploads."""
    query = {"uploads": "", "prefix": to_prefix(op.prefix)}
    if op.page_token is not None:
        query["key-marker"], query["upload-id-marker"] = _markers(op.page_token)
    root = ET.fromstring(client.send("GET", xml_path(op.bucket), query).text)  # noqa: S314  # who is asked over TLS sends no bombs
    uploads = [
        upload
        for element in root.iterfind("{*}Upload")
        if (upload := _pending(element)).key.startswith(op.prefix)
    ]
    token = None
    if root.findtext("{*}IsTruncated") == "true":
        markers = [root.findtext(f"{{*}}Next{name}Marker") for name in ("Key", "UploadId")]
        token = json.dumps(markers)
    return Page(uploads, token)


def _is_direct(op: CreateUpload, name: str) -> bool:
    """Whether the XML API can say all that is asked for."""
    values = op.attributes.metadata.values()
    return (
        not op.conditional
        and not _NOT_IN_XML.search(name)
        and all(value and value.isascii() for value in values)
    )


def _temporary_name(name: str) -> str:
    """A name beside the object's own, so that a prefix finds both; cut when it would be too long."""
    ending = f".~cloudkit-{token_hex(8)}~"
    kept = _NOT_IN_XML.sub("_", name).encode()[: MAX_BYTES - len(ending)]
    return kept.decode(errors="ignore") + ending


def _headers(attributes: ObjectAttributes, storage_class: str | None) -> dict[str, str]:
    headers = {
        header: value
        for name, header in HEADERS.items()
        if (value := getattr(attributes, name)) is not None
    }
    headers["Content-Type"] = attributes.content_type or OCTETS
    headers |= {f"x-goog-meta-{name}": value for name, value in attributes.metadata.items()}
    if storage_class is not None:
        headers["x-goog-storage-class"] = storage_class
    return headers


def _complete(client: StorageClient, path: str, target: _Target, op: CompleteUpload) -> str:
    """Make one object of the parts; returns its ETag in the XML API."""
    parts = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag></Part>"
        for part in op.parts
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    headers = {"Content-Type": "application/xml"}
    response = client.send("POST", path, {"uploadId": target.upload_id}, headers, body)
    found = re.search(r"<ETag>([^<]+)</ETag>", response.text)
    return "" if found is None else found[1].replace("&quot;", '"')


def _generation(client: StorageClient, path: str, etag: str) -> str:
    """The generation of what was made just now; of none, when somebody has replaced it already."""
    try:
        # Otherwise the facts would be those of the content unpacked.
        headers = client.send("HEAD", path, headers={"Accept-Encoding": "gzip"}).headers
    except Exception as error:
        if status_of(error) == 404:
            return NO_GENERATION
        raise
    same = headers.get("ETag", "").strip('"') == etag.strip('"')
    return headers["X-Goog-Generation"] if same else NO_GENERATION


def _put_in_place(client: StorageClient, op: CompleteUpload, temporary: str) -> str:
    source, target = (op.bucket, temporary), (op.bucket, to_name(op.key))
    query = condition(op.if_match, op.if_none_match)
    body = to_resource(op.create.attributes, op.create.storage_class)
    while True:
        answer = rewrite(client, source, target, query, body)
        if answer["done"]:
            return str(answer["resource"]["generation"])
        query = {**query, "rewriteToken": answer["rewriteToken"]}


def _delete(client: StorageClient, bucket: str, name: str) -> None:
    try:
        client.json("DELETE", object_path(bucket, name))
    except Exception as error:
        if status_of(error) != 404:
            raise


def _pending(element: ET.Element) -> PendingUpload:
    name = element.findtext("{*}Key") or ""
    initiated = element.findtext("{*}Initiated")
    temporary = name if is_temporary(name) else None
    return PendingUpload(
        key=to_key(_TEMPORARY.sub("", name)),
        upload_id=_Target(element.findtext("{*}UploadId") or "", temporary).token,
        started_at=None if initiated is None else to_time(initiated),
    )


def _markers(token: str) -> tuple[str, str]:
    try:
        key, upload_id = json.loads(token)
    except (ValueError, TypeError):
        raise ValidationError("page_token is none that list_uploads has given") from None
    return str(key), str(upload_id)
