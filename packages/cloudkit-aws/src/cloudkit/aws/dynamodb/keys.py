"""The schema of a table, and what its items are called by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen
from cloudkit.api.kv import Key, TableInfo
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.values import RESERVED_PREFIX as RESERVED
from cloudkit.aws.dynamodb.values import Attribute, stored_name
from cloudkit.common import ValidationError

VERSION: Final = f"{RESERVED}_version"
"""Attribute with the version; items of other programs have none."""

TYPES: Final = f"{RESERVED}_types"
"""Attribute with the type marks."""

EXPIRES: Final = f"{RESERVED}_expires"
"""Attribute with the moment of expiry: seconds since the epoch, with a fraction."""

TTL: Final = f"{RESERVED}_ttl"
"""Attribute that DynamoDB deletes by: the same in whole seconds, rounded up."""

_OWN: Final = f"{RESERVED}_own_"
"""Before the name of a document's attribute that is named like a key."""

MAX_LEVELS: Final = 32
"""How deep DynamoDB lets lists and maps be nested."""


@frozen
class Schema:
    """What a table's items are found by.

    Attributes:
        info: The table.
        key_types: Name of a key → its type, for keys that are no texts.
    """

    info: TableInfo
    key_types: Mapping[str, str]

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Schema:
        """The schema in the answer of DescribeTable."""
        names = {entry["KeyType"]: entry["AttributeName"] for entry in description["KeySchema"]}
        types = {
            entry["AttributeName"]: entry["AttributeType"]
            for entry in description.get("AttributeDefinitions", ())
        }
        info = TableInfo(
            name=description["TableName"], partition_key=names["HASH"], sort_key=names.get("RANGE")
        )
        other = {name: types[name] for name in names.values() if types.get(name, "S") != "S"}
        return cls(info, other)

    @property
    def partition(self) -> str:
        """Name of the partition key."""
        return self.info.partition_key

    @property
    def sort(self) -> str | None:
        """Name of the sort key."""
        return self.info.sort_key

    def check_types(self) -> None:
        """The keys are texts.

        Raises:
            ValidationError: One is not, so that no Key can name an item.
        """
        for name, kind in self.key_types.items():
            raise ValidationError(
                f"the key {name!r} of table {self.info.name!r} is of type {kind}; "
                "CloudKit reads and writes tables whose keys are of type S",
                hint="Use 'cloud.native.dynamodb' for this table.",
            )

    def place(self, key: Key) -> dict[str, Attribute]:
        """A key as the service takes it.

        Raises:
            ValidationError: It does not fit the table.
        """
        self.info.check_key(key)
        place: dict[str, Attribute] = {self.partition: {"S": key.partition}}
        if self.sort is not None:
            place[self.sort] = {"S": key.sort}
        return place

    def key_of(self, raw: Mapping[str, Attribute]) -> Key:
        """The key of an item as the service gave it."""
        sort = None if self.sort is None else raw[self.sort]["S"]
        return Key(raw[self.partition]["S"], sort)

    def stored_attribute(self, name: str) -> str:
        """How an attribute of a document is stored."""
        return f"{_OWN}{name}" if name in {self.partition, self.sort} else name

    def own_attribute(self, stored: str) -> str | None:
        """The name of a stored attribute in the document; None when it is no part of it."""
        if stored.startswith(_OWN):
            return stored.removeprefix(_OWN)
        if stored.startswith(RESERVED) or stored in {self.partition, self.sort}:
            return None
        return stored

    def stored_path(self, path: Path) -> Path:
        """How a path in a document is stored."""
        return self.stored_attribute(path[0]), *map(stored_name, path[1:])
