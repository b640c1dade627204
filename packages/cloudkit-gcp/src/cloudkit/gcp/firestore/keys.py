"""What documents are called by, and what orders them.

The id of a document is its partition key, or ``partition|sort``, with what Firestore forbids written
as ``%2F``. A partition is queried by a field of its own, which holds ``partition|sort`` with the sort
key as it is: Firestore has an index of every field in both directions by itself, but of the ids only
in the ascending one.

The rules: https://cloud.google.com/firestore/quotas#collections_documents_and_fields
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen
from cloudkit.api.kv import Key, TableInfo
from cloudkit.api.kv.values import RESERVED_PREFIX as RESERVED
from cloudkit.common import SerializationError, ValidationError

TABLES: Final = f"{RESERVED}_tables"
"""Collection with a document for each table, which holds its schema."""

ORDER: Final = f"{RESERVED}_key"
"""Field by which a partition is queried, in tables with a sort key."""

EXPIRES: Final = f"{RESERVED}_expires"
"""Field with the moment of expiry, which a TTL policy can delete by."""

REVISION: Final = f"{RESERVED}_revision"
"""Field that is another with every write: Firestore gives no new update time where nothing changes."""

MAX_ID_BYTES: Final = 1500
SEPARATOR: Final = "|"

_FORBIDDEN = re.compile(r"[%/|\x00-\x1f\x7f]")
_RESERVED_ID = re.compile(r"__.*__|\.\.?", re.DOTALL)
_ESCAPED = re.compile(r"%([0-7][0-9A-F])")
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@frozen
class Schema:
    """What a table's items are found by.

    Attributes:
        info: The table.
    """

    info: TableInfo

    @property
    def table(self) -> str:
        """The collection."""
        return self.info.name

    @property
    def sorted(self) -> bool:
        """Whether the table has a sort key."""
        return self.info.sort_key is not None

    def document_id(self, key: Key) -> str:
        """The id of an item's document.

        Raises:
            ValidationError: The key does not fit the table, or is too long.
        """
        self.info.check_key(key)
        whole = escaped(key.partition)
        if key.sort is not None:
            whole = f"{whole}{SEPARATOR}{escaped(key.sort)}"
        if _RESERVED_ID.fullmatch(whole):
            whole = f"{_percent(whole[0])}{whole[1:]}"
        size = len(whole.encode())
        if size > MAX_ID_BYTES:
            raise ValidationError(
                f"the key makes an id of {size:,} bytes; Firestore takes {MAX_ID_BYTES:,}",
                hint="Slashes, bars, percent signs and control characters take three bytes.",
            )
        return whole

    def key_of(self, document_id: str) -> Key:
        """The key that a document's id stands for.

        Raises:
            SerializationError: The table has a sort key, and the id is of another form: another
                program has made the document.
        """
        if not self.sorted:
            return Key(unescaped(document_id))
        partition, separator, sort = document_id.partition(SEPARATOR)
        if not (partition and separator and sort):
            raise SerializationError(
                f"the document {document_id!r} in {self.table!r} has no id of the form "
                "'partition|sort', so it is no item of a table with a sort key"
            )
        return Key(unescaped(partition), unescaped(sort))

    def order_of(self, key: Key) -> str | None:
        """What an item is ordered by; None in a table without sort key."""
        return None if key.sort is None else order_prefix(key.partition) + key.sort


def order_prefix(partition: str) -> str:
    """What the order of all items of a partition begins with, and of no others."""
    return f"{escaped(partition)}{SEPARATOR}"


def successor(prefix: str) -> str:
    """The first text, by its UTF-8 bytes, behind all that begin with a prefix.

    Args:
        prefix: Not made of the last character alone.
    """
    kept = prefix.rstrip(chr(_LAST_CHARACTER))
    following = ord(kept[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return kept[:-1] + chr(following)


def escaped(text: str) -> str:
    """A key without what Firestore forbids in ids, and without the separator."""
    return _FORBIDDEN.sub(lambda match: _percent(match[0]), text)


def unescaped(text: str) -> str:
    """The key that was escaped."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _percent(character: str) -> str:
    return f"%{ord(character):02X}"
