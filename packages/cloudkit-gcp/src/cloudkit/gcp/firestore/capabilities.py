"""What Firestore can do, and where it ends.

The limits: https://cloud.google.com/firestore/quotas
"""

from __future__ import annotations

from typing import Final

from cloudkit.common import KeyValueCapabilities, NameRule

KIB = 1024
MIB = 1024 * KIB

ITEM_RESERVE: Final = 4 * KIB
"""Bytes of a document's largest size that are kept for its name and for CloudKit's own fields."""

COLLECTION: Final = NameRule(
    r"(?!__.*__$)(?!_cloudkit)[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}",
    "1 to 255 letters, digits, dots, hyphens and underscores, beginning with a letter, a digit or an "
    "underscore, but not with _cloudkit, nor with two underscores when two end it",
    max_bytes=255,
)

FIRESTORE_CAPABILITIES: Final = KeyValueCapabilities(
    max_item_bytes=MIB - ITEM_RESERVE,
    max_partition_key_bytes=740,
    max_sort_key_bytes=740,
    max_depth=20,
    max_transaction_items=500,
    batch_get=100,
    batch_write=500,
    table_name=COLLECTION,
)
"""Flags and limits of KeyValueStore. An id has 1,500 bytes, for both keys and what is escaped."""
