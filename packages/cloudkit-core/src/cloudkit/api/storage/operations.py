"""The operations of ObjectStorage: each validates itself when it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen
from attrs.converters import optional
from cloudkit.api.paging import Page
from cloudkit.api.storage.models import (
    BucketInfo,
    ByteRange,
    ObjectAttributes,
    ObjectEntry,
    ObjectInfo,
    PendingUpload,
    PresignedUrl,
    StoredObject,
    UploadedPart,
)
from cloudkit.api.validation import (
    is_optional_count,
    is_optional_text,
    is_text,
    is_text_or_empty,
    text,
    text_within,
)
from cloudkit.common import (
    CloudResult,
    StorageCapabilities,
    ValidationError,
    seconds,
)
from cloudkit.spi import Operation
from cloudkit.spi.operation import T

_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_HEADER_NAMES = (
    "content_type",
    "content_encoding",
    "content_disposition",
    "content_language",
    "cache_control",
)


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata with its names in lower case.

    Raises:
        ValidationError: A name or value cannot be kept unchanged by every service.
    """
    if not isinstance(metadata, Mapping):
        raise ValidationError(f"metadata must be a mapping, not {type(metadata).__name__}")
    result: dict[str, str] = {}
    for name, value in metadata.items():
        lowered = text(name, "a metadata name").lower()
        if not _METADATA_NAME.fullmatch(lowered):
            raise ValidationError(
                f"the metadata name {name!r} must be ASCII letters, digits, '_', '.' and '-'"
            )
        if lowered in result:
            raise ValidationError(f"the metadata names hold {lowered!r} twice, but for its case")
        text(value, f"metadata[{name!r}]", empty=True)
        if value != value.strip() or not value.isprintable():
            raise ValidationError(
                f"metadata[{name!r}] has control characters, or space at its ends, which HTTP drops"
            )
        result[lowered] = value
    return result


def _check_header(name: str, value: Any) -> None:
    if value is not None and not (
        isinstance(value, str) and value and value.isascii() and value.isprintable()
    ):
        raise ValidationError(f"{name} must be printable ASCII and not empty, not {value!r}")


def _is_header(instance: object, attribute: Any, value: Any) -> None:
    _check_header(attribute.name, value)


def checked_attributes(attributes: ObjectAttributes) -> ObjectAttributes:
    """Attributes that can be sent: headers in printable ASCII, metadata names in lower case.

    Raises:
        ValidationError: One of them cannot.
    """
    for name in _HEADER_NAMES:
        _check_header(name, getattr(attributes, name))
    return evolve(attributes, metadata=checked_metadata(attributes.metadata))


def _check_attributes(
    attributes: ObjectAttributes, storage_class: str | None, capabilities: StorageCapabilities
) -> None:
    metadata = attributes.metadata
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > capabilities.max_metadata_bytes:
        raise ValidationError(
            f"the metadata has {size:,} bytes; the limit is {capabilities.max_metadata_bytes:,}"
        )
    if not all(value.isascii() for value in metadata.values()):
        capabilities.require("non_ascii_metadata", "metadata outside ASCII")
    if storage_class is not None:
        capabilities.require("storage_class", "storage_class")


def _check_condition(if_match: str | None, if_none_match: str | None) -> None:
    if if_none_match is not None and if_none_match != "*":
        raise ValidationError('if_none_match on a write can only be "*" (create, do not replace)')
    if if_match is not None and if_none_match is not None:
        raise ValidationError("if_match and if_none_match exclude each other on a write")
    if if_match is not None:
        text(if_match, "if_match")


@frozen(kw_only=True, eq=False)
class BucketOperation(Operation[T]):
    """Base: about a bucket."""

    contract = "storage"
    bucket: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """The bucket."""
        return self.bucket

    def check(self, capabilities: StorageCapabilities) -> None:
        """The name follows the provider's rule."""
        capabilities.bucket_name.check(self.bucket, "bucket")


@frozen(kw_only=True, eq=False)
class ObjectOperation(BucketOperation[T]):
    """Base: about an object."""

    key: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """Bucket and key."""
        return f"{self.bucket}/{self.key}"

    def check(self, capabilities: StorageCapabilities) -> None:
        """Bucket and key are within the provider's limits."""
        BucketOperation.check(self, capabilities)
        text_within(self.key, "the key", capabilities.max_key_bytes)


@frozen(kw_only=True, eq=False)
class WriteOperation(ObjectOperation[T]):
    """Base: writes an object, perhaps under a condition."""

    if_match: str | None = None
    if_none_match: str | None = None

    def __attrs_post_init__(self) -> None:
        _check_condition(self.if_match, self.if_none_match)

    @property
    def conditional(self) -> bool:
        """Whether it only happens when a condition holds."""
        return self.if_match is not None or self.if_none_match is not None

    @property
    def idempotent(self) -> bool:
        """Not under a condition: its own first attempt could make the second fail."""
        return not self.conditional


@frozen(kw_only=True, eq=False)
class CreateBucket(BucketOperation[BucketInfo]):
    """Create a bucket."""

    name = "create_bucket"


@frozen(kw_only=True, eq=False)
class DeleteBucket(BucketOperation[None]):
    """Delete an empty bucket."""

    name = "delete_bucket"


@frozen(kw_only=True, eq=False)
class BucketExists(BucketOperation[bool]):
    """Ask whether a bucket exists."""

    name = "bucket_exists"
    safe = True


@frozen(kw_only=True, eq=False)
class ListBuckets(Operation[Page[BucketInfo]]):
    """One page of the caller's buckets, by name."""

    contract = "storage"
    name = "list_buckets"
    safe = True
    prefix: str = field(default="", validator=is_text_or_empty)
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = field(default=None, validator=is_optional_text)

    @property
    def resource(self) -> str:
        """The prefix."""
        return self.prefix


@frozen(kw_only=True, eq=False)
class PutObject(WriteOperation[StoredObject]):
    """Write an object in one request."""

    name = "put_object"
    body: bytes = field(repr=False)
    attributes: ObjectAttributes = field(factory=ObjectAttributes, converter=checked_attributes)
    storage_class: str | None = field(default=None, validator=is_optional_text)

    def check(self, capabilities: StorageCapabilities) -> None:
        """Condition, size, metadata and storage class are within what the provider can do."""
        ObjectOperation.check(self, capabilities)
        if self.conditional:
            capabilities.require("conditional_put", "a condition on put_object")
        capabilities.require_size("max_put_size", len(self.body), "the object")
        _check_attributes(self.attributes, self.storage_class, capabilities)


@frozen(kw_only=True, eq=False)
class OpenObject(ObjectOperation[Any]):
    """Begin to read an object."""

    name = "open_object"
    safe = True
    byte_range: ByteRange | None = None
    if_match: str | None = field(default=None, validator=is_optional_text)
    if_none_match: str | None = field(default=None, validator=is_optional_text)


@frozen(kw_only=True, eq=False)
class GetObject(OpenObject):
    """Read an object as a whole."""

    name = "get_object"


@frozen(kw_only=True, eq=False)
class HeadObject(ObjectOperation[ObjectInfo]):
    """Read what is known about an object."""

    name = "head_object"
    safe = True
    if_match: str | None = field(default=None, validator=is_optional_text)
    if_none_match: str | None = field(default=None, validator=is_optional_text)


@frozen(kw_only=True, eq=False)
class DeleteObject(ObjectOperation[None]):
    """Delete an object."""

    name = "delete_object"
    missing_ok: bool = True
    if_match: str | None = field(default=None, validator=is_optional_text)

    @property
    def idempotent(self) -> bool:
        """Only where a missing object is fine and no condition is asked for."""
        return self.missing_ok and self.if_match is None

    def check(self, capabilities: StorageCapabilities) -> None:
        """The provider can delete under a condition, when there is one."""
        ObjectOperation.check(self, capabilities)
        if self.if_match is not None:
            capabilities.require("conditional_delete", "if_match on delete_object")


@frozen(kw_only=True, eq=False)
class DeleteObjects(BucketOperation[Sequence[CloudResult[str]]]):
    """Delete some objects, as many as go into one request; missing ones are fine."""

    name = "delete_objects"
    safe = True
    keys: tuple[str, ...]


@frozen(kw_only=True, eq=False)
class CopyObject(WriteOperation[StoredObject]):
    """Copy an object at the service; ``bucket`` and ``key`` are the destination.

    ``attributes`` replace those of the source; None keeps them.
    """

    name = "copy_object"
    source_bucket: str = field(validator=is_text)
    source_key: str = field(validator=is_text)
    attributes: ObjectAttributes | None = field(
        default=None, converter=optional(checked_attributes)
    )
    storage_class: str | None = field(default=None, validator=is_optional_text)
    source_if_match: str | None = field(default=None, validator=is_optional_text)

    def __attrs_post_init__(self) -> None:
        _check_condition(self.if_match, self.if_none_match)

    @property
    def idempotent(self) -> bool:
        """Not under a condition, which the source meets no more once it was replaced by itself."""
        changes_source = self.onto_itself and self.source_if_match is not None
        return not self.conditional and not changes_source

    @property
    def onto_itself(self) -> bool:
        """Whether source and destination are the same."""
        return (self.source_bucket, self.source_key) == (self.bucket, self.key)

    def check(self, capabilities: StorageCapabilities) -> None:
        """Both ends and the condition are within what the provider can do."""
        ObjectOperation.check(self, capabilities)
        capabilities.bucket_name.check(self.source_bucket, "source bucket")
        text_within(self.source_key, "the source key", capabilities.max_key_bytes)
        if self.conditional:
            capabilities.require("conditional_copy", "a condition on the destination of a copy")
        _check_attributes(self.attributes or ObjectAttributes(), self.storage_class, capabilities)


@frozen(kw_only=True, eq=False)
class ListObjects(BucketOperation[Page[ObjectEntry]]):
    """One page of a bucket's objects, in the order of their keys' UTF-8 bytes."""

    name = "list_objects"
    safe = True
    prefix: str = field(default="", validator=is_text_or_empty)
    delimiter: str | None = field(default=None, validator=is_optional_text)
    start_after: str | None = field(default=None, validator=is_optional_text)
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = field(default=None, validator=is_optional_text)

    @property
    def resource(self) -> str:
        """Bucket and prefix."""
        return f"{self.bucket}/{self.prefix}"


@frozen(kw_only=True, eq=False)
class PresignGet(ObjectOperation[PresignedUrl]):
    """Make a URL that reads an object."""

    name = "presigned_get_url"
    safe = True
    expires_in: float

    def check(self, capabilities: StorageCapabilities) -> None:
        """The life of the URL is within the provider's limit."""
        ObjectOperation.check(self, capabilities)
        capabilities.require("presigned_get", "presigned_get_url")
        seconds(self.expires_in, "expires_in", minimum=1, maximum=capabilities.max_presign_seconds)


@frozen(kw_only=True, eq=False)
class PresignPut(ObjectOperation[PresignedUrl]):
    """Make a URL that writes an object."""

    name = "presigned_put_url"
    safe = True
    expires_in: float
    content_type: str | None = field(default=None, validator=_is_header)

    def check(self, capabilities: StorageCapabilities) -> None:
        """The life of the URL and the content type are within what the provider can do."""
        ObjectOperation.check(self, capabilities)
        capabilities.require("presigned_put", "presigned_put_url")
        if self.content_type is not None:
            capabilities.require("presigned_content_type", "content_type on presigned_put_url")
        seconds(self.expires_in, "expires_in", minimum=1, maximum=capabilities.max_presign_seconds)


@frozen(kw_only=True, eq=False)
class CreateUpload(WriteOperation[str]):
    """Begin an upload in parts. The condition is checked when it is completed."""

    name = "create_upload"
    attributes: ObjectAttributes = field(factory=ObjectAttributes, converter=checked_attributes)
    storage_class: str | None = field(default=None, validator=is_optional_text)

    @property
    def idempotent(self) -> bool:
        """A second attempt could leave an unfinished upload behind."""
        return False

    def check(self, capabilities: StorageCapabilities) -> None:
        """Condition, metadata and storage class are within what the provider can do."""
        ObjectOperation.check(self, capabilities)
        if self.conditional:
            capabilities.require("conditional_multipart", "a condition on an upload in parts")
        _check_attributes(self.attributes, self.storage_class, capabilities)


@frozen(kw_only=True, eq=False)
class UploadPart(ObjectOperation[UploadedPart]):
    """Send a part; the same number again replaces it."""

    name = "upload_part"
    safe = True
    upload_id: str
    number: int
    body: bytes = field(repr=False)


@frozen(kw_only=True, eq=False)
class CompleteUpload(WriteOperation[StoredObject]):
    """Make the object out of its parts; ``create`` is what the upload began with."""

    name = "complete_upload"
    upload_id: str
    parts: tuple[UploadedPart, ...]
    create: CreateUpload

    @property
    def idempotent(self) -> bool:
        """A second attempt would no longer find the upload."""
        return False


@frozen(kw_only=True, eq=False)
class AbortUpload(ObjectOperation[None]):
    """Drop an upload with its parts; one that is gone already is fine."""

    name = "abort_upload"
    safe = True
    upload_id: str = field(validator=is_text)


@frozen(kw_only=True, eq=False)
class ListUploads(BucketOperation[Page[PendingUpload]]):
    """One page of the unfinished uploads of a bucket."""

    name = "list_uploads"
    safe = True
    prefix: str = field(default="", validator=is_text_or_empty)
    page_token: str | None = field(default=None, validator=is_optional_text)

    def check(self, capabilities: StorageCapabilities) -> None:
        """The provider can list them."""
        BucketOperation.check(self, capabilities)
        capabilities.require("list_uploads", "list_uploads")
