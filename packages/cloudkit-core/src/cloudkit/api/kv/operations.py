"""The operations of KeyValueStore: each validates itself when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.models import (
    BatchWrite,
    Check,
    Item,
    Key,
    Put,
    TableInfo,
    TransactWrite,
    Write,
    to_key,
)
from cloudkit.api.kv.models import Delete as DeleteWrite
from cloudkit.api.kv.models import Update as UpdateWrite
from cloudkit.api.kv.paths import Path
from cloudkit.api.kv.sorting import SortCondition
from cloudkit.api.kv.values import Extent, Value, significant_digits
from cloudkit.api.paging import Page
from cloudkit.api.validation import (
    is_optional_count,
    is_text,
    several,
    text,
    text_within,
    whole_number,
)
from cloudkit.common import CloudResult, KeyValueCapabilities, ValidationError
from cloudkit.spi import Operation
from cloudkit.spi.operation import T


def _check_filter(instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not isinstance(value, Condition):
        raise ValidationError("a filter is made with attr('name'): attr('age') >= 18")


def _check_sort(instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not isinstance(value, SortCondition):
        raise ValidationError("a sort condition is made with sort: sort >= '2026-01'")


def check_key(key: Key, capabilities: KeyValueCapabilities) -> None:
    """The key is within the provider's limits.

    Raises:
        ValidationError: It is not.
    """
    text_within(key.partition, "the partition key", capabilities.max_partition_key_bytes)
    if key.sort is not None:
        text_within(key.sort, "the sort key", capabilities.max_sort_key_bytes)


def check_document(document: Mapping[str, Value], capabilities: KeyValueCapabilities) -> None:
    """The values are within the provider's limits.

    Raises:
        ValidationError: They are nested too deep, or a Decimal has too many digits.
        PayloadTooLargeError: They are too large together.
    """
    extent = Extent.of(document)
    if extent.depth > capabilities.max_depth:
        raise ValidationError(f"the document is nested deeper than {capabilities.max_depth} levels")
    number, digits = extent.longest, capabilities.max_decimal_digits
    if number is not None and significant_digits(number) > digits:
        raise ValidationError(f"{number} has more than {digits} significant digits")
    capabilities.require_size("max_item_bytes", extent.size, "the item")


def check_write(write: Write, capabilities: KeyValueCapabilities) -> None:
    """A write is within what the provider can do.

    Raises:
        UnsupportedOperationError: The provider has no conditions or no time to live.
        ValidationError: Key or values are beyond the provider's limits.
        PayloadTooLargeError: The item is too large.
    """
    check_key(write.key, capabilities)
    if write.condition is not None:
        capabilities.require("conditions", "a condition")
    if isinstance(write, Put):
        check_document(write.document, capabilities)
        if write.expires_in is not None:
            capabilities.require("ttl", "expires_in")
    if isinstance(write, UpdateWrite):
        for path, value in (*write.set.items(), *write.increment.items()):
            check_document(_document_with(path, value), capabilities)
        if isinstance(write.expires_in, float):
            capabilities.require("ttl", "expires_in")


def _document_with(path: Path, value: Value) -> dict[str, Value]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


@frozen(kw_only=True, eq=False)
class TableOperation(Operation[T]):
    """Base: about a table."""

    contract = "kv"
    table: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """The table."""
        return self.table

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """The name follows the provider's rule."""
        capabilities.table_name.check(self.table, "table")


@frozen(kw_only=True, eq=False)
class CreateTable(TableOperation[TableInfo]):
    """Create a table."""

    name = "create_table"
    partition_key: str = field(default="pk", validator=is_text)
    sort_key: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.sort_key is not None:
            text(self.sort_key, "sort_key")
        if self.sort_key == self.partition_key:
            raise ValidationError("partition_key and sort_key must have different names")


@frozen(kw_only=True, eq=False)
class DeleteTable(TableOperation[None]):
    """Delete a table with its items."""

    name = "delete_table"


@frozen(kw_only=True, eq=False)
class DescribeTable(TableOperation[TableInfo]):
    """Read a table's schema."""

    name = "describe_table"
    safe = True


@frozen(kw_only=True, eq=False)
class ListTables(Operation[Page[TableInfo]]):
    """One page of the names of the tables."""

    contract = "kv"
    name = "list_tables"
    safe = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None


@frozen(kw_only=True, eq=False)
class GetItem(TableOperation[Item | None]):
    """Read an item."""

    name = "get"
    safe = True
    key: Key = field(converter=to_key)
    consistent: bool = True

    @property
    def resource(self) -> str:
        """Table and key."""
        return f"{self.table}/{self.key}"

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """The key is within the provider's limits."""
        TableOperation.check(self, capabilities)
        check_key(self.key, capabilities)


@frozen(kw_only=True, eq=False)
class WriteItem(TableOperation[T]):
    """Base: writes an item."""

    write: Write

    @property
    def resource(self) -> str:
        """Table and key."""
        return f"{self.table}/{self.write.key}"

    @property
    def idempotent(self) -> bool:
        """Not under a condition: its own first attempt could make the second fail."""
        return not self.write.conditional

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """The write is within what the provider can do."""
        TableOperation.check(self, capabilities)
        check_write(self.write, capabilities)


@frozen(kw_only=True, eq=False)
class PutItem(WriteItem[str]):
    """Write an item as a whole."""

    name = "put"
    write: Put


@frozen(kw_only=True, eq=False)
class DeleteItem(WriteItem[None]):
    """Delete an item."""

    name = "delete"
    write: DeleteWrite

    @property
    def idempotent(self) -> bool:
        """Only where a missing item is fine and no condition is asked for."""
        return self.write.missing_ok and not self.write.conditional


@frozen(kw_only=True, eq=False)
class UpdateItem(WriteItem[Item]):
    """Change parts of an item."""

    name = "update"
    write: UpdateWrite

    @property
    def idempotent(self) -> bool:
        """Not with an increment, nor under a condition."""
        return not self.write.conditional and not self.write.increment


@frozen(kw_only=True, eq=False)
class QueryItems(TableOperation[Page[Item]]):
    """One page of a partition's items, by sort key."""

    name = "query"
    safe = True
    partition: str = field(validator=is_text)
    sort: SortCondition | None = field(default=None, validator=_check_sort)
    filter: Condition | None = field(default=None, validator=_check_filter)
    descending: bool = False
    consistent: bool = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None

    @property
    def resource(self) -> str:
        """Table and partition."""
        return f"{self.table}/{self.partition}"

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """The partition key is within the provider's limits."""
        TableOperation.check(self, capabilities)
        check_key(Key(self.partition), capabilities)


@frozen(kw_only=True, eq=False)
class ScanItems(TableOperation[Page[Item]]):
    """One page of a table's items, in no order."""

    name = "scan"
    safe = True
    filter: Condition | None = field(default=None, validator=_check_filter)
    consistent: bool = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """The provider can scan."""
        TableOperation.check(self, capabilities)
        capabilities.require("scan", "scan")


@frozen(kw_only=True, eq=False)
class BatchGetItems(TableOperation[Sequence[CloudResult[Item | None]]]):
    """Read items, as many as go into one request, all different."""

    name = "batch_get"
    safe = True
    keys: tuple[Key, ...]
    consistent: bool = True


@frozen(kw_only=True, eq=False)
class BatchWriteItems(TableOperation[Sequence[CloudResult[str | None]]]):
    """Put and delete items, as many as go into one request, all different."""

    name = "batch_write"
    safe = True
    writes: tuple[BatchWrite, ...]


def _to_writes(writes: Iterable[TransactWrite]) -> tuple[TransactWrite, ...]:
    result = tuple(several(writes, "writes"))
    for write in result:
        if not isinstance(write, (Put, DeleteWrite, UpdateWrite, Check)):
            raise ValidationError(f"{write!r} is not a Put, Delete, Update or Check")
    return result


@frozen(kw_only=True, eq=False)
class Transact(TableOperation[Sequence[str | None]]):
    """Carry out several writes, all or none."""

    name = "transact"
    writes: tuple[TransactWrite, ...] = field(converter=_to_writes)

    def __attrs_post_init__(self) -> None:
        places = [self.place(write) for write in self.writes]
        if not places:
            raise ValidationError("a transaction needs at least one write")
        if len(set(places)) < len(places):
            raise ValidationError("a transaction can name an item only once")

    def place(self, write: TransactWrite) -> tuple[str, Key]:
        """Table and key of a write."""
        return write.table or self.table, write.key

    def check(self, capabilities: KeyValueCapabilities) -> None:
        """Size and scope are within what the provider can do."""
        TableOperation.check(self, capabilities)
        capabilities.require("transactions", "transact")
        places = [self.place(write) for write in self.writes]
        for table in {table for table, _ in places}:
            capabilities.table_name.check(table, "table")
        if len({table for table, _ in places}) > 1:
            capabilities.require("cross_table_transactions", "a transaction over several tables")
        if len({key.partition for _, key in places}) > 1:
            capabilities.require(
                "cross_partition_transactions", "a transaction over several partitions"
            )
        whole_number(
            len(places), "the number of writes", maximum=capabilities.max_transaction_items
        )
        for write in self.writes:
            check_write(write, capabilities)
