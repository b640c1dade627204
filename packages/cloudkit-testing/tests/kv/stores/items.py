"""Promises about single items, their versions and conditions, that are forgotten."""

from __future__ import annotations

import anyio.lowlevel
from attrs import evolve
from cloudkit.api.kv import Put
from cloudkit.api.kv.values import kind_of
from cloudkit.common import (
    AlreadyExistsError,
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
)

from .memory import MemoryStore
from .registry import caught_by
from .values import changed


@caught_by("test_the_same_key_in_two_tables_names_two_items")
class TablesAreOne(MemoryStore):
    def table(self, name):
        table = super().table(name)
        table.items = next(iter(self.tables.values())).items
        return table


@caught_by("test_a_missing_table_is_not_found_and_named[asyncio-get]")
class MissingTablesAreEmpty(MemoryStore):
    async def _get(self, op):
        return await super()._get(op) if op.table in self.tables else None


@caught_by("test_creating_a_table_twice_fails_and_loses_nothing")
class CreatingATableClearsIt(MemoryStore):
    async def _create_table(self, op):
        try:
            return await super()._create_table(op)
        except AlreadyExistsError:
            self.tables[op.table].items.clear()
            raise


@caught_by(
    "test_a_table_without_sort_key_refuses_one[asyncio-put]",
    "test_a_table_with_sort_key_wants_one[asyncio-get]",
)
class SchemasAreIgnored(MemoryStore):
    def find(self, table, key, operation):
        item = table.items.get(self.place(key))
        return item if self.alive(item, operation) else None


@caught_by(
    "test_put_with_a_stale_version_changes_nothing",
    "test_update_asks_for_the_version",
    "test_delete_asks_for_the_version",
)
class VersionsAreIgnored(MemoryStore):
    def version_matches(self, wanted, there):
        return there is not None


@caught_by("test_a_version_of_a_missing_item_never_matches")
class MissingItemsHaveAnyVersion(MemoryStore):
    def version_matches(self, wanted, there):
        return there is None or there.version == wanted


@caught_by(
    "test_an_item_created_again_is_not_the_one_before", "test_every_write_gives_a_new_version"
)
class VersionsBeginAnew(MemoryStore):
    def new_version(self, table, write):
        there = table.items.get(self.place(write.key))
        return str(int(there.version) + 1) if there is not None else "1"


@caught_by("test_every_write_gives_a_new_version")
class VersionsAreHashes(MemoryStore):
    def new_version(self, table, write):
        return repr(getattr(write, "document", None) or write)


@caught_by("test_creating_twice_fails_and_changes_nothing", "test_one_of_many_creators_wins")
class AbsenceIsNotAskedFor(MemoryStore):
    def write(self, table, write):
        return super().write(
            table, evolve(write, if_absent=False) if isinstance(write, Put) else write
        )


@caught_by("test_workers_that_increment_lose_none")
class UpdatesOverwriteEachOther(MemoryStore):
    async def _update(self, op):
        table, place = self.table(op.table), self.place(op.write.key)
        there = self.find(table, op.write.key, "update")
        await anyio.lowlevel.checkpoint()
        if there is not None:
            table.items[place] = there
        return self.shown(self.write(table, op.write))


@caught_by("test_workers_that_compare_and_swap_lose_no_increment")
class VersionsAreComparedTooEarly(MemoryStore):
    async def _put(self, op):
        self.check(op.write, self.find(self.table(op.table), op.write.key, "put"))
        await anyio.lowlevel.checkpoint()
        late = evolve(op, write=evolve(op.write, if_version=None))
        return await super()._put(late)


@caught_by(
    "test_a_condition_that_fails_changes_nothing",
    "test_a_put_happens_just_where_its_condition_holds[asyncio-equal]",
)
class ConditionsAreIgnored(MemoryStore):
    def check(self, write, there):
        super().check(evolve(write, condition=None) if write.conditional else write, there)


@caught_by(
    "test_a_query_finds_what_the_filter_describes[asyncio-equal]",
    "test_random_conditions_agree_with_the_reference",
)
class TrueIsOne(MemoryStore):
    def matches(self, condition, document):
        return condition.matches(changed(document, lambda v: int(v) if type(v) is bool else v))


@caught_by("test_a_query_finds_what_the_filter_describes[asyncio-not equal]")
class MissingIsUnknown(MemoryStore):
    def matches(self, condition, document):
        if getattr(condition, "operator", "") == "!=" and condition.path[0] not in document:
            return False
        return condition.matches(document)


@caught_by("test_a_query_finds_what_the_filter_describes[asyncio-exists]")
class NoneIsMissing(MemoryStore):
    def matches(self, condition, document):
        return condition.matches({n: v for n, v in document.items() if v is not None})


@caught_by("test_a_query_finds_what_the_filter_describes[asyncio-less]")
class NumbersAreComparedAsFloats(MemoryStore):
    def matches(self, condition, document):
        numbers = {n: float(v) if kind_of(v) == "number" else v for n, v in document.items()}
        return condition.matches(numbers)


@caught_by("test_a_missing_item_counts_as_an_empty_document")
class ConditionsNeedAnItem(MemoryStore):
    def check(self, write, there):
        if there is None and write.condition is not None:
            raise PreconditionFailedError("there is none")
        super().check(write, there)


@caught_by("test_updating_a_missing_item_fails_and_creates_none")
class UpdatesCreate(MemoryStore):
    def write(self, table, write):
        try:
            return super().write(table, write)
        except NotFoundError:
            return super().write(table, Put(key=write.key, document={}))


@caught_by("test_an_update_that_cannot_be_made_changes_nothing[asyncio-increment a text]")
class BadUpdatesAreHalfMade(MemoryStore):
    def write(self, table, write):
        try:
            return super().write(table, write)
        except ValidationError:
            there = table.items[self.place(write.key)]
            document = {**there.document, "half": True}
            table.items[self.place(write.key)] = evolve(there, document=document)
            raise


@caught_by("test_an_update_changes_what_it_names[asyncio-set inside a dict]")
class NestedSetsReplaceTheOuter(MemoryStore):
    def updated(self, document, write):
        result = super().updated(document, write)
        for path, value in write.set.items():
            if path[1:]:
                result[path[0]] = {path[-1]: value}
        return result


@caught_by("test_an_update_changes_what_it_names[asyncio-increment what is absent]")
class AbsentNumbersAreNotIncremented(MemoryStore):
    def updated(self, document, write):
        there = {path: value for path, value in write.increment.items() if path[0] in document}
        return super().updated(document, evolve(write, increment=there, set=write.set or {"x": 1}))
