"""Multipart uploads of the XML API."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from emulators.cloud_storage.errors import StorageError, invalid
from emulators.cloud_storage.store import Content, Store, timestamp
from emulators.cloud_storage.uploads import Plan, check_digests, told_digests
from emulators.cloud_storage.xml_objects import plan_of
from emulators.web import Request, Response

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_PART = 10_000
MIN_PART_BYTES = 5 * 1024 * 1024


@dataclass
class MultipartUpload:
    """An upload that goes on.

    Attributes:
        plan: What it will become.
        begun: Seconds since the epoch.
        parts: By number: the content, and when it came.
    """

    plan: Plan
    begun: float
    parts: dict[int, tuple[Content, float]] = field(default_factory=dict)


class MultipartUploads:
    """All uploads in parts.

    Args:
        store: Where the objects go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uploads: dict[str, MultipartUpload] = {}

    def initiate(self, request: Request, bucket: str, name: str) -> Response:
        """``POST ?uploads``."""
        self._store.bucket(bucket)
        _refuse_conditions(request)
        upload_id = secrets.token_urlsafe(48)
        self._uploads[upload_id] = MultipartUpload(plan_of(request, bucket, name), time.time())
        return _answer(
            "InitiateMultipartUploadResult",
            [("Bucket", bucket), ("Key", name), ("UploadId", upload_id)],
        )

    def put_part(self, request: Request, bucket: str, name: str) -> Response:
        """``PUT ?partNumber=&uploadId=``."""
        upload = self._upload(request, bucket, name)
        number = request.param("partNumber") or ""
        if not number.isdigit() or not 1 <= int(number) <= MAX_PART:
            raise invalid(f"Part number must be an integer between 1 and {MAX_PART}, inclusive.")
        content = Content.of(request.body)
        check_digests(told_digests(request.headers), content)
        upload.parts[int(number)] = (content, time.time())
        return Response(200, b"", {"ETag": _etag(content), "X-Goog-Hash": content.hash_header})

    def complete(self, request: Request, bucket: str, name: str) -> Response:
        """``POST ?uploadId=``."""
        upload = self._upload(request, bucket, name)
        _refuse_conditions(request)
        contents = [_chosen(upload, *listed) for listed in _listed_parts(request.body)]
        if any(len(content.data) < MIN_PART_BYTES for content in contents[:-1]):
            message = "Your proposed upload is smaller than the minimum object size allowed."
            raise invalid(message, code="EntityTooSmall")
        content = Content.joined(b"".join(content.data for content in contents))
        plan = upload.plan
        stored = self._store.put(bucket, name, content, plan.fields, plan.storage_class)
        del self._uploads[request.param("uploadId") or ""]
        return _answer(
            "CompleteMultipartUploadResult",
            [
                ("Location", f"{request.base_url}{request.path}"),
                ("Bucket", bucket),
                ("Key", name),
                ("ETag", stored.xml_etag),
            ],
        )

    def abort(self, request: Request, bucket: str, name: str) -> Response:
        """``DELETE ?uploadId=``."""
        self._upload(request, bucket, name)
        del self._uploads[request.param("uploadId") or ""]
        return Response(204)

    def list_parts(self, request: Request, bucket: str, name: str) -> Response:
        """``GET ?uploadId=``."""
        upload = self._upload(request, bucket, name)
        marker = int(request.param("part-number-marker") or 0)
        limit = min(int(request.param("max-parts") or 1000), 1000)
        numbers = [number for number in sorted(upload.parts) if number > marker]
        shown = numbers[:limit]
        fields = [
            ("Bucket", bucket),
            ("Key", name),
            ("UploadId", request.param("uploadId") or ""),
            ("StorageClass", upload.plan.storage_class or "STANDARD"),
            ("PartNumberMarker", str(marker)),
            ("NextPartNumberMarker", str(shown[-1] if shown else marker)),
            ("MaxParts", str(limit)),
            ("IsTruncated", str(len(numbers) > limit).lower()),
        ]
        parts = [_part_element(number, *upload.parts[number]) for number in shown]
        return _answer("ListPartsResult", fields, parts)

    def list_uploads(self, request: Request, bucket: str) -> Response:
        """``GET /bucket?uploads``: the uploads that go on, in one page."""
        self._store.bucket(bucket)
        prefix = request.param("prefix") or ""
        going_on = sorted(
            (upload.plan.name, upload.begun, upload_id)
            for upload_id, upload in self._uploads.items()
            if upload.plan.bucket == bucket and upload.plan.name.startswith(prefix)
        )
        uploads = [
            f"<Upload><Key>{escape(name)}</Key><UploadId>{upload_id}</UploadId>"
            f"<Initiated>{timestamp(begun)}</Initiated></Upload>"
            for name, begun, upload_id in going_on
        ]
        fields = [("Bucket", bucket), ("Prefix", prefix), ("IsTruncated", "false")]
        return _answer("ListMultipartUploadsResult", fields, uploads)

    def _upload(self, request: Request, bucket: str, name: str) -> MultipartUpload:
        upload = self._uploads.get(request.param("uploadId") or "")
        if upload is None or (upload.plan.bucket, upload.plan.name) != (bucket, name):
            message = "The requested upload was not found."
            raise StorageError(404, "notFound", message, code="NoSuchUpload")
        return upload


def _refuse_conditions(request: Request) -> None:
    """The service's page says: preconditions are not supported in these requests."""
    for name in request.headers:
        if name.startswith("x-goog-if-") or name in {"if-match", "if-none-match"}:
            raise invalid(f"Preconditions are not supported in multipart uploads: {name}")


def _listed_parts(body: bytes) -> list[tuple[int, str]]:
    try:
        root = ET.fromstring(body)
        listed = [
            (int(part.findtext("{*}PartNumber") or ""), part.findtext("{*}ETag") or "")
            for part in root.iter()
            if part.tag.rpartition("}")[2] == "Part"
        ]
    except (ET.ParseError, ValueError):
        listed = []
    if not listed:
        message = "The XML you provided was not well-formed or did not validate."
        raise invalid(message, code="MalformedCompleteMultipartUploadRequest")
    numbers = [number for number, _ in listed]
    if numbers != sorted(set(numbers)):
        message = "The list of parts was not in ascending order."
        raise invalid(message, code="InvalidPartOrder")
    return listed


def _chosen(upload: MultipartUpload, number: int, etag: str) -> Content:
    content, _ = upload.parts.get(number, (None, 0.0))
    if content is None or etag.strip('"') != _etag(content).strip('"'):
        message = "One or more of the specified parts could not be found."
        raise invalid(message, code="InvalidPart")
    return content


def _part_element(number: int, content: Content, came: float) -> str:
    return (
        f"<Part><PartNumber>{number}</PartNumber><LastModified>{timestamp(came)}</LastModified>"
        f"<ETag>{escape(_etag(content))}</ETag><Size>{len(content.data)}</Size></Part>"
    )


def _etag(content: Content) -> str:
    return f'"{base64.b64decode(content.md5 or "").hex()}"'


def _answer(root: str, fields: Iterable[tuple[str, str]], inner: Iterable[str] = ()) -> Response:
    elements = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields)
    body = (
        f"<?xml version='1.0' encoding='UTF-8'?><{root} xmlns='{NAMESPACE}'>"
        f"{elements}{''.join(inner)}</{root}>"
    )
    return Response(200, body.encode(), {"Content-Type": "application/xml; charset=UTF-8"})
