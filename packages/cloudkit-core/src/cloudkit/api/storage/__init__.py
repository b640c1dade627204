"""ObjectStorage: objects by key, in buckets."""

from cloudkit.api.storage.bucket import Bucket
from cloudkit.api.storage.contract import ObjectStorage
from cloudkit.api.storage.hooks import MemoryStream, ObjectStorageHooks
from cloudkit.api.storage.models import (
    Body,
    BucketInfo,
    ByteRange,
    Checksum,
    ObjectAttributes,
    ObjectEntry,
    ObjectInfo,
    PendingUpload,
    PresignedUrl,
    Progress,
    StoredObject,
    TransferOptions,
    UploadedPart,
    WriteOptions,
    hasher,
)
from cloudkit.api.storage.reader import ObjectReader

__all__ = [
    "Body",
    "Bucket",
    "BucketInfo",
    "ByteRange",
    "Checksum",
    "MemoryStream",
    "ObjectAttributes",
    "ObjectEntry",
    "ObjectInfo",
    "ObjectReader",
    "ObjectStorage",
    "ObjectStorageHooks",
    "PendingUpload",
    "PresignedUrl",
    "Progress",
    "StoredObject",
    "TransferOptions",
    "UploadedPart",
    "WriteOptions",
    "hasher",
]
