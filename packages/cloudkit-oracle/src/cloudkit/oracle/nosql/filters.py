"""The part of a filter that the service is asked to see to.

Only what it surely judges as the contract does is asked for: that a text or a bool, by plain names, is
equal to another. Its comparison finds such a value in a list as well, so what it finds is looked at
again. Numbers are not asked for: some are kept as objects.

Source: https://docs.oracle.com/en/database/other-databases/nosql-database/26.1/sqlfornosql/comparison-expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cloudkit.api.kv.conditions import And, Compare, Condition
from cloudkit.api.kv.paths import Path

MAX_TERMS: Final = 10
MAX_VALUE_BYTES: Final = 1024

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def equalities(condition: Condition | None) -> Iterator[tuple[Path, str | bool]]:
    """Paths at which a document that meets a condition has a value. They are safe in a statement.

    Args:
        condition: What documents are to meet.
    """
    found = 0
    waiting = [] if condition is None else [condition]
    while waiting and found < MAX_TERMS:
        part = waiting.pop()
        if isinstance(part, And):
            waiting += [part.right, part.left]
        elif isinstance(part, Compare) and part.operator == "=" and _is_plain(part.path):
            value = part.value
            if isinstance(value, bool) or (
                isinstance(value, str) and len(value.encode()) <= MAX_VALUE_BYTES
            ):
                found += 1
                yield part.path, value


def _is_plain(path: Path) -> bool:
    return len(path) <= MAX_TERMS and all(map(_PLAIN.fullmatch, path))
