"""What ``batch_write`` takes, and how it keeps the order of writes to one item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudkit.api.kv.models import BatchWrite, Delete, Key, Put
from cloudkit.common import ValidationError


def check_batch_write(write: Any) -> None:
    """It is a put or a delete that asks for nothing that batches do not know.

    Raises:
        ValidationError: It is not.
    """
    if not isinstance(write, (Put, Delete)):
        raise ValidationError(f"batch_write takes Put and Delete, not {type(write).__name__}")
    if write.conditional or (isinstance(write, Delete) and not write.missing_ok):
        raise ValidationError("batch_write knows no conditions; use put, delete or transact")
    if write.table is not None:
        raise ValidationError("batch_write writes to one table; leave the write's table out")


def waves(writes: Sequence[BatchWrite]) -> list[list[int]]:
    """Indexes of the writes such that no key comes twice in one wave, in order."""
    result: list[list[int]] = []
    seen: dict[Key, int] = {}
    for index, write in enumerate(writes):
        wave = seen.get(write.key, 0)
        seen[write.key] = wave + 1
        if wave == len(result):
            result.append([])
        result[wave].append(index)
    return result
