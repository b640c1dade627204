"""What a container's definition says about the items of a table.

Containers that CloudKit makes have a mark in their indexing policy: a path that is excluded from it,
and that no item has. It tells such a table from the containers of other programs, and holds the name of
its sort key. In a container without a mark, ids are the sort keys (or the keys, where the container's
partition key is ``/id``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen
from cloudkit.api.kv import Key, TableInfo
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.values import RESERVED_PREFIX as RESERVED
from cloudkit.azure.cosmos.keys import check_plain, from_id, from_ordered, ordered, to_id
from cloudkit.common import SerializationError, UnsupportedOperationError, ValidationError

ID: Final = "id"
TTL: Final = "ttl"

SYSTEM: Final = frozenset({"_rid", "_self", "_etag", "_ts", "_attachments"})
"""Properties that the service adds to every item."""

KEEPS_TTL: Final = -1
"""A container's default that lets items have times to live and gives them none."""

_OWN: Final = f"{RESERVED}_own_"
"""Before the name of a document's attribute that is named like a property of the item."""

_MARK = f"{RESERVED}_key"
_MARKED = re.compile(rf'/"?{_MARK}"?(?:/"?([A-Za-z][A-Za-z0-9_]*)"?)?/\?')
_PATH = re.compile(r'/(?:"([^"\\]+)"|([^"/]+))')
_KEY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")


class MisfitError(ValidationError):
    """What a table of this schema does not take. Another one of its name might."""


@frozen
class Schema:
    """What a table's items are found by.

    Attributes:
        info: The table.
        default_ttl: Seconds that items live which say nothing; -1 for ever; None where the service
            deletes nothing.
        fault: Why CloudKit cannot use the table; None when it can.
    """

    info: TableInfo
    default_ttl: int | None = KEEPS_TTL
    fault: str | None = None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Schema:
        """The schema in the definition of a container."""
        paths = properties["partitionKey"]["paths"]
        partition = _property(paths[0]) if len(paths) == 1 else None
        fault = None
        if partition is None:
            fault = f"the partition key {', '.join(paths)} is not one property of the items"
        partition = partition or ", ".join(paths)
        marked, sort = _mark_in(properties)
        if not marked and partition != ID:
            sort = ID
        info = TableInfo(name=properties["id"], partition_key=partition, sort_key=sort)
        return cls(info, properties.get("defaultTtl"), fault)

    @property
    def partition(self) -> str:
        """Name of the property with the partition key."""
        return self.info.partition_key

    @property
    def sort(self) -> str | None:
        """Name of the property with the sort key."""
        return self.info.sort_key

    def check_usable(self) -> None:
        """Items can be read and written.

        Raises:
            ValidationError: They cannot.
        """
        if self.fault is not None:
            raise ValidationError(
                f"{self.fault} in container {self.info.name!r}",
                hint="Use 'cloud.native.cosmos' for this container.",
            )

    def check_lives(self) -> None:
        """Items can have times to live.

        Raises:
            UnsupportedOperationError: The service would never delete them.
        """
        if self.default_ttl is None:
            raise UnsupportedOperationError(
                f"time to live is off in container {self.info.name!r}, so nothing would be deleted",
                capability="kv.ttl",
                hint="Turn it on without a default: defaultTtl = -1.",
            )

    def id_of(self, key: Key) -> str:
        """The id of the item with a key.

        Raises:
            MisfitError: The key does not fit the table.
            ValidationError: The id would be too long.
        """
        named = self.sort == ID or (self.sort is None and self.partition == ID)
        text = key.partition if key.sort is None else key.sort
        try:
            self.info.check_key(key)
            if named:
                return check_plain(text)
        except ValidationError as error:
            raise MisfitError(error.message, hint=error.hint) from None
        return to_id(text)

    def fields(self, key: Key) -> dict[str, str]:
        """The properties of an item that say which it is.

        Raises:
            MisfitError: The key does not fit the table.
        """
        fields = {self.partition: key.partition, ID: self.id_of(key)}
        if self.sort is not None and self.sort != ID and key.sort is not None:
            fields[self.sort] = ordered(key.sort)
        return fields

    def key_of(self, raw: Mapping[str, Any]) -> Key:
        """The key of an item as the service gave it.

        Raises:
            SerializationError: Its partition key is no text, so that no Key can name it.
        """
        partition = raw.get(self.partition)
        if not isinstance(partition, str) or not partition:
            raise SerializationError(
                f"the partition key of item {raw[ID]!r} in {self.info.name!r} is {partition!r}, "
                "and CloudKit's are texts",
                hint="Use 'cloud.native.cosmos' for such items.",
            )
        if self.sort is None:
            return Key(partition)
        if self.sort == ID:
            return Key(partition, raw[ID])
        own = raw.get(self.sort)
        return Key(partition, from_ordered(own) if isinstance(own, str) else from_id(raw[ID]))

    def sort_value(self, text: str) -> str:
        """A sort key as it stands in its property."""
        return text if self.sort == ID else ordered(text)

    def stored_attribute(self, name: str) -> str:
        """How an attribute of a document is stored."""
        taken = name in SYSTEM or name in {ID, TTL, self.partition, self.sort}
        return f"{_OWN}{name}" if taken else name

    def own_attribute(self, stored: str) -> str | None:
        """The name of a property in the document; None when it is no part of it."""
        if stored.startswith(_OWN):
            return stored.removeprefix(_OWN)
        if stored.startswith(RESERVED) or self.stored_attribute(stored) != stored:
            return None
        return stored

    def stored_path(self, path: Path) -> Path:
        """How a path in a document is stored."""
        return self.stored_attribute(path[0]), *path[1:]


def check_names(info: TableInfo) -> None:
    """A table can be made with keys of these names.

    Raises:
        ValidationError: It cannot.
    """
    for name in (info.partition_key, info.sort_key):
        if name is not None and not _KEY_NAME.fullmatch(name):
            raise ValidationError(
                f"{name!r} cannot be the name of a key: 1 to 255 letters, digits and underscores, "
                "beginning with a letter"
            )
        if name == TTL:
            raise ValidationError("'ttl' is the time to live of items, and cannot be a key")
    if info.partition_key == ID and info.sort_key is not None:
        raise ValidationError(
            "'id' cannot be the partition key of a table with a sort key: an id names one item"
        )


def definition_of(info: TableInfo) -> dict[str, Any]:
    """The indexing policy of a new container, with CloudKit's mark."""
    mark = f'/"{_MARK}"/?' if info.sort_key is None else f'/"{_MARK}"/"{info.sort_key}"/?'
    return {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}, {"path": mark}],
    }


def _mark_in(properties: Mapping[str, Any]) -> tuple[bool, str | None]:
    policy = properties.get("indexingPolicy") or {}
    for excluded in policy.get("excludedPaths") or ():
        found = _MARKED.fullmatch(str(excluded.get("path")))
        if found:
            return True, found[1]
    return False, None


def _property(path: str) -> str | None:
    """The name of a property of the items; None for one inside another."""
    found = _PATH.fullmatch(path)
    return None if found is None else found[1] or found[2]
