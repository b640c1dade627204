"""Attributes of objects in S3's terms, and back."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from cloudkit.api.storage import ObjectAttributes, ObjectInfo
from cloudkit.aws.capabilities import AWS_CAPABILITIES
from cloudkit.common import ValidationError
from cloudkit.core.headers import decode_value, encode_word, whole_size

DEFAULT_CLASS = "STANDARD"
_HEADERS = {
    "content_type": "ContentType",
    "content_encoding": "ContentEncoding",
    "content_disposition": "ContentDisposition",
    "content_language": "ContentLanguage",
    "cache_control": "CacheControl",
}
_WHOLE_CHECKSUMS = {"ChecksumCRC32": "crc32", "ChecksumSHA1": "sha1", "ChecksumSHA256": "sha256"}
_MD5_ETAG = re.compile(r'"([0-9a-f]{32})"')


def to_params(attributes: ObjectAttributes, storage_class: str | None) -> dict[str, Any]:
    """Parameters of a request that writes an object.

    Raises:
        ValidationError: The metadata is too large once it is encoded.
    """
    params: dict[str, Any] = {
        param: value
        for name, param in _HEADERS.items()
        if (value := getattr(attributes, name)) is not None
    }
    if attributes.metadata:
        params["Metadata"] = _encode_metadata(attributes.metadata)
    if storage_class is not None:
        params["StorageClass"] = storage_class
    return params


def to_info(bucket: str, key: str, response: Mapping[str, Any], *, md5_in_etag: bool) -> ObjectInfo:
    """An object's facts from the response to GET or HEAD.

    Args:
        bucket: Its bucket.
        key: Its key.
        response: What boto3 returned.
        md5_in_etag: Whether the store's etags are known to be MD5 checksums where they look so.
    """
    metadata = {name.lower(): decode_value(v) for name, v in response.get("Metadata", {}).items()}
    headers = {name: response.get(param) or None for name, param in _HEADERS.items()}
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=whole_size(response.get("ContentRange"), str(response["ContentLength"])),
        etag=response["ETag"],
        last_modified=response["LastModified"],
        attributes=ObjectAttributes(**headers, metadata=metadata),
        storage_class=to_class(response.get("StorageClass")),
        checksums=_checksums(response, md5_in_etag=md5_in_etag),
    )


def to_class(name: str | None) -> str | None:
    """The storage class as ObjectInfo has it: None for the default."""
    return None if name == DEFAULT_CLASS else name


def encode_value(value: str) -> str:
    """A metadata value in ASCII, as RFC 2047 has it: the form in which S3's own tools show it."""
    if value.isascii() and "=?" not in value:
        return value
    return encode_word(value)


def _encode_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    encoded = {name: encode_value(value) for name, value in metadata.items()}
    size = sum(len(name) + len(value) for name, value in encoded.items())
    limit = AWS_CAPABILITIES.storage.max_metadata_bytes
    if size > limit:
        raise ValidationError(
            f"the metadata has {size:,} bytes once it is encoded; the limit is {limit:,}",
            hint="Text outside ASCII takes a third more, and 12 bytes a value.",
        )
    return encoded


def _checksums(response: Mapping[str, Any], *, md5_in_etag: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for param, algorithm in _WHOLE_CHECKSUMS.items():
        value: str | None = response.get(param)
        # A checksum of the parts' checksums has their number behind a hyphen.
        if value and "-" not in value and response.get("ChecksumType") != "COMPOSITE":
            found[algorithm] = base64.b64decode(value).hex()
    etag = _MD5_ETAG.fullmatch(response["ETag"])
    encryption = response.get("ServerSideEncryption") or "AES256"
    customers_key = response.get("SSECustomerAlgorithm")
    if md5_in_etag and etag and encryption == "AES256" and not customers_key:
        found["md5"] = etag[1]
    return found
