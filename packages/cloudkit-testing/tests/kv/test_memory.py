"""The suite on a store that does what the contract says: nothing in it asks for too much."""

from __future__ import annotations

from functools import partial

import pytest
from cloudkit.api.kv import TableInfo
from cloudkit.testing import KeyValueStoreSuite

from .stores.memory import MemoryCloud, MemoryStore, Table, maker


@pytest.fixture(scope="module")
def tables():
    infos = TableInfo(name="plain"), TableInfo(name="sorted", sort_key="sk")
    return {info.name: Table(info) for info in infos}


class TestMemoryStore(KeyValueStoreSuite):
    native_facts = ()

    @pytest.fixture
    def make_cloud(self):
        return maker(MemoryStore)


class TestExistingTables(KeyValueStoreSuite):
    """All tests in two tables, which are never emptied."""

    backends = ("asyncio",)
    native_facts = ()
    existing_table = "plain"
    existing_sorted_table = "sorted"

    @pytest.fixture
    def make_cloud(self, tables):
        return partial(SharedCloud, tables)


class SharedCloud(MemoryCloud):
    """A cloud whose tables outlive it."""

    def __init__(self, tables, **options):
        super().__init__(**options)
        self.kv.tables = tables
