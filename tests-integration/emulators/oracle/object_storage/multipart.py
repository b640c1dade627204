"""Uploads in parts."""

from __future__ import annotations

import base64
import hashlib
import uuid

from emulators.oracle.errors import OracleError, invalid, object_body
from emulators.oracle.object_storage.checksums import checked_md5
from emulators.oracle.object_storage.conditions import check_headers, check_write
from emulators.oracle.object_storage.listing import last_modified
from emulators.oracle.object_storage.objects import kept_headers
from emulators.oracle.object_storage.store import Content, Part, Store, Upload, check_object_name
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, integer, route, timestamp
from emulators.web import Response

_UPLOADS = "/n/{namespaceName}/b/{bucketName}/u"
_UPLOAD = f"{_UPLOADS}/{{objectName}}"


class MultipartUploads:
    """Operations on uploads in parts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("POST", f"{_UPLOADS}/?", self._create),
            route("GET", f"{_UPLOADS}/?", self._list),
            route("PUT", _UPLOAD, self._put_part),
            route("GET", _UPLOAD, self._list_parts),
            route("POST", _UPLOAD, self._commit),
            route("DELETE", _UPLOAD, self._abort),
        ]

    def _create(self, call: Call, namespace: str, bucket: str) -> Response:
        found = self._store.find(namespace, bucket)
        details = object_body(call.request)
        name = str(details.get("object", ""))
        check_object_name(name)
        check_headers(found.objects.get(name), call.request)
        metadata = details.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise invalid("metadata must be an object")
        given = {"content-type": details.get("contentType")}
        for header in ("Language", "Encoding", "Disposition"):
            given[f"content-{header.lower()}"] = details.get(f"content{header}")
        given["cache-control"] = details.get("cacheControl")
        headers = {key: str(value) for key, value in {**given, **metadata}.items() if value}
        tier = details.get("storageTier")
        upload = Upload(
            name, kept_headers(headers), found.tier_of(None if tier is None else str(tier))
        )
        identity = str(uuid.uuid4())
        found.uploads[identity] = upload
        return Response.of_json(_described(namespace, bucket, identity, upload))

    def _list(self, call: Call, namespace: str, bucket: str) -> Response:
        uploads = self._store.find(namespace, bucket).uploads
        shown, headers = page(call.request, sorted(uploads, key=lambda each: uploads[each].name))
        found = [_described(namespace, bucket, each, uploads[each]) for each in shown]
        return Response.of_json(found, headers=headers)

    def _put_part(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        upload = self._find(call, namespace, bucket, name)
        number = integer(call.request, "uploadPartNum", 1, 10000, 0)
        if not number:
            raise OracleError(400, "MissingParameter", "uploadPartNum is missing")
        part = Part(call.request.body, checked_md5(call.request))
        upload.parts[number] = part
        md5 = base64.b64encode(part.md5).decode()
        return Response(200, headers={"ETag": part.etag, "opc-content-md5": md5})

    def _list_parts(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        parts = self._find(call, namespace, bucket, name).parts
        shown, headers = page(call.request, sorted(parts))
        found = [
            {
                "partNumber": number,
                "etag": parts[number].etag,
                "md5": base64.b64encode(parts[number].md5).decode(),
                "size": len(parts[number].data),
            }
            for number in shown
        ]
        return Response.of_json(found, headers=headers)

    def _commit(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        upload = self._find(call, namespace, bucket, name)
        parts = _chosen(upload, object_body(call.request))
        found = self._store.find(namespace, bucket)
        headers = call.request.headers
        check_write(found.objects.get(name), headers.get("if-match"), headers.get("if-none-match"))
        digests = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False)
        md5 = f"{base64.b64encode(digests.digest()).decode()}-{len(parts)}"
        data = b"".join(part.data for part in parts)
        content = Content(data, upload.headers, md5, upload.tier, multipart=True)
        found.objects[name] = content
        del found.uploads[str(call.request.param("uploadId"))]
        told = {"ETag": content.etag, "Last-Modified": last_modified(content)}
        return Response(200, headers={**told, "opc-multipart-md5": md5})

    def _abort(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        self._find(call, namespace, bucket, name)
        uploads = self._store.find(namespace, bucket).uploads
        del uploads[str(call.request.param("uploadId"))]
        return Response(204)

    def _find(self, call: Call, namespace: str, bucket: str, name: str) -> Upload:
        uploads = self._store.find(namespace, bucket).uploads
        upload = uploads.get(call.request.param("uploadId") or "")
        if upload is None or upload.name != name:
            raise OracleError(404, "NoSuchUpload", "The multipart upload was not found")
        return upload


def _chosen(upload: Upload, details: object) -> list[Part]:
    """The parts to commit, in order.

    Raises:
        OracleError: One is missing or changed, or one is left that is not excluded.
    """
    told = details if isinstance(details, dict) else {}
    wanted = {int(each["partNum"]): each["etag"] for each in told.get("partsToCommit") or []}
    excluded = set(told.get("partsToExclude") or [])
    if not wanted:
        raise invalid("partsToCommit must name at least one part")
    if excluded & set(wanted) or set(upload.parts) - excluded - set(wanted):
        message = "Each part must be in either partsToExclude or partsToCommit"
        raise OracleError(400, "InvalidUploadPart", message)
    for number, etag in wanted.items():
        if number not in upload.parts or upload.parts[number].etag != etag:
            message = f"Part {number} was not uploaded or has another entity tag"
            raise OracleError(400, "InvalidUploadPart", message)
    return [upload.parts[number] for number in sorted(wanted)]


def _described(namespace: str, bucket: str, identity: str, upload: Upload) -> dict[str, object]:
    return {
        "namespace": namespace,
        "bucket": bucket,
        "object": upload.name,
        "uploadId": identity,
        "timeCreated": timestamp(upload.created),
        "storageTier": upload.tier,
    }
