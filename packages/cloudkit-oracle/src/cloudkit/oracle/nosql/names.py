"""Names of tables and columns.

The service's names of tables have letters, digits and underscores, and case does not matter. A hyphen
stands there as ``_2d``, a dot as ``_2e``, and an underscore that would read like one of these as
``_5f``.
"""

from __future__ import annotations

import re
from typing import Final

from cloudkit.api.kv import TableInfo
from cloudkit.common import ValidationError

DOCUMENT: Final = "document"
"""Column with the document."""

LABELS: Final = "cloudkit"
"""Column with what CloudKit keeps besides: revision, expiry, keys that are too long for a key."""

MAX_COLUMN: Final = 64

RESERVED: Final = frozenset(
    (
        *("cascade", "div", "false", "force", "join", "left", "maxvalue", "minvalue", "mr_counter"),
        *("namespace", "null", "only", "outer", "true", "uuid"),
    )
)
"""Words that no table and no column can be called, in lower case. Other words of SQL can be names."""

_TO_ESCAPE = re.compile(r"[-.]|_(?=2[de]|5f)", re.IGNORECASE)
_ESCAPED = re.compile(r"_(2d|2e|5f)")
_COLUMN = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_COLUMN - 1}}}")


def stored_table(name: str) -> str:
    """A table's name at the service."""
    return _TO_ESCAPE.sub(lambda found: f"_{ord(found[0]):02x}", name)


def own_table(name: str) -> str:
    """The table that a name at the service stands for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def check_columns(info: TableInfo) -> None:
    """The keys of a new table can have these names.

    Raises:
        ValidationError: They cannot.
    """
    taken = {DOCUMENT, LABELS, *RESERVED}
    for name in (info.partition_key, info.sort_key):
        if name is None:
            continue
        if not _COLUMN.fullmatch(name) or name.lower() in taken:
            raise ValidationError(
                f"a key of a table cannot be called {name!r}",
                hint=f"1 to {MAX_COLUMN} letters, digits and underscores, beginning with a letter, "
                f"but not {DOCUMENT!r}, {LABELS!r} and words that SQL reserves; two names must differ in more than case.",
            )
        taken.add(name.lower())
