"""Attributes of objects as headers of Object Storage, and back."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from cloudkit.api.storage import ObjectAttributes, ObjectInfo
from cloudkit.common import ValidationError
from cloudkit.core.headers import decode_value, encode_value, hex_digest, whole_size
from cloudkit.oracle.object_storage.capabilities import OBJECT_STORAGE_CAPABILITIES

META = "opc-meta-"
DEFAULT_TIER = "Standard"
DEFAULT_TYPE = "application/octet-stream"

CONTENT = {
    "content_type": "content-type",
    "content_encoding": "content-encoding",
    "content_disposition": "content-disposition",
    "content_language": "content-language",
    "cache_control": "cache-control",
}


def to_headers(attributes: ObjectAttributes, storage_class: str | None) -> dict[str, str]:
    """Headers of a request that writes an object.

    Raises:
        ValidationError: The metadata is too large once it is encoded.
    """
    tier = {} if storage_class is None else {"storage-tier": storage_class}
    return content_headers(attributes) | metadata_headers(attributes.metadata) | tier


def content_headers(attributes: ObjectAttributes) -> dict[str, str]:
    """The headers that describe the content; the SDK would say that it is JSON."""
    given = {
        header: value
        for name, header in CONTENT.items()
        if (value := getattr(attributes, name)) is not None
    }
    return {"content-type": DEFAULT_TYPE, **given}


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata as headers.

    Raises:
        ValidationError: It is too large once it is encoded.
    """
    encoded = {name: encode_value(value) for name, value in metadata.items()}
    size = sum(len(name) + len(value) for name, value in encoded.items())
    limit = OBJECT_STORAGE_CAPABILITIES.max_metadata_bytes
    if size > limit:
        raise ValidationError(
            f"the metadata has {size:,} bytes once it is encoded; the limit is {limit:,}",
            hint="Text outside ASCII takes a third more, and 12 bytes a value.",
        )
    return {META + name: value for name, value in encoded.items()}


def to_info(bucket: str, key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """An object's facts from the headers of the answer to GET or HEAD.

    Args:
        bucket: Its bucket.
        key: Its key.
        headers: The headers, found whatever their case.
    """
    named = {name: headers.get(header) or None for name, header in CONTENT.items()}
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=whole_size(headers.get("content-range"), headers.get("content-length")),
        etag=headers["etag"],
        last_modified=parsedate_to_datetime(headers["last-modified"]),
        attributes=ObjectAttributes(**named, metadata=_metadata(headers)),
        storage_class=to_class(headers.get("storage-tier")),
        checksums=checksums(headers),
    )


def to_class(tier: str | None) -> str | None:
    """The storage class as ObjectInfo has it: None for the default."""
    return None if tier == DEFAULT_TIER else tier


def checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """The checksums of a whole object; one that came in parts has none."""
    digest = None if "content-range" in headers else hex_digest(headers.get("content-md5"))
    return {} if digest is None else {"md5": digest}


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        header[len(META) :].lower(): decode_value(value)
        for header, value in headers.items()
        if header.lower().startswith(META)
    }
