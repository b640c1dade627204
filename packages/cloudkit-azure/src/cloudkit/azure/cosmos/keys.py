"""Keys as the ids and properties of items, and back.

Cosmos DB finds an item by its partition key and its id. Most keys are their own ids. What an id cannot
hold (slashes, backslashes, ``?``, ``#``, control characters, a space at the end, ``.`` and ``..``)
stands in it as ``~`` with two capital hex digits, and so does a ``~`` that would read like that. So
every key has exactly one id, and every id stands for one key.

Ids are not in the order of the keys, so the sort key stands in a property of its own as well. Whether
the service compares texts by UTF-8 or UTF-16 is not documented; the two differ where characters beyond
U+E000 meet, so these stand there as U+E000 with six hex digits: in the same order by either.

Limits: https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
"""

from __future__ import annotations

import re
from typing import Final

from cloudkit.common import ValidationError

MAX_ID_BYTES: Final = 1023

FIRST_HIGH: Final = "\ue000"
"""From here on, UTF-8 and UTF-16 may not agree."""

_FORBIDDEN = re.compile(r"[/\\?#\x00-\x1f\x7f]| \Z|\A\.{1,2}\Z")
_TO_ESCAPE = re.compile(r"[/\\?#\x00-\x1f\x7f]| \Z|~(?=[0-9A-F]{2})")
_ESCAPED = re.compile(r"~([0-9A-F]{2})")
_HIGH = re.compile("[\ue000-\U0010ffff]")
_ORDERED_HIGH = re.compile("\ue000([0-9a-f]{6})")


def to_id(text: str) -> str:
    """The id for a key.

    Raises:
        ValidationError: It is too long once it is escaped.
    """
    return _fitting(
        text.replace(".", "~2E") if text in {".", ".."} else _TO_ESCAPE.sub(_escape, text)
    )


def from_id(name: str) -> str:
    """The key for an id."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def check_plain(text: str) -> str:
    """The key, where it has to be the id itself.

    Raises:
        ValidationError: No id is like that.
    """
    if _FORBIDDEN.search(text):
        raise ValidationError(
            f"{text!r} cannot be an id of Cosmos DB, and the keys of this table are its ids",
            hint="Ids have no /, \\, ?, # and control characters, no space at the end, and are not "
            "'.' or '..'.",
        )
    return _fitting(text)


def ordered(text: str) -> str:
    """A sort key in the form that all agree about the order of."""
    return _HIGH.sub(lambda found: f"{FIRST_HIGH}{ord(found[0]):06x}", text)


def from_ordered(text: str) -> str:
    """The sort key that was put in order."""
    return _ORDERED_HIGH.sub(lambda found: chr(int(found[1], 16)), text)


def _escape(found: re.Match[str]) -> str:
    return f"~{ord(found[0]):02X}"


def _fitting(name: str) -> str:
    size = len(name.encode())
    if size > MAX_ID_BYTES:
        raise ValidationError(
            f"the id of the item has {size:,} bytes; the limit is {MAX_ID_BYTES:,}",
            hint="Slashes, backslashes, ?, # and control characters take three each.",
        )
    return name
