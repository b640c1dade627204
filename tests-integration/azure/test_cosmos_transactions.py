"""Transactions on Cosmos DB: checks, and what others do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos_tests import CosmosTests, Wire, in_thread
from cloudkit.api.kv import Check, Delete, Put, Update, attr
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    PreconditionFailedError,
)

pytestmark = pytest.mark.anyio


class TestChecks(CosmosTests):
    async def test_a_check_leaves_the_version_and_the_next_write_ends_it(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        kv, key, other = cloud.kv, ("p", "a"), ("p", "b")
        version = await kv.put(table, key, {"n": 1})
        for _ in range(2):
            check = Check(key=key, if_version=version)
            await kv.transact(table, [check, Put(key=other, document={})])
        item = await kv.get(table, key)
        assert item is not None
        assert item.version == version
        assert (await in_thread(raw.read_item, "a", "p"))["_etag"] != version
        changed = await kv.update(table, key, set={"n": 1})  # the same as it was
        assert changed.version != version
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"n": 2}, if_version=version)

    async def test_the_version_that_a_check_left_can_be_asked_for(
        self, cloud: AzureCloud, table: str
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1}, expires_in=600)
        await kv.transact(table, [Check(key=key, exists=True)])
        version = await kv.put(table, key, {"n": 2}, if_version=version)
        await kv.transact(table, [Check(key=key, exists=True)])
        version = (await kv.update(table, key, set={"n": 3}, if_version=version)).version
        await kv.transact(table, [Check(key=key, exists=True)])
        await kv.delete(table, key, if_version=version)

    async def test_another_program_that_keeps_the_note_ends_the_version(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy
    ) -> None:
        kv, key = cloud.kv, ("p", "a")
        version = await kv.put(table, key, {"n": 1})
        await kv.transact(table, [Check(key=key, exists=True)])
        stored = dict(await in_thread(raw.read_item, "a", "p"))
        await in_thread(raw.replace_item, "a", {**stored, "n": 2})
        with pytest.raises(PreconditionFailedError):
            await kv.put(table, key, {"n": 3}, if_version=version)

    @pytest.mark.parametrize(
        ("check", "meanwhile"),
        [
            (Check(key=("p", "a"), condition=attr("n") == 1), "change"),
            (Check(key=("p", "a"), exists=True), "delete"),
            (Check(key=("p", "none"), exists=False), "create"),
            (Delete(key=("p", "none")), "create"),
        ],
        ids=["changed", "deleted", "created", "created and deleted"],
    )
    async def test_what_others_do_between_looking_and_writing_counts(
        self,
        cloud: AzureCloud,
        table: str,
        raw: ContainerProxy,
        wire: Wire,
        check: Any,
        meanwhile: str,
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 1})
        fields = {"pk": "p", "sk": "none", "id": "none"}
        wire.before = {
            "change": lambda: raw.patch_item("a", "p", [{"op": "set", "path": "/n", "value": 2}]),
            "delete": lambda: raw.delete_item("a", "p"),
            "create": lambda: raw.create_item(fields),
        }[meanwhile]
        writes = [check, Put(key=("p", "b"), document={})]
        if isinstance(check, Delete):
            await cloud.kv.transact(table, writes)
            assert not await cloud.kv.exists(table, check.key)
        else:
            with pytest.raises(PreconditionFailedError):
                await cloud.kv.transact(table, writes)
        assert await cloud.kv.exists(table, ("p", "b")) == isinstance(check, Delete)

    async def test_a_batch_that_others_disturb_is_made_anew(
        self, cloud: AzureCloud, table: str, raw: ContainerProxy, wire: Wire
    ) -> None:
        await cloud.kv.put(table, ("p", "a"), {"n": 1})
        wire.before = lambda: raw.patch_item("a", "p", [{"op": "incr", "path": "/n", "value": 1}])
        await cloud.kv.transact(table, [Update(key=("p", "a"), increment={"n": 1})])
        item = await cloud.kv.get(table, ("p", "a"))
        assert item is not None
        assert item["n"] == 3
