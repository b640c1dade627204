"""What Azure can do, service by service."""

from __future__ import annotations

from cloudkit.common import Capabilities, KeyValueCapabilities, NameRule, StorageCapabilities

KIB = 1024
MIB = 1024 * KIB

CONTAINER = NameRule(
    r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$root|\$web",
    "3 to 63 lower-case letters, digits and single hyphens, beginning and ending with a letter or "
    "digit; or $root or $web",
    max_bytes=63,
)
TABLE = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}",
    "1 to 255 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
    max_bytes=255,
)

AZURE_CAPABILITIES = Capabilities(
    storage=StorageCapabilities(
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
    ),
    kv=KeyValueCapabilities(
        consistent_reads=False,
        cross_partition_transactions=False,
        cross_table_transactions=False,
        max_item_bytes=2 * MIB - KIB,
        max_partition_key_bytes=2 * KIB,
        max_sort_key_bytes=1023,
        max_depth=60,
        max_transaction_items=50,
        table_name=TABLE,
        reasons={
            "consistent_reads": "The account's consistency level decides. With Session, the default, "
            "a client sees its own writes at once and those of others soon; with Strong it sees all.",
            "cross_partition_transactions": "A transactional batch of Cosmos DB is about one "
            "partition.",
            "cross_table_transactions": "A transactional batch of Cosmos DB is about one partition "
            "of one container.",
        },
    ),
)
"""Flags and limits of the five contracts."""
