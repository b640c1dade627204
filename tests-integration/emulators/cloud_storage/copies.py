"""Copy, rewrite in several calls, and compose."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from emulators.cloud_storage.errors import (
    StorageError,
    invalid,
    no_object,
    not_doubled,
    precondition_failed,
)
from emulators.cloud_storage.objects import resource_of, shown
from emulators.cloud_storage.preconditions import Preconditions
from emulators.cloud_storage.rules import check_object_name, check_storage_class, editable
from emulators.cloud_storage.store import Content, Store, StoredObject
from emulators.web import Request, Response

MEBIBYTE = 1024 * 1024
BYTES_PER_CALL = 2 * MEBIBYTE
"""What one call rewrites when it does not say; the service decides by time."""
MAX_SOURCES = 32


@dataclass
class Rewrite:
    """A rewrite that is not done yet.

    Attributes:
        source: What is copied, as it was at the first call.
        target: Bucket and name.
        body: Resource that came with the first call.
        done: Bytes copied so far.
    """

    source: StoredObject
    target: tuple[str, str]
    body: dict[str, Any]
    done: int = 0


class Copies:
    """Operations that make objects of objects.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rewrites: dict[str, Rewrite] = {}

    def copy(
        self, request: Request, bucket: str, name: str, to_bucket: str, to_name: str
    ) -> Response:
        """``POST /b/{bucket}/o/{object}/copyTo/b/{bucket}/o/{object}``."""
        source = self._source(request, bucket, name)
        self._check_target(request, to_bucket, to_name)
        return shown(request, self._write(source, to_bucket, to_name, resource_of(request)))

    def rewrite(
        self, request: Request, bucket: str, name: str, to_bucket: str, to_name: str
    ) -> Response:
        """``POST /b/{bucket}/o/{object}/rewriteTo/b/{bucket}/o/{object}``."""
        source = self._source(request, bucket, name)
        self._check_target(request, to_bucket, to_name)
        token = request.param("rewriteToken")
        rewrite = Rewrite(source, (to_bucket, to_name), resource_of(request))
        if token is not None:
            rewrite = self._continued(token, rewrite)
        size = len(source.content.data)
        rewrite.done = min(size, rewrite.done + self._budget(request, rewrite))
        answer: dict[str, Any] = {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": str(rewrite.done),
            "objectSize": str(size),
            "done": rewrite.done == size,
        }
        if rewrite.done < size:
            answer["rewriteToken"] = token or secrets.token_urlsafe(48)
            self._rewrites[answer["rewriteToken"]] = rewrite
            return Response.of_json(answer)
        self._rewrites.pop(token or "", None)
        target = self._write(source, to_bucket, to_name, rewrite.body)
        answer["resource"] = target.resource(request.base_url)
        return Response.of_json(answer)

    def compose(self, request: Request, bucket: str, name: str) -> Response:
        """``POST /b/{bucket}/o/{object}/compose``."""
        check_object_name(name)
        body = resource_of(request)
        if body.get("deleteSourceObjects"):
            raise not_doubled("deleteSourceObjects of compose")
        sources = self._components(bucket, body.get("sourceObjects") or [])
        Preconditions.of_json(request).check_write(self._store.find(bucket, name))
        given = body.get("destination") or {}
        data = b"".join(source.content.data for source in sources)
        count = sum(source.content.components or 1 for source in sources)
        content = Content.joined(data, count)
        _check_digests(given, content)
        storage_class = given.get("storageClass")
        if storage_class is not None:
            check_storage_class(storage_class)
        composed = self._store.put(bucket, name, content, editable(given), storage_class)
        return shown(request, composed)

    def _components(self, bucket: str, listed: list[dict[str, Any]]) -> list[StoredObject]:
        if not 1 <= len(listed) <= MAX_SOURCES:
            raise invalid(
                "The number of source components provided "
                f"({len(listed)}) must be from 1 to {MAX_SOURCES}."
            )
        sources = []
        for entry in listed:
            generation = entry.get("generation")
            found = self._store.get(
                bucket, entry.get("name", ""), None if generation is None else str(generation)
            )
            expected = (entry.get("objectPreconditions") or {}).get("ifGenerationMatch")
            if expected is not None and str(expected) != str(found.generation):
                raise precondition_failed()
            sources.append(found)
        if len({source.storage_class for source in sources}) > 1:
            raise invalid("Source objects must have the same storage class.")
        return sources

    def _source(self, request: Request, bucket: str, name: str) -> StoredObject:
        found = self._store.get(bucket, name, request.param("sourceGeneration"))
        Preconditions.of_json(request, "ifSource").check_write(found)
        return found

    def _check_target(self, request: Request, bucket: str, name: str) -> None:
        check_object_name(name)
        Preconditions.of_json(request).check_write(self._store.find(bucket, name))

    def _continued(self, token: str, asked: Rewrite) -> Rewrite:
        begun = self._rewrites.get(token)
        if begun is None:
            raise StorageError(410, "gone", "The rewrite token is no longer available.")
        if begun.source.name != asked.source.name or begun.target != asked.target:
            raise invalid("The rewrite token does not belong to this request.")
        if begun.body != asked.body:
            raise invalid("A rewrite must be continued with the body it was begun with.")
        if begun.source.generation != asked.source.generation:
            raise no_object(asked.source.bucket, asked.source.name)
        return begun

    def _budget(self, request: Request, rewrite: Rewrite) -> int:
        """Bytes that this call may copy: all when nothing has to move."""
        text = request.param("maxBytesRewrittenPerCall")
        if text is not None and (not text.isdigit() or not int(text) or int(text) % MEBIBYTE):
            message = "maxBytesRewrittenPerCall must be an integral multiple of 1 MiB."
            raise invalid(message, location="maxBytesRewrittenPerCall")
        source, bucket = rewrite.source, self._store.bucket(rewrite.target[0])
        location = self._store.bucket(source.bucket).fields["location"]
        storage_class = rewrite.body.get("storageClass", bucket.storage_class)
        if (location, source.storage_class) == (bucket.fields["location"], storage_class):
            return len(source.content.data)
        return int(text or BYTES_PER_CALL)

    def _write(
        self, source: StoredObject, bucket: str, name: str, body: dict[str, Any]
    ) -> StoredObject:
        """Metadata in the body takes the place of all metadata of the source."""
        storage_class = body.get("storageClass")
        if storage_class is not None:
            check_storage_class(storage_class)
        given = editable(body)
        fields = given if given or storage_class else source.fields
        content = source.content
        target = storage_class or self._store.bucket(bucket).storage_class
        if content.components is not None and target != source.storage_class:
            content = replace(content, components=1)
        return self._store.put(bucket, name, content, fields, target)


def _check_digests(given: dict[str, Any], content: Content) -> None:
    if given.get("crc32c") not in {None, content.crc32c}:
        raise invalid(
            f'Provided CRC32C "{given["crc32c"]}" doesn\'t match calculated CRC32C '
            f'"{content.crc32c}".'
        )
