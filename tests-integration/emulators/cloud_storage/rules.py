"""What names and metadata may be, from the pages on buckets, objects and quotas."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from emulators.cloud_storage.errors import StorageError, invalid

MAX_NAME_BYTES = 1024
MAX_METADATA_BYTES = 8 * 1024
MAX_BUCKET_NAME = 63
MAX_DOTTED_BUCKET_NAME = 222
STORAGE_CLASSES = frozenset({"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"})

EDITABLE = (
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "metadata",
)
_NOT_DOUBLED = ("temporaryHold", "eventBasedHold", "retention", "contexts", "acl")
_BUCKET = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


def check_bucket_name(name: str) -> None:
    """Refuse what cannot be the name of a bucket.

    Raises:
        StorageError: 400; or 403 for a domain, whose owner would have to be verified.
    """
    longest = MAX_DOTTED_BUCKET_NAME if "." in name else MAX_BUCKET_NAME
    parts = name.split(".")
    if (
        not 3 <= len(name) <= longest
        or not _BUCKET.fullmatch(name)
        or any(not 1 <= len(part) <= MAX_BUCKET_NAME or part[0] == "-" for part in parts)
        or name.startswith("goog")
        or "google" in name
        or _is_address(name)
    ):
        raise invalid(f"Invalid bucket name: '{name}'", code="InvalidBucketName")
    if "." in name:
        message = "The bucket you tried to create requires domain ownership verification."
        raise StorageError(403, "forbidden", message, code="AccessDenied")


def check_object_name(name: str) -> None:
    """Refuse what cannot be the name of an object.

    Raises:
        StorageError: 400.
    """
    if not name:
        raise StorageError(400, "required", "Required", code="InvalidArgument")
    if (
        len(name.encode()) > MAX_NAME_BYTES
        or "\r" in name
        or "\n" in name
        or name in {".", ".."}
        or name.startswith(".well-known/acme-challenge/")
    ):
        raise invalid("Disallowed unicode characters present in object name, or it is too long.")


def editable(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of an object resource that a client may set.

    Raises:
        StorageError: 400 when they are too large or of the wrong type; 501 for what the double
            does not do.
    """
    for name in _NOT_DOUBLED:
        if body.get(name):
            raise StorageError(501, "notImplemented", f"The double does not do: {name}")
    chosen = {name: body[name] for name in EDITABLE if name in body}
    for name, value in chosen.items():
        if name != "metadata" and not isinstance(value, str | None):
            raise invalid(f"Invalid value for: {name}", location=name)
    metadata = chosen.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise invalid("Invalid value for: metadata", location="metadata")
    if any(not isinstance(value, str | None) for value in metadata.values()):
        raise invalid("Invalid value for: metadata", location="metadata")
    return chosen


def check_metadata_size(metadata: Mapping[str, str]) -> None:
    """Refuse custom metadata above 8 KiB.

    Raises:
        StorageError: 400.
    """
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        message = "The metadata for the object is too large. It must not exceed 8 KiB."
        raise invalid(message, location="metadata", code="MetadataTooLarge")


def check_storage_class(name: str) -> str:
    """A storage class, or an error.

    Raises:
        StorageError: 400.
    """
    if name not in STORAGE_CLASSES:
        raise invalid(f"Invalid argument: storage class {name}", code="InvalidArgument")
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
