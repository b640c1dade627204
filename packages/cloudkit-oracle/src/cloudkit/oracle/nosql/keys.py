"""Keys as the columns of a primary key, and back.

A primary key of the service has 64 bytes, for all its columns together. Keys stand there in printable
ASCII: a byte of their UTF-8 up to ``!`` is written ``!20``, one from ``~`` on ``~e4``. As each byte is
written by itself, and these two characters are the first and the last of all, the order stays that of
the bytes.

What is longer than its column is cut, and a digest of the whole follows; the key itself is kept in the
row. Sort keys that are cut alike stand together, in the order of their digests: a *run*, which is put
in order by the client.

The limit: https://docs.oracle.com/en-us/iaas/nosql-database/doc/cloud-limits.html
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

WHOLE_BYTES: Final = 60
"""The column of a partition key, in a table without sort key."""

PARTITION_BYTES: Final = 24
"""The same in a table with one."""

SORT_BYTES: Final = 20
"""What stands in the column of a sort key before a digest, if there is one."""

LAST: Final = "~~"
"""Behind all that a column holds after the same beginning."""

_DIGEST: Final = 16
_HASHED: Final = "~~"
_PARTITION_DIGEST: Final = 22
_ESCAPED = re.compile(r"[!~]([0-9a-f]{2})")


def ordered(text: str) -> str:
    """A text in printable ASCII, in the order of its UTF-8 bytes."""
    return "".join(_byte(each) for each in text.encode())


def from_ordered(column: str) -> str:
    """The text that was written so.

    Raises:
        ValueError: None was.
    """
    parts: list[bytes] = []
    position = 0
    for found in _ESCAPED.finditer(column):
        parts += (column[position : found.start()].encode(), bytes.fromhex(found[1]))
        position = found.end()
    parts.append(column[position:].encode())
    return b"".join(parts).decode()


def partition_column(partition: str, size: int) -> str:
    """The column of a partition key.

    Args:
        partition: The key.
        size: Bytes of the column.
    """
    written = ordered(partition)
    if len(written) <= size:
        return written
    return _HASHED + _digest(partition, _PARTITION_DIGEST)


def sort_column(sort: str) -> str:
    """The column of a sort key."""
    written = ordered(sort)
    if len(written) <= SORT_BYTES:
        return written
    return written[:SORT_BYTES] + _digest(sort, _DIGEST)


def is_hashed(partition: str) -> bool:
    """Whether the column of a partition key is a digest."""
    return partition.startswith(_HASHED)


def is_cut(column: str) -> bool:
    """Whether the column of a sort key ends with a digest."""
    return len(column) > SORT_BYTES


def run_of(column: str) -> str:
    """What the columns of a run have in common, and no others."""
    return f"{column[:SORT_BYTES]}{LAST}" if is_cut(column) else column


def _byte(value: int) -> str:
    if value < 0x22:
        return f"!{value:02x}"
    return f"~{value:02x}" if value >= 0x7E else chr(value)


def _digest(text: str, length: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:length]
