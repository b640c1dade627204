"""Base of the key-value behaviours: tables to work in, and what there is to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import pytest
from attrs import frozen
from cloudkit.api.kv import Document, Item, KeyLike, KeyValueStore, Put
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.faults import Faults
from cloudkit.testing.kv.exactness import assert_same
from cloudkit.testing.kv.refusals import REFUSALS
from cloudkit.testing.suite import MakeCloud

Documents: TypeAlias = Mapping[Any, Document]
"""Documents by their keys, of any form that a key may have."""


@frozen
class Watched:
    """A client of which is known what it sends.

    Attributes:
        kv: Its store. There is nothing in it.
        faults: Counts the attempts.
    """

    kv: KeyValueStore
    faults: Faults


class KeyValueSuite(ContractSuite):
    """Base of the key-value behaviours.

    Attributes:
        existing_table: A table without a sort key to work in instead of a fresh one for each test, for
            services where creating one is slow or limited. Tests use keys that nobody else uses and
            leave their items behind. The behaviours about tables create theirs in any case.
        existing_sorted_table: The same with a sort key.
    """

    __test__ = False

    contract_name = "kv"
    refusals = REFUSALS
    idempotent_operation = "get"
    ambiguous_operation = "update"
    existing_table: ClassVar[str | None] = None
    existing_sorted_table: ClassVar[str | None] = None

    @pytest.fixture
    def kv(self, cloud: Any) -> KeyValueStore:
        """The contract under test."""
        kv: KeyValueStore = cloud.kv
        return kv

    @pytest.fixture
    async def table(self, kv: KeyValueStore, cleanup: Cleanup) -> str:
        """Name of a table without a sort key."""
        return self.existing_table or await self.new_table(kv, cleanup)

    @pytest.fixture
    async def sorted_table(self, kv: KeyValueStore, cleanup: Cleanup) -> str:
        """Name of a table with a sort key."""
        return self.existing_sorted_table or await self.new_table(kv, cleanup, sort_key="sk")

    @pytest.fixture
    async def watched(self, make_cloud: MakeCloud) -> AsyncIterator[Watched]:
        """A client of which is known what it sends."""
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            yield Watched(cloud.kv, faults)

    async def new_table(
        self, kv: KeyValueStore, cleanup: Cleanup, *, sort_key: str | None = None
    ) -> str:
        """Create a table that is deleted after the test.

        Args:
            kv: Where.
            cleanup: What deletes it.
            sort_key: Name of the sort key, if there is to be one.
        """
        name = self.fresh_name("table")
        cleanup.later(kv.delete_table, name)
        await kv.create_table(name, sort_key=sort_key)
        return name

    async def create_resource(self, contract: KeyValueStore) -> str:
        """A table with an item."""
        table = self.fresh_name("table")
        await contract.create_table(table)
        await contract.put(table, "item", {"count": 0})
        return table

    async def remove_resource(self, contract: KeyValueStore, resource: str) -> None:
        """Delete the table."""
        await contract.delete_table(resource)

    async def idempotent_call(self, contract: KeyValueStore, resource: str) -> None:
        """Read the item."""
        assert await contract.get(resource, "item")

    async def ambiguous_call(self, contract: KeyValueStore, resource: str) -> None:
        """Count up."""
        await contract.update(resource, "item", increment={"count": 1})

    async def missing_call(self, contract: KeyValueStore, resource: str) -> None:
        """Read from a table that does not exist."""
        await contract.get(resource, "item")


async def seed(kv: KeyValueStore, table: str, documents: Documents) -> None:
    """Write items, many in a request.

    Raises:
        CloudError: One could not be written.
    """
    writes = [Put(key=key, document=document) for key, document in documents.items()]
    for result in await kv.batch_write(table, writes):
        assert result.value


async def read(kv: KeyValueStore, table: str, key: KeyLike) -> Item:
    """An item that must be there."""
    item = await kv.get(table, key)
    assert item is not None, f"{key!r} is not there"
    return item


async def assert_unchanged(kv: KeyValueStore, table: str, before: Item) -> None:
    """An item is still what it was, with the same version."""
    assert_same_items([await read(kv, table, before.key)], [before])


def assert_same_items(actual: Iterable[Item], expected: Iterable[Item]) -> None:
    """Keys, versions, expiries and, exactly, documents are the same, in order."""
    actual, expected = list(actual), list(expected)
    assert [item.key for item in actual] == [item.key for item in expected]
    for left, right in zip(actual, expected, strict=True):
        assert_same(left.document, right.document)
        assert left.version == right.version
        assert left.expires_at == right.expires_at
