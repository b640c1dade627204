"""What a table's rows are found by."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from cloudkit.api.kv import Key, TableInfo
from cloudkit.common import SerializationError, ValidationError
from cloudkit.oracle.nosql.keys import (
    PARTITION_BYTES,
    WHOLE_BYTES,
    from_ordered,
    is_cut,
    is_hashed,
    partition_column,
    sort_column,
)
from cloudkit.oracle.nosql.names import DOCUMENT, LABELS, own_table, stored_table


class MisfitError(ValidationError):
    """A request does not fit the table as it was when it was last looked at."""


@frozen
class Schema:
    """A table as the service has it.

    Attributes:
        info: The table.
        missing: Why CloudKit cannot use its rows; None when it can.
    """

    info: TableInfo
    missing: str | None = None

    @classmethod
    def of(cls, table: Any) -> Schema:
        """The schema in the service's description of a table."""
        types = {column.name.lower(): column.type.upper() for column in table.schema.columns}
        primary = list(table.schema.primary_key)
        shard = list(table.schema.shard_key or primary)
        info = TableInfo(
            name=own_table(table.name),
            partition_key=primary[0],
            sort_key=primary[1] if len(primary) > 1 else None,
        )
        return cls(info, _why_not(types, primary, shard))

    @property
    def table(self) -> str:
        """The table's name at the service."""
        return stored_table(self.info.name)

    @property
    def statement(self) -> str:
        """The statement that makes the table. Its names have been checked."""
        partition, sort = self.info.partition_key, self.info.sort_key
        keys = f"{partition} STRING" + ("" if sort is None else f", {sort} STRING")
        primary = partition if sort is None else f"SHARD({partition}), {sort}"
        columns = f"{keys}, {DOCUMENT} JSON, {LABELS} JSON, PRIMARY KEY({primary})"
        return f"CREATE TABLE {self.table} ({columns})"

    def check_usable(self) -> None:
        """CloudKit can use the rows.

        Raises:
            ValidationError: It cannot.
        """
        if self.missing is not None:
            raise MisfitError(f"table {self.info.name!r} is none of CloudKit's: {self.missing}")

    def partition(self, partition: str) -> str:
        """The column of a partition key."""
        size = WHOLE_BYTES if self.info.sort_key is None else PARTITION_BYTES
        return partition_column(partition, size)

    def columns(self, key: Key) -> dict[str, str]:
        """The columns of a primary key.

        Raises:
            ValidationError: The key does not fit the table.
        """
        try:
            self.info.check_key(key)
        except ValidationError as error:
            raise MisfitError(error.message) from None
        columns = {self.info.partition_key: self.partition(key.partition)}
        if self.info.sort_key is not None and key.sort is not None:
            columns[self.info.sort_key] = sort_column(key.sort)
        return columns

    def hides(self, columns: dict[str, str]) -> bool:
        """Whether the columns of a primary key do not tell the key."""
        sort = "" if self.info.sort_key is None else columns[self.info.sort_key]
        return is_hashed(columns[self.info.partition_key]) or is_cut(sort)

    def key_of(self, row: dict[str, Any]) -> Key:
        """The key that the columns of a row tell.

        Raises:
            SerializationError: They tell none: another program has made the row.
        """
        names = (self.info.partition_key, self.info.sort_key)
        columns = {name: str(row[name]) for name in names if name is not None}
        try:
            key = None if self.hides(columns) else Key(*map(from_ordered, columns.values()))
        except (ValueError, ValidationError):
            key = None
        if key is None:
            raise SerializationError(
                f"a row of {self.info.name!r} has a key that CloudKit would not write: {columns}"
            )
        return key


def _why_not(types: dict[str, str], primary: list[str], shard: list[str]) -> str | None:
    if len(primary) > 2 or any(types[name.lower()] != "STRING" for name in primary):
        return "its primary key is not one or two columns of type STRING"
    if [name.lower() for name in shard] != [primary[0].lower()]:
        return "its shard key is not the first column of the primary key"
    for name in (DOCUMENT, LABELS):
        if types.get(name) != "JSON":
            return f"it has no column {name!r} of type JSON"
    return None
