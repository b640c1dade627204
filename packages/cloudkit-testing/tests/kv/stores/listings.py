"""Listings, batches and transactions that are not what they should be, and items that outlive their end."""

from __future__ import annotations

from attrs import evolve
from cloudkit.api.kv import Put
from cloudkit.api.paging import Page, Pager

from .memory import MemoryStore
from .registry import caught_by


@caught_by("test_all_items_come_in_the_order_of_their_sort_keys")
class OrderIsThatOfUtf16(MemoryStore):
    def order(self, key):
        return (key.sort or "").encode("utf-16-be")


@caught_by("test_all_items_come_in_the_order_of_their_sort_keys")
class OrderKnowsNoCase(MemoryStore):
    def order(self, key):
        return (key.sort or "").lower().encode()


@caught_by("test_descending_turns_the_order_round")
class DescendingIsIgnored(MemoryStore):
    async def _query(self, op):
        return await super()._query(evolve(op, descending=False))


@caught_by("test_the_items_of_another_partition_never_show")
class PartitionsArePrefixes(MemoryStore):
    def belongs(self, key, op):
        return key.partition.startswith(op.partition) and super().belongs(
            evolve(key, partition=op.partition), op
        )


@caught_by("test_a_condition_on_the_sort_key_selects[asyncio-begins with]")
class PrefixesArePatterns(MemoryStore):
    def belongs(self, key, op):
        if op.sort is not None and op.sort.operator == "begins_with":
            pattern = op.sort.value.rstrip("%")
            return key.partition == op.partition and (key.sort or "").startswith(pattern)
        return super().belongs(key, op)


@caught_by("test_a_condition_on_the_sort_key_selects[asyncio-between]")
class BetweenLeavesOutTheEnd(MemoryStore):
    def belongs(self, key, op):
        if op.sort is not None and key.sort == op.sort.high:
            return False
        return super().belongs(key, op)


@caught_by(
    "test_a_limit_counts_what_the_filter_lets_through[asyncio-1]",
    "test_a_filtered_query_comes_in_pages[asyncio-1]",
)
class AnEmptyPageEndsTheListing(MemoryStore):
    def next_token(self, looked_at, found):
        return super().next_token(looked_at, found) if found else None


@caught_by("test_a_limit_counts_what_the_filter_lets_through[asyncio-None]")
class TheLimitComesBeforeTheFilter(MemoryStore):
    def query(self, table, partition, *, filter=None, limit=None, **options):  # noqa: A002
        items = super().query(table, partition, limit=limit, **options)

        async def fetch(token):
            return Page([item async for item in items if filter is None or filter.matches(item)])

        return Pager(fetch)


@caught_by("test_300_items_of_a_partition_come_once_and_in_order")
class OnlyTheFirstPageComes(MemoryStore):
    def next_token(self, looked_at, found):
        return None if len(looked_at) > 50 else super().next_token(looked_at, found)


@caught_by("test_a_query_comes_in_pages[asyncio-2-ascending]")
class ThePageSizeIsIgnored(MemoryStore):
    async def _query(self, op):
        return await super()._query(evolve(op, page_size=None))


@caught_by("test_batch_get_keeps_the_order_and_has_none_for_what_is_missing[asyncio-101]")
class BatchesAreOutOfOrder(MemoryStore):
    async def _batch_get(self, op):
        return sorted(await super()._batch_get(op), key=lambda result: result.value is None)


@caught_by("test_batch_write_puts_and_deletes[asyncio-26]")
class BatchesAreCut(MemoryStore):
    async def _batch_write(self, op):
        done = await super()._batch_write(evolve(op, writes=op.writes[:20]))
        return [*done, *done[: len(op.writes) - len(done)]]


@caught_by("test_writes_of_one_item_happen_in_their_order")
class BatchesDropDuplicates(MemoryStore):
    async def batch_write(self, table, writes):
        first = {write.key: write for write in reversed(list(writes))}
        results = dict(zip(first, await super().batch_write(table, first.values()), strict=True))
        return [results[write.key] for write in writes]


@caught_by(
    "test_a_transaction_with_a_write_that_fails_changes_nothing[asyncio-update of a missing item]"
)
class TransactionsAreHalfMade(MemoryStore):
    def roll_back(self, before):
        pass


@caught_by(
    "test_a_transaction_with_a_write_that_fails_changes_nothing[asyncio-check of a condition]"
)
class ChecksAreNotMade(MemoryStore):
    def check(self, write, there):
        if type(write).__name__ != "Check":
            super().check(write, there)


class Expires(MemoryStore):
    """Base: forgets about expiry in one operation."""

    forgetful: str = ""

    def alive(self, item, operation):
        return item is not None if operation == self.forgetful else super().alive(item, operation)


GONE = "test_an_expired_item_is_gone_at_once"


@caught_by(f"{GONE}[asyncio-get]", f"{GONE}[asyncio-exists]")
class GetFindsExpired(Expires):
    forgetful = "get"


@caught_by(f"{GONE}[asyncio-query]", "test_expired_items_do_not_count_for_a_limit")
class QueryFindsExpired(Expires):
    forgetful = "query"


@caught_by(f"{GONE}[asyncio-scan]")
class ScanFindsExpired(Expires):
    forgetful = "scan"


@caught_by(f"{GONE}[asyncio-batch_get]")
class BatchGetFindsExpired(Expires):
    forgetful = "batch_get"


@caught_by(
    "test_writes_take_an_expired_item_for_missing",
    "test_a_condition_sees_an_expired_item_as_empty",
    "test_a_transaction_takes_an_expired_item_for_missing",
)
class WritesFindExpired(Expires):
    forgetful = "write"


@caught_by("test_the_end_of_an_item_can_be_taken_away")
class PutKeepsTheEnd(MemoryStore):
    def end(self, write, there):
        fresh = super().end(write, there)
        return there.expires_at if fresh is None and there is not None else fresh


@caught_by("test_an_update_of_values_leaves_the_end")
class UpdateDropsTheEnd(MemoryStore):
    def end(self, write, there):
        return super().end(write, there) if isinstance(write, Put) else None
