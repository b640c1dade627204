"""Attributes of objects as headers of Blob Storage, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from cloudkit.api.storage import ObjectAttributes, ObjectInfo
from cloudkit.azure.blob.capabilities import BLOB_CAPABILITIES
from cloudkit.common import ValidationError
from cloudkit.core.headers import decode_value, encode_value, hex_digest, whole_size

META = "x-ms-meta-"

_WRITTEN = {
    "content_type": "x-ms-blob-content-type",
    "content_encoding": "x-ms-blob-content-encoding",
    "content_disposition": "x-ms-blob-content-disposition",
    "content_language": "x-ms-blob-content-language",
    "cache_control": "x-ms-blob-cache-control",
}
_READ = {
    "content_type": "Content-Type",
    "content_encoding": "Content-Encoding",
    "content_disposition": "Content-Disposition",
    "content_language": "Content-Language",
    "cache_control": "Cache-Control",
}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]|^[0-9]|_(?=x[0-9a-f]{4}_)")
_IN_NAMES = re.compile(r"_x([0-9a-f]{4})_")


def to_headers(attributes: ObjectAttributes) -> dict[str, str]:
    """Headers of a request that writes an object.

    Raises:
        ValidationError: The metadata is too large once it is encoded.
    """
    return content_headers(attributes) | metadata_headers(attributes.metadata)


def content_headers(attributes: ObjectAttributes) -> dict[str, str]:
    """The headers that describe the content."""
    return {
        header: value
        for name, header in _WRITTEN.items()
        if (value := getattr(attributes, name)) is not None
    }


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata as headers.

    Raises:
        ValidationError: It is too large once it is encoded.
    """
    encoded = {encode_name(name): encode_value(value) for name, value in metadata.items()}
    size = sum(len(name) + len(value) for name, value in encoded.items())
    limit = BLOB_CAPABILITIES.max_metadata_bytes
    if size > limit:
        raise ValidationError(
            f"the metadata has {size:,} bytes once it is encoded; the limit is {limit:,}",
            hint="Text outside ASCII takes a third more, and a hyphen in a name seven bytes.",
        )
    return {META + name: value for name, value in encoded.items()}


def tier_header(storage_class: str | None) -> dict[str, str]:
    """The storage class of what is written, as a header."""
    return {} if storage_class is None else {"x-ms-access-tier": storage_class}


def to_info(bucket: str, key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """An object's facts from the headers of the answer to GET or HEAD.

    Args:
        bucket: Its bucket.
        key: Its key.
        headers: The headers, found whatever their case.
    """
    inferred = headers.get("x-ms-access-tier-inferred") == "true"
    named = {name: headers.get(header) or None for name, header in _READ.items()}
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=whole_size(headers.get("Content-Range"), headers.get("Content-Length")),
        etag=headers["ETag"],
        last_modified=parsedate_to_datetime(headers["Last-Modified"]),
        attributes=ObjectAttributes(**named, metadata=_metadata(headers)),
        storage_class=None if inferred else headers.get("x-ms-access-tier"),
        checksums=_checksums(headers),
    )


def encode_name(name: str) -> str:
    """A metadata name as an identifier of C#, which Azure asks for.

    What is not allowed is written as .NET's XmlConvert.EncodeName does: ``a-b`` is ``a_x002d_b``.
    """
    return _NOT_IN_NAMES.sub(lambda found: f"_x{ord(found[0]):04x}_", name)


def decode_name(name: str) -> str:
    """The inverse of ``encode_name``; names that other tools wrote become lower case."""
    return _IN_NAMES.sub(lambda found: chr(int(found[1], 16)), name.lower())


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        decode_name(header[len(META) :]): decode_value(value)
        for header, value in headers.items()
        if header.lower().startswith(META)
    }


def _checksums(headers: Mapping[str, str]) -> dict[str, str]:
    # With a range, Content-MD5 would be that of the range.
    whole = headers.get("x-ms-blob-content-md5")
    if whole is None and "Content-Range" not in headers:
        whole = headers.get("Content-MD5")
    digest = hex_digest(whole)
    return {} if digest is None else {"md5": digest}
