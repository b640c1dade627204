"""Objects: written, read, listed, renamed, deleted."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace

from emulators.oracle.errors import OracleError, object_body
from emulators.oracle.object_storage.checksums import checked_md5
from emulators.oracle.object_storage.conditions import (
    check_headers,
    check_match,
    check_write,
    not_modified,
)
from emulators.oracle.object_storage.listing import last_modified, list_objects
from emulators.oracle.object_storage.store import (
    Bucket,
    Content,
    Store,
    check_object_name,
    new_etag,
    now,
)
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.web import Request, Response

_KEPT = (
    *("content-type", "content-language", "content-encoding"),
    *("content-disposition", "cache-control"),
)
_OBJECT = "/n/{namespaceName}/b/{bucketName}/o/{objectName}"
_ACTIONS = "/n/{namespaceName}/b/{bucketName}/actions"


class Objects:
    """Operations on objects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes: list[Route] = [
            route("GET", "/n/{namespaceName}/b/{bucketName}/o/?", self._list),
            route("PUT", _OBJECT, self._put),
            route("GET", _OBJECT, self._get),
            route("HEAD", _OBJECT, self._get),
            route("DELETE", _OBJECT, self._delete),
            route("POST", f"{_ACTIONS}/renameObject", self._rename),
            route("POST", f"{_ACTIONS}/batchDeleteObjects", self._delete_batch),
        ]

    def _list(self, call: Call, namespace: str, bucket: str) -> Response:
        return list_objects(self._store.find(namespace, bucket), call.request)

    def _put(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        return put_object(self._store.find(namespace, bucket), name, call.request)

    def _get(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        return get_object(self._store.find(namespace, bucket), name, call.request)

    def _delete(self, call: Call, namespace: str, bucket: str, name: str) -> Response:
        found = self._store.find(namespace, bucket)
        check_match(found.find(name), call.request.headers.get("if-match"))
        del found.objects[name]
        return Response(204, headers={"last-modified": timestamp(now())})

    def _rename(self, call: Call, namespace: str, bucket: str) -> Response:
        found = self._store.find(namespace, bucket)
        details = {name: str(value) for name, value in object_body(call.request).items()}
        source, target = details.get("sourceName", ""), details.get("newName", "")
        check_object_name(target)
        content = found.find(source)
        check_match(content, details.get("srcObjIfMatchETag"))
        existing = found.objects.get(target)
        check_write(
            existing, details.get("newObjIfMatchETag"), details.get("newObjIfNoneMatchETag")
        )
        del found.objects[source]
        found.objects[target] = replace(content, etag=new_etag(), modified=now())
        return _written(found.objects[target])

    def _delete_batch(self, call: Call, namespace: str, bucket: str) -> Response:
        found = self._store.find(namespace, bucket)
        details = object_body(call.request)
        entries = details.get("objects")
        if not isinstance(entries, list) or not 1 <= len(entries) <= 1000:
            raise OracleError(400, "InvalidParameter", "objects must have 1 to 1000 entries")
        deleted, failed = [], []
        for entry in entries:
            name = str(entry["objectName"])
            try:
                check_match(found.find(name), entry.get("ifMatch"))
            except OracleError as error:
                told = {"statusCode": error.status, "errorMessage": error.message}
                failed.append({"objectName": name, **told})
            else:
                del found.objects[name]
                deleted.append({"objectName": name, "timeLastModified": timestamp(now())})
        shown = [] if details.get("isSkipDeletedResult") else deleted
        return Response.of_json({"deleted": shown, "failed": failed})


def put_object(bucket: Bucket, name: str, request: Request) -> Response:
    """Write an object."""
    check_object_name(name)
    current = bucket.objects.get(name)
    check_headers(current, request)
    md5 = base64.b64encode(checked_md5(request)).decode()
    tier = bucket.tier_of(request.headers.get("storage-tier"))
    content = Content(request.body, kept_headers(request.headers), md5, tier)
    bucket.objects[name] = content
    return _written(content, {"opc-content-md5": md5})


def get_object(bucket: Bucket, name: str, request: Request) -> Response:
    """Read an object, or a range of it."""
    content = bucket.find(name)
    if answer := not_modified(content, request):
        return answer
    if content.tier == "Archive" and request.method == "GET":
        raise OracleError(409, "NotRestored", f"The object '{name}' is archived")
    headers = _told(content)
    span = request.headers.get("range") if content.data or request.method == "GET" else None
    if span is None or not (bounds := _bounds(span, len(content.data))):
        return Response(200, content.data, headers)
    first, last = bounds
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content.data)}"
    return Response(206, content.data[first : last + 1], headers)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What of a request's headers belongs to the object."""
    kept = {
        name: value
        for name, value in headers.items()
        if name in _KEPT or name.startswith("opc-meta-")
    }
    return {"content-type": "application/octet-stream", **kept}


def _told(content: Content) -> dict[str, str]:
    digest = "opc-multipart-md5" if content.multipart else "Content-MD5"
    headers = {
        **content.headers,
        "ETag": content.etag,
        digest: content.md5,
        "Last-Modified": last_modified(content),
        "Accept-Ranges": "bytes",
        "storage-tier": content.tier,
    }
    if content.tier == "Archive":
        headers["archival-state"] = "Archived"
    return headers


def _written(content: Content, headers: Mapping[str, str] | None = None) -> Response:
    told = {"ETag": content.etag, "Last-Modified": last_modified(content)}
    return Response(200, headers={**told, **(headers or {})})


def _bounds(span: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a range; None when it is not understood, and so ignored."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", span.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or (not first and int(last) == 0):
        raise OracleError(416, "InvalidRange", f"The range '{span}' is not valid for {size} bytes")
    return (start, end) if start <= end else None
