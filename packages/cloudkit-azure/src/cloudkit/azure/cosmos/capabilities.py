"""What Cosmos DB can do.

https://learn.microsoft.com/azure/cosmos-db/concepts-limits
"""

from __future__ import annotations

from cloudkit.common import KeyValueCapabilities, NameRule

KIB = 1024
MIB = 1024 * KIB

TABLE = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}",
    "1 to 255 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
    max_bytes=255,
)

COSMOS_CAPABILITIES = KeyValueCapabilities(
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
)
"""Flags and limits of KeyValueStore."""
