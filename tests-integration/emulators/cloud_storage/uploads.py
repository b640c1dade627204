"""Uploads of the JSON API: simple, multipart, and the start of resumable ones."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.cloud_storage.errors import invalid, missing, wrong_digest
from emulators.cloud_storage.multipart import parts_of
from emulators.cloud_storage.objects import resource_of, shown
from emulators.cloud_storage.preconditions import Preconditions
from emulators.cloud_storage.rules import check_object_name, check_storage_class, editable
from emulators.cloud_storage.store import Content, Store, StoredObject
from emulators.web import Request, Response

_HASH = re.compile(r"\s*(crc32c|md5)=([A-Za-z0-9+/=]+)\s*")


@dataclass
class Plan:
    """What an upload will become.

    Attributes:
        bucket: Where to.
        name: Of the object.
        fields: What the client sets.
        storage_class: None for the bucket's.
        digests: What the content must have: ``{"crc32c": "...", "md5": "..."}``.
        conditions: What must hold when it is written.
    """

    bucket: str
    name: str
    fields: dict[str, Any]
    storage_class: str | None
    digests: dict[str, str]
    conditions: Preconditions

    def check(self, store: Store) -> None:
        """Whether it may be written.

        Raises:
            StorageError: A precondition does not hold (412), or the bucket is not there (404).
        """
        old = store.find(self.bucket, self.name)
        self.conditions.check_write(old, old.etag if old else "")

    def write(self, store: Store, data: bytes) -> StoredObject:
        """Keep the content.

        Raises:
            StorageError: A precondition does not hold (412), or a digest is wrong (400).
        """
        content = Content.of(data)
        check_digests(self.digests, content)
        self.check(store)
        return store.put(self.bucket, self.name, content, self.fields, self.storage_class)


def upload_media(store: Store, request: Request, bucket: str) -> Response:
    """``uploadType=media``: the body is the content, and there is no metadata."""
    content_type = request.headers.get("content-type", "application/octet-stream")
    plan = plan_of(request, bucket, {}, content_type)
    return shown(request, plan.write(store, request.body))


def upload_multipart(store: Store, request: Request, bucket: str) -> Response:
    """``uploadType=multipart``: a resource in JSON, then the content."""
    parts = parts_of(request.headers.get("content-type", ""), request.body)
    if len(parts) != 2:
        raise invalid("Malformed multipart body.")
    (_, resource), (headers, data) = parts
    described = Request("POST", "", (), {}, resource)
    content_type = headers.get("content-type", "application/octet-stream")
    plan = plan_of(request, bucket, resource_of(described), content_type)
    return shown(request, plan.write(store, data))


def plan_of(request: Request, bucket: str, resource: dict[str, Any], content_type: str) -> Plan:
    """What a request wants to be made of its content.

    Raises:
        StorageError: It says so in a wrong way (400).
    """
    name = request.param("name") or resource.get("name")
    if not name:
        raise missing("name")
    check_object_name(name)
    fields = editable(resource)
    fields.setdefault("contentType", content_type)
    if request.param("contentEncoding"):
        fields.setdefault("contentEncoding", request.param("contentEncoding"))
    storage_class = resource.get("storageClass")
    if storage_class is not None:
        check_storage_class(storage_class)
    told = {"crc32c": resource.get("crc32c"), "md5": resource.get("md5Hash")}
    digests = {kind: value for kind, value in told.items() if value}
    conditions = Preconditions.of_json(request)
    return Plan(
        bucket,
        name,
        fields,
        storage_class,
        {**digests, **told_digests(request.headers)},
        conditions,
    )


def told_digests(headers: Mapping[str, str]) -> dict[str, str]:
    """Digests from ``x-goog-hash`` and ``Content-MD5``.

    Raises:
        StorageError: One is malformed (400).
    """
    digests: dict[str, str] = {}
    for part in filter(None, headers.get("x-goog-hash", "").split(",")):
        match = _HASH.fullmatch(part)
        if match is None:
            raise invalid("Invalid x-goog-hash header.", code="InvalidDigest")
        digests[match[1]] = match[2]
    if "content-md5" in headers:
        digests["md5"] = headers["content-md5"].strip()
    return digests


def check_digests(told: Mapping[str, str], content: Content) -> None:
    """Compare content with what was told of it.

    Raises:
        StorageError: It is something else (400).
    """
    md5 = told.get("md5")
    if md5 is not None and md5 != Content.of(content.data).md5:
        found = Content.of(content.data).md5 or ""
        raise wrong_digest("MD5 hash", _hexadecimal(md5), _hexadecimal(found))
    if told.get("crc32c", content.crc32c) != content.crc32c:
        raise wrong_digest("CRC32C", told["crc32c"], content.crc32c)


def _hexadecimal(text: str) -> str:
    """The service shows an MD5 as it was sent; this checks that it is base64 at all."""
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise invalid("Invalid MD5 hash.", code="InvalidDigest") from error
    return text
