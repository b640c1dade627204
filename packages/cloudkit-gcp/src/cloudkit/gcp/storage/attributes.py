"""Attributes of objects as resources of the JSON API, and back.

https://cloud.google.com/storage/docs/json_api/v1/objects#resource
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudkit.api.storage import ObjectAttributes, ObjectInfo
from cloudkit.core.headers import hex_digest

DEFAULT_CLASS = "STANDARD"

FIELDS = {
    "content_type": "contentType",
    "content_encoding": "contentEncoding",
    "content_disposition": "contentDisposition",
    "content_language": "contentLanguage",
    "cache_control": "cacheControl",
}
"""Attribute → its name in the JSON API."""

OCTETS = "application/octet-stream"


def to_resource(attributes: ObjectAttributes, storage_class: str | None) -> dict[str, Any]:
    """A resource to write an object with."""
    resource: dict[str, Any] = {
        field: value
        for name, field in FIELDS.items()
        if (value := getattr(attributes, name)) is not None
    }
    resource.setdefault("contentType", OCTETS)
    if attributes.metadata:
        resource["metadata"] = dict(attributes.metadata)
    if storage_class is not None:
        resource["storageClass"] = storage_class
    return resource


def to_attributes(resource: Mapping[str, Any]) -> ObjectAttributes:
    """The attributes in a resource. Names of metadata that other tools wrote become lower case."""
    named = {name: resource.get(field) or None for name, field in FIELDS.items()}
    metadata = {name.lower(): value for name, value in resource.get("metadata", {}).items()}
    return ObjectAttributes(**named, metadata=metadata)


def to_info(bucket: str, key: str, resource: Mapping[str, Any]) -> ObjectInfo:
    """An object's facts from its resource."""
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=int(resource["size"]),
        etag=str(resource["generation"]),
        last_modified=to_time(resource["updated"]),
        attributes=to_attributes(resource),
        storage_class=to_class(resource.get("storageClass")),
        checksums=_checksums(resource),
    )


def to_class(name: str | None) -> str | None:
    """The storage class as ObjectInfo has it: None for the default."""
    return None if name == DEFAULT_CLASS else name


def to_time(text: str) -> datetime:
    """A time as the service writes it: ``2026-01-02T03:04:05.678Z``."""
    return datetime.fromisoformat(text)


def _checksums(resource: Mapping[str, Any]) -> dict[str, str]:
    # What was put together of parts has no MD5.
    found = {"crc32c": resource.get("crc32c"), "md5": resource.get("md5Hash")}
    return {name: digest for name, value in found.items() if (digest := hex_digest(value))}
