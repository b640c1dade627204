"""What Blob Storage can do.

https://learn.microsoft.com/azure/storage/blobs/scalability-targets
"""

from __future__ import annotations

from cloudkit.common import NameRule, StorageCapabilities

KIB = 1024
MIB = 1024 * KIB

CONTAINER = NameRule(
    r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$root|\$web",
    "3 to 63 lower-case letters, digits and single hyphens, beginning and ending with a letter or "
    "digit; or $root or $web",
    max_bytes=63,
)

BLOB_CAPABILITIES = StorageCapabilities(
    list_uploads=False,
    presigned_content_type=False,
    max_object_size=50_000 * 4000 * MIB,
    max_put_size=5000 * MIB,
    min_part_size=1,
    max_part_size=4000 * MIB,
    max_parts=50_000,
    max_metadata_bytes=8 * KIB,
    delete_batch=256,
    max_page_size=5000,
    bucket_name=CONTAINER,
    reasons={
        "list_uploads": "Blob Storage lists keys with uncommitted blocks only while there is no "
        "object of that key, and does not tell one upload from another. It drops the blocks "
        "itself, a week after the last one came.",
        "presigned_content_type": "A shared access signature does not cover the headers of the "
        "request.",
    },
)
"""Flags and limits of ObjectStorage."""
