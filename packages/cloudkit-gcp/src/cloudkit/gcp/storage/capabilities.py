"""What Cloud Storage can do.

https://cloud.google.com/storage/quotas
"""

from __future__ import annotations

from cloudkit.common import NameRule, StorageCapabilities

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

BUCKET = NameRule(
    # https://cloud.google.com/storage/docs/buckets#naming
    r"(?!goog|.*google)(?!(?:\d{1,3}\.){3}\d{1,3}\Z)(?=.{3})"
    r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*",
    "3 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter "
    "or digit; or a domain of such names; without 'google'",
    max_bytes=222,
)

STORAGE_CAPABILITIES = StorageCapabilities(
    max_object_size=5 * TIB,
    max_put_size=5 * TIB,
    min_part_size=5 * MIB,
    max_part_size=5 * GIB,
    max_parts=10_000,
    max_metadata_bytes=8 * KIB,
    delete_batch=100,
    max_presign_seconds=7 * 86400,
    max_page_size=1000,
    bucket_name=BUCKET,
)
"""Flags and limits of ObjectStorage."""
