"""What a provider implements for KeyValueStore."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from cloudkit.api.contract import Contract
from cloudkit.api.kv.models import Item, TableInfo
from cloudkit.api.kv.operations import (
    BatchGetItems,
    BatchWriteItems,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    ListTables,
    PutItem,
    QueryItems,
    ScanItems,
    Transact,
    UpdateItem,
)
from cloudkit.api.paging import Page
from cloudkit.common import CloudResult, KeyValueCapabilities


class KeyValueStoreHooks(Contract[KeyValueCapabilities], ABC):
    """One hook for each operation. A hook makes one attempt and lets native errors through.

    Every hook raises NotFoundError for a table that is missing, and ValidationError for a key that
    does not fit the table (``TableInfo.check_key``). Items that have expired do not exist.
    """

    @abstractmethod
    async def _create_table(self, op: CreateTable) -> TableInfo:
        """Create, and wait until it can be used; AlreadyExistsError when there is one."""

    @abstractmethod
    async def _delete_table(self, op: DeleteTable) -> None:
        """Delete, and wait until the name is free."""

    @abstractmethod
    async def _describe_table(self, op: DescribeTable) -> TableInfo:
        """The schema."""

    @abstractmethod
    async def _list_tables(self, op: ListTables) -> Page[TableInfo]:
        """One page, by name."""

    @abstractmethod
    async def _get(self, op: GetItem) -> Item | None:
        """The item, or None."""

    @abstractmethod
    async def _put(self, op: PutItem) -> str:
        """Write; returns the new version. PreconditionFailedError when a condition does not hold."""

    @abstractmethod
    async def _delete(self, op: DeleteItem) -> None:
        """Delete; a missing item fails ``if_version``, and is NotFound unless ``missing_ok``."""

    @abstractmethod
    async def _update(self, op: UpdateItem) -> Item:
        """Change; NotFoundError when missing. What it does is ``updates.apply_update``."""

    @abstractmethod
    async def _query(self, op: QueryItems) -> Page[Item]:
        """One page, ordered by the UTF-8 bytes of the sort keys."""

    @abstractmethod
    async def _scan(self, op: ScanItems) -> Page[Item]:
        """One page."""

    @abstractmethod
    async def _batch_get(self, op: BatchGetItems) -> Sequence[CloudResult[Item | None]]:
        """At most ``batch_get`` different keys; one result each, in order."""

    @abstractmethod
    async def _batch_write(self, op: BatchWriteItems) -> Sequence[CloudResult[str | None]]:
        """At most ``batch_write`` different items; the version of each put, None for a delete.

        Items that the service left undone are failures with a retryable error.
        """

    @abstractmethod
    async def _transact(self, op: Transact) -> Sequence[str | None]:
        """All or nothing; the version of each write, None for deletes and checks.

        PreconditionFailedError when a condition does not hold, ConflictError when another writer was
        in the way.
        """
