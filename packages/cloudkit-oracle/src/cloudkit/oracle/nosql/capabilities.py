"""What NoSQL Database can do, and where it ends.

The limits: https://docs.oracle.com/en-us/iaas/nosql-database/doc/cloud-limits.html
"""

from __future__ import annotations

from typing import Final

from cloudkit.common import KeyValueCapabilities, NameRule
from cloudkit.oracle.nosql.names import RESERVED

KIB = 1024

MAX_ROW_BYTES: Final = 512 * KIB
"""Largest row, which CloudKit counts as JSON in UTF-8."""

ITEM_RESERVE: Final = 4 * KIB
"""Bytes of a row's largest size that are kept for keys and for what CloudKit adds."""

TABLE: Final = NameRule(
    rf"(?!(?i:{'|'.join(sorted(RESERVED))})\Z)[A-Za-z][A-Za-z0-9._-]{{0,84}}",
    "1 to 85 letters, digits, dots, hyphens and underscores, beginning with a letter, but no word that "
    "SQL reserves, as 'join' and 'only'",
    max_bytes=85,
)
_ONE_ROW = (
    "The REST interface of NoSQL Database writes one row in a request, and has no transactions."
)

NOSQL_CAPABILITIES: Final = KeyValueCapabilities(
    transactions=False,
    cross_partition_transactions=False,
    cross_table_transactions=False,
    max_item_bytes=MAX_ROW_BYTES - ITEM_RESERVE,
    table_name=TABLE,
    reasons={
        "transactions": _ONE_ROW,
        "cross_partition_transactions": _ONE_ROW,
        "cross_table_transactions": _ONE_ROW,
    },
)
"""Flags and limits of KeyValueStore on NoSQL Database."""
