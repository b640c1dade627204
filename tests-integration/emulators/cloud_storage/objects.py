"""Objects in the JSON API: show, change, delete."""

from __future__ import annotations

from typing import Any

from emulators.cloud_storage.downloads import download
from emulators.cloud_storage.errors import invalid
from emulators.cloud_storage.preconditions import Preconditions
from emulators.cloud_storage.rules import editable
from emulators.cloud_storage.store import Store, StoredObject
from emulators.web import Request, Response


def get(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``GET /b/{bucket}/o/{object}``: the metadata, or the content with ``alt=media``."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_json(request).check_read(found, found.etag)
    if request.param("alt") == "media":
        return download(request, found, found.etag)
    return shown(request, found)


def delete(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``DELETE /b/{bucket}/o/{object}``."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_json(request).check_write(found, found.etag)
    store.remove(found)
    return Response(204)


def patch(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``PATCH /b/{bucket}/o/{object}``: what is named is changed, and null removes."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_json(request).check_write(found, found.etag)
    changes = editable(resource_of(request))
    metadata = changes.pop("metadata", {})
    fields = {**found.fields, **changes}
    fields["metadata"] = {} if metadata is None else {**found.metadata, **metadata}
    return shown(request, store.change(found, fields))


def update(store: Store, request: Request, bucket: str, name: str) -> Response:
    """``PUT /b/{bucket}/o/{object}``: all that can be set is set, or removed."""
    found = store.get(bucket, name, request.param("generation"))
    Preconditions.of_json(request).check_write(found, found.etag)
    return shown(request, store.change(found, editable(resource_of(request))))


def resource_of(request: Request) -> dict[str, Any]:
    """The resource in the body; empty when there is no body.

    Raises:
        StorageError: It is not a JSON object (400).
    """
    try:
        body = request.json()
    except ValueError as error:
        raise invalid("Parse Error", code="MalformedJson") from error
    if not isinstance(body, dict | None):
        raise invalid("Parse Error", code="MalformedJson")
    return body or {}


def shown(request: Request, stored: StoredObject) -> Response:
    """The answer with a resource."""
    return Response.of_json(stored.resource(request.base_url), headers={"ETag": stored.etag})
