"""KeyValueStore: documents by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudkit.api.kv.batches import check_batch_write, waves
from cloudkit.api.kv.conditions import Condition
from cloudkit.api.kv.hooks import KeyValueStoreHooks
from cloudkit.api.kv.models import (
    KEEP,
    BatchWrite,
    Delete,
    ExpiryChange,
    Item,
    Key,
    KeyLike,
    Put,
    TableInfo,
    TransactWrite,
    Update,
)
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
    check_key,
    check_write,
)
from cloudkit.api.kv.paths import PathLike
from cloudkit.api.kv.sorting import SortCondition
from cloudkit.api.kv.updates import Changes
from cloudkit.api.kv.values import Document
from cloudkit.api.paging import Pager
from cloudkit.api.validation import several, whole_number
from cloudkit.common import CloudResult, Duration, NotFoundError, ValidationError


class KeyValueStore(KeyValueStoreHooks):
    """Documents by key, in tables.

    A key is a text, or a ``Key(partition, sort)`` in a table with a sort key; it is kept apart from
    the document. Values come back equal and of the same type: None, bool, int (64 bit), float,
    Decimal, str, bytes, aware datetime (in UTC), list and dict.

    Every item has a version: ``if_version=item.version`` makes a write happen only while nobody else
    has written. Conditions are expressions over the document: ``(attr("age") >= 18) &
    attr("email").exists()``. One that does not hold is a PreconditionFailedError, and nothing was
    changed. Items with ``expires_in`` are gone when their time is over, at once, for every call.

    Every method may raise NotFoundError for a missing table, AuthenticationError,
    PermissionDeniedError, NetworkError, OperationTimeoutError, RateLimitedError and
    ServiceUnavailableError besides those it lists; arguments that cannot be sent raise
    ValidationError before anything is sent. A call that is cancelled returns at once; whether the
    service still carried it out is then not known.
    """

    # Tables

    async def create_table(
        self, table: str, *, partition_key: str = "pk", sort_key: str | None = None
    ) -> TableInfo:
        """Create a table, and wait until it can be used.

        Args:
            table: Its name.
            partition_key: Name of the partition key at the service.
            sort_key: Name of the sort key at the service; None for a table without.

        Raises:
            AlreadyExistsError: There is a table of this name.
        """
        operation = CreateTable(table=table, partition_key=partition_key, sort_key=sort_key)
        return await self._run(operation, self._create_table)

    async def delete_table(self, table: str) -> None:
        """Delete a table with all its items.

        Raises:
            NotFoundError: There is none.
        """
        await self._run(DeleteTable(table=table), self._delete_table)

    async def describe_table(self, table: str) -> TableInfo:
        """A table's schema.

        Raises:
            NotFoundError: There is none.
        """
        return await self._run(DescribeTable(table=table), self._describe_table)

    async def table_exists(self, table: str) -> bool:
        """Whether a table exists."""
        try:
            await self.describe_table(table)
        except NotFoundError:
            return False
        return True

    def list_tables(
        self, *, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[TableInfo]:
        """All tables, by name.

        Args:
            page_size: Most tables fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListTables(page_size=page_size, page_token=token),
            self._list_tables,
            token=page_token,
        )

    # Single items

    async def get(self, table: str, key: KeyLike, *, consistent: bool = True) -> Item | None:
        """An item, or None.

        Args:
            table: The table.
            key: Its key.
            consistent: Whether every acknowledged write must show; False may be cheaper.
        """
        return await self._run(GetItem(table=table, key=key, consistent=consistent), self._get)

    async def exists(self, table: str, key: KeyLike) -> bool:
        """Whether there is an item."""
        return await self.get(table, key) is not None

    async def put(
        self,
        table: str,
        key: KeyLike,
        document: Document,
        *,
        if_version: str | None = None,
        if_absent: bool = False,
        condition: Condition | None = None,
        expires_in: Duration | None = None,
    ) -> str:
        """Write an item as a whole.

        Args:
            table: The table.
            key: Its key.
            document: Its values.
            if_version: Only replace the item with this version.
            if_absent: Only create.
            condition: Only while this holds for the document that stands there.
            expires_in: Time to live, in seconds or as a timedelta; None for no end.

        Returns:
            The item's new version.

        Raises:
            PreconditionFailedError: A condition does not hold.
            PayloadTooLargeError: The item is larger than the service takes.
        """
        write = Put(
            key=key,
            document=document,
            if_version=if_version,
            if_absent=if_absent,
            condition=condition,
            expires_in=expires_in,
        )
        return await self._run(PutItem(table=table, write=write), self._put)

    async def delete(
        self,
        table: str,
        key: KeyLike,
        *,
        if_version: str | None = None,
        condition: Condition | None = None,
        missing_ok: bool = True,
    ) -> None:
        """Delete an item.

        Args:
            table: The table.
            key: Its key.
            if_version: Only the item with this version.
            condition: Only while this holds for the document.
            missing_ok: Whether it is fine that there is none.

        Raises:
            PreconditionFailedError: A condition does not hold.
            NotFoundError: There is no such item and ``missing_ok`` is False.
        """
        write = Delete(key=key, if_version=if_version, condition=condition, missing_ok=missing_ok)
        await self._run(DeleteItem(table=table, write=write), self._delete)

    async def update(
        self,
        table: str,
        key: KeyLike,
        *,
        set: Changes | None = None,  # noqa: A002  (the word for it)
        increment: Changes | None = None,
        remove: Iterable[PathLike] = (),
        if_version: str | None = None,
        condition: Condition | None = None,
        expires_in: ExpiryChange = KEEP,
    ) -> Item:
        """Change parts of an item, all at once.

        Args:
            table: The table.
            key: Its key.
            set: Path → new value. ``"address.city"`` reaches into a dict that is there.
            increment: Path → number to add; what is missing counts as 0.
            remove: Paths that go; missing ones are fine.
            if_version: Only the item with this version.
            condition: Only while this holds for the document.
            expires_in: A new time to live; None for no end; KEEP to leave it as it is.

        Returns:
            The item as it is now.

        Raises:
            NotFoundError: There is no such item.
            PreconditionFailedError: A condition does not hold.
            ValidationError: Something that is no number would be incremented, or a path leads
                through something that is not there. Nothing was changed.
        """
        write = Update(
            key=key,
            set=set,
            increment=increment,
            remove=remove,
            if_version=if_version,
            condition=condition,
            expires_in=expires_in,
        )
        return await self._run(UpdateItem(table=table, write=write), self._update)

    # Many items

    def query(
        self,
        table: str,
        partition: str,
        *,
        sort: SortCondition | None = None,
        filter: Condition | None = None,  # noqa: A002  (the word for it)
        descending: bool = False,
        limit: int | None = None,
        consistent: bool = True,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[Item]:
        """The items of a partition, in the order of the UTF-8 bytes of their sort keys.

        Args:
            table: The table.
            partition: The partition key.
            sort: Only these sort keys: ``sort >= "2026-01"``.
            filter: Only documents for which this holds.
            descending: Last sort key first.
            limit: Most items in all.
            consistent: Whether every acknowledged write must show.
            page_size: Most items looked at for one page.
            page_token: Continue after the page that gave this token.
        """
        page_size = self._enough(page_size, limit, filter)
        return self._pager(
            lambda token: QueryItems(
                table=table,
                partition=partition,
                sort=sort,
                filter=filter,
                descending=descending,
                consistent=consistent,
                page_size=page_size,
                page_token=token,
            ),
            self._query,
            token=page_token,
            limit=limit,
        )

    def scan(
        self,
        table: str,
        *,
        filter: Condition | None = None,  # noqa: A002  (the word for it)
        limit: int | None = None,
        consistent: bool = True,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[Item]:
        """All items of a table, in no particular order. Costs as much as the table is large.

        Args:
            table: The table.
            filter: Only documents for which this holds.
            limit: Most items in all.
            consistent: Whether every acknowledged write must show.
            page_size: Most items looked at for one page.
            page_token: Continue after the page that gave this token.
        """
        page_size = self._enough(page_size, limit, filter)
        return self._pager(
            lambda token: ScanItems(
                table=table,
                filter=filter,
                consistent=consistent,
                page_size=page_size,
                page_token=token,
            ),
            self._scan,
            token=page_token,
            limit=limit,
        )

    async def batch_get(
        self, table: str, keys: Iterable[KeyLike], *, consistent: bool = True
    ) -> list[CloudResult[Item | None]]:
        """Read many items.

        Returns:
            For each key, in order: the item, None where there is none, or why it failed.
        """
        if isinstance(keys, (str, Key)):
            raise ValidationError("batch_get takes a list of keys; use get for one")
        wanted = [Key.of(key) for key in several(keys, "keys")]
        distinct = list(dict.fromkeys(wanted))
        results = await self._run_batch(
            distinct,
            self.capabilities.batch_get,
            lambda some: BatchGetItems(table=table, keys=tuple(some), consistent=consistent),
            self._batch_get,
            validate=lambda key: check_key(key, self.capabilities),
        )
        found = dict(zip(distinct, results, strict=True))
        return [found[key] for key in wanted]

    async def batch_write(
        self, table: str, writes: Iterable[BatchWrite]
    ) -> list[CloudResult[str | None]]:
        """Put and delete many items. Not a transaction: some may fail while others succeed.

        Args:
            table: The table.
            writes: ``Put`` and ``Delete`` without conditions. An item that is written twice is
                written in this order.

        Returns:
            For each write, in order: the new version, None for a delete, or why it failed.

        Raises:
            ValidationError: A write has a condition, which only ``put``, ``delete`` and ``transact``
                can ask for.
        """
        wanted = several(writes, "writes")
        for write in wanted:
            check_batch_write(write)
        results: list[CloudResult[str | None] | None] = [None] * len(wanted)
        for wave in waves(wanted):
            outcomes = await self._run_batch(
                [wanted[index] for index in wave],
                self.capabilities.batch_write,
                lambda some: BatchWriteItems(table=table, writes=tuple(some)),
                self._batch_write,
                validate=lambda write: check_write(write, self.capabilities),
            )
            for index, outcome in zip(wave, outcomes, strict=True):
                results[index] = outcome
        return [result for result in results if result is not None]

    async def transact(self, table: str, writes: Iterable[TransactWrite]) -> Sequence[str | None]:
        """Carry out several writes, all or none.

        Args:
            table: The table of all writes that name no other.
            writes: ``Put``, ``Delete``, ``Update`` and ``Check``, each of another item.

        Returns:
            For each write, in order: the item's new version; None for deletes and checks.

        Raises:
            PreconditionFailedError: A condition does not hold; nothing was changed.
            ConflictError: Another writer was in the way; nothing was changed.
            NotFoundError: An item to update does not exist; nothing was changed.
            UnsupportedOperationError: The provider has no transactions of this scope; nothing was
                sent.
        """
        operation = Transact(table=table, writes=writes)
        return await self._run(operation, self._transact)

    def _enough(
        self, page_size: int | None, limit: int | None, wanted: Condition | None
    ) -> int | None:
        """The page size; where all that is read is given, no more than the limit needs."""
        if limit is None:
            return page_size
        whole_number(limit, "limit")
        if page_size is None and wanted is None:
            return min(limit, self.capabilities.max_page_size)
        return page_size
