"""Buckets in the JSON API."""

from __future__ import annotations

import time
from typing import Any

from emulators.cloud_storage import pages
from emulators.cloud_storage.errors import StorageError, missing, not_doubled, precondition_failed
from emulators.cloud_storage.rules import check_bucket_name, check_storage_class
from emulators.cloud_storage.store import Bucket, Store
from emulators.web import Request, Response

_SETTABLE = ("location", "storageClass", "labels", "iamConfiguration")
_NOT_DOUBLED = ("versioning", "retentionPolicy", "lifecycle", "customPlacementConfig")


def insert(store: Store, request: Request) -> Response:
    """``POST /b``."""
    body: dict[str, Any] = request.json() or {}
    project = request.param("project")
    if project is None:
        raise missing("project")
    name = str(body.get("name") or "")
    check_bucket_name(name)
    if name in store.buckets:
        raise _taken(store.buckets[name].project == project)
    if asked := [field for field in _NOT_DOUBLED if body.get(field)]:
        raise not_doubled(f"{asked[0]} of buckets")
    fields = {field: body[field] for field in _SETTABLE if field in body}
    fields["storageClass"] = check_storage_class(fields.get("storageClass", "STANDARD"))
    fields["location"] = str(fields.get("location", "US")).upper()
    store.buckets[name] = Bucket(name, project, fields, time.time())
    return Response.of_json(store.buckets[name].resource(request.base_url))


def get(store: Store, request: Request, bucket: str) -> Response:
    """``GET /b/{bucket}``."""
    found = store.bucket(bucket)
    _check(request, found)
    return Response.of_json(found.resource(request.base_url))


def list_(store: Store, request: Request) -> Response:
    """``GET /b``."""
    project = request.param("project")
    if project is None:
        raise missing("project")
    prefix, after = request.param("prefix") or "", pages.after(request)
    names = sorted(
        name
        for name, bucket in store.buckets.items()
        if bucket.project == project and name.startswith(prefix) and name > after
    )
    limit = pages.limit(request)
    answer: dict[str, Any] = {"kind": "storage#buckets"}
    if shown := names[:limit]:
        answer["items"] = [store.buckets[name].resource(request.base_url) for name in shown]
    if len(names) > limit:
        answer["nextPageToken"] = pages.token(shown[-1])
    return Response.of_json(answer)


def delete(store: Store, request: Request, bucket: str) -> Response:
    """``DELETE /b/{bucket}``."""
    found = store.bucket(bucket)
    _check(request, found)
    store.remove_bucket(found)
    return Response(204)


def _check(request: Request, bucket: Bucket) -> None:
    number = str(bucket.metageneration)
    if request.param("ifMetagenerationMatch") not in {None, number}:
        raise precondition_failed()
    if request.param("ifMetagenerationNotMatch") == number:
        raise (
            StorageError(304, "notModified", "")
            if request.method == "GET"
            else (precondition_failed("If-None-Match"))
        )


def _taken(own: bool) -> StorageError:
    message = (
        "Your previous request to create the named bucket succeeded and you already own it."
        if own
        else "The requested bucket name is not available. The bucket namespace is shared by all "
        "users of the system. Please select a different name and try again."
    )
    code = "BucketAlreadyOwnedByYou" if own else "BucketNameUnavailable"
    return StorageError(409, "conflict", message, code=code)
