"""What Object Storage can do."""

from __future__ import annotations

from cloudkit.common import NameRule, StorageCapabilities

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB
DAY = 86400

BUCKET = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,256}",
    "1 to 256 letters, digits, dots, hyphens and underscores, and not only punctuation",
    max_bytes=256,
)

OBJECT_STORAGE_CAPABILITIES = StorageCapabilities(
    presigned_content_type=False,
    max_object_size=10 * TIB,
    max_put_size=50 * GIB,
    min_part_size=10 * MIB,
    max_part_size=50 * GIB,
    # The service documents none; this is what fits everywhere.
    max_metadata_bytes=2 * KIB,
    # Nor here: a request may expire in any future.
    max_presign_seconds=3650 * DAY,
    bucket_name=BUCKET,
    reasons={
        "presigned_content_type": "A pre-authenticated request says nothing of the headers that "
        "are sent with it.",
    },
)
"""Flags and limits: https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/usingmultipartuploads.htm"""
