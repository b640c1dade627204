"""Objects in the XML API, which signed URLs belong to."""

from __future__ import annotations

from emulators.cloud_storage.downloads import download, object_headers
from emulators.cloud_storage.errors import not_doubled
from emulators.cloud_storage.preconditions import Preconditions
from emulators.cloud_storage.rules import check_object_name, check_storage_class
from emulators.cloud_storage.store import Store, StoredObject
from emulators.cloud_storage.uploads import Plan, told_digests
from emulators.web import Request, Response

METADATA_PREFIX = "x-goog-meta-"
_FIELDS = {
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "x-goog-custom-time": "customTime",
}
_NOT_DOUBLED = ("x-goog-copy-source", "x-goog-resumable", "x-goog-acl", "x-goog-encryption-key")


def get(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``GET`` and ``HEAD``."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_xml(request).check_read(found, found.xml_etag)
    response = download(request, found, found.xml_etag)
    custom = {METADATA_PREFIX + key: value for key, value in found.metadata.items()}
    overrides = {
        header.title(): value
        for header in ("content-disposition", "content-type")
        if (value := request.param(f"response-{header}")) is not None
    }
    headers = {**response.headers, **custom, **overrides}
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(response.body))
    return Response(response.status, response.body, headers)


def put(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``PUT``."""
    plan = plan_of(request, bucket, name)
    stored = plan.write(store, request.body)
    return Response(200, b"", written_headers(stored))


def delete(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``DELETE``."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_xml(request).check_write(found, found.xml_etag)
    store.remove(found)
    return Response(204)


def plan_of(request: Request, bucket: str, name: str) -> Plan:
    """What the headers of a request want to be made of its content.

    Raises:
        StorageError: They are wrong (400), or ask for what the double does not do (501).
    """
    for header in _NOT_DOUBLED:
        if header in request.headers:
            raise not_doubled(header)
    store_class = request.headers.get("x-goog-storage-class")
    if store_class is not None:
        check_storage_class(store_class)
    check_object_name(name)
    fields: dict[str, object] = {
        field: request.headers[header]
        for header, field in _FIELDS.items()
        if header in request.headers
    }
    fields["contentType"] = request.headers.get("content-type", "application/octet-stream")
    fields["metadata"] = {
        header.removeprefix(METADATA_PREFIX): value
        for header, value in request.headers.items()
        if header.startswith(METADATA_PREFIX)
    }
    conditions = Preconditions.of_xml(request)
    return Plan(bucket, name, fields, store_class, told_digests(request.headers), conditions)


def written_headers(stored: StoredObject) -> dict[str, str]:
    """What the answer to an upload says of the object."""
    headers = object_headers(stored, stored.xml_etag)
    kept = {"ETag"} | {name for name in headers if name.startswith("X-Goog-")}
    return {name: value for name, value in headers.items() if name in kept}
