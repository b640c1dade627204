"""Containers and items that other programs made."""

from __future__ import annotations

import secrets
from typing import Any

import anyio
import pytest
from azure.clouds import make_cosmos_cloud
from azure.cosmos_tests import CosmosTests
from cloudkit.api.kv import Key, sort
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    NotFoundError,
    SerializationError,
    UnsupportedOperationError,
    ValidationError,
)
from emulators.process import Server

pytestmark = pytest.mark.anyio


class TestOtherPrograms(CosmosTests):
    async def test_their_containers_are_tables(self, cloud: AzureCloud, foreign: Any) -> None:
        container = foreign("/tenant", default_ttl=-1)
        theirs = {"n": 1, "big": 1e300, "o": {"x": [1.0]}, "r": [{"$ref": "x"}, {"$int": 1}]}
        container.create_item({"tenant": "t", "id": "1", **theirs})
        kv, key = cloud.kv, Key("t", "1")
        info = await kv.describe_table(container.id)
        assert (info.partition_key, info.sort_key) == ("tenant", "id")
        assert container.id in [found.name async for found in kv.list_tables()]
        item = await kv.get(container.id, key)
        assert item is not None
        assert item.document == theirs
        updated = await kv.update(container.id, key, increment={"n": 1}, if_version=item.version)
        assert updated["n"] == 2
        await kv.put(container.id, ("t", "2"), {"n": 2})
        assert container.read_item("2", "t")["n"] == 2
        found = kv.query(container.id, "t", sort=sort > "1", descending=True)
        assert [item.key.sort async for item in found] == ["2"]
        with pytest.raises(ValidationError, match="cannot be an id"):
            await kv.put(container.id, ("t", "a/b"), {})

    async def test_an_id_alone_is_a_key(self, cloud: AzureCloud, foreign: Any) -> None:
        container = foreign("/id")
        container.create_item({"id": "a~2F", "n": 1})
        info = await cloud.kv.describe_table(container.id)
        assert (info.partition_key, info.sort_key) == ("id", None)
        assert await cloud.kv.exists(container.id, "a~2F")
        await cloud.kv.put(container.id, "b", {"n": 2})
        assert {item.key.partition async for item in cloud.kv.scan(container.id)} == {"a~2F", "b"}

    async def test_time_to_live_is_the_containers_affair(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        without, short = foreign("/pk"), foreign("/pk", default_ttl=1000)
        with pytest.raises(UnsupportedOperationError, match="defaultTtl"):
            await cloud.kv.put(without.id, ("p", "a"), {}, expires_in=60)
        short.create_item({"pk": "p", "id": "theirs"})
        theirs = await cloud.kv.get(short.id, ("p", "theirs"))
        assert theirs is not None
        assert theirs.expires_at is not None
        await cloud.kv.put(short.id, ("p", "ours"), {})
        ours = await cloud.kv.get(short.id, ("p", "ours"))
        assert ours is not None
        assert ours.expires_at is None
        assert short.read_item("ours", "p")["ttl"] == -1

    async def test_containers_that_no_key_fits_are_refused(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        for path in (["/tenant", "/user"], "/address/city"):
            container = foreign(path)
            assert container.id in [found.name async for found in cloud.kv.list_tables()]
            with pytest.raises(ValidationError, match="not one property"):
                await cloud.kv.get(container.id, ("a", "b"))

    async def test_items_that_no_key_names_are_not_left_out(
        self, cloud: AzureCloud, foreign: Any
    ) -> None:
        container = foreign("/pk")
        container.create_item({"pk": 5, "id": "a"})
        with pytest.raises(SerializationError, match="texts"):
            await cloud.kv.scan(container.id).to_list()

    async def test_a_table_that_others_made_anew_is_looked_at_again(
        self, cosmos_server: Server, cloud: AzureCloud
    ) -> None:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name)
        await cloud.kv.put(name, "a", {"n": 1})
        async with make_cosmos_cloud(cosmos_server.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, partition_key="owner", sort_key="at")
        await cloud.kv.put(name, ("a", "b"), {"n": 2})
        item = await cloud.kv.get(name, ("a", "b"))
        assert item is not None
        assert item.key == Key("a", "b")
        async with make_cosmos_cloud(cosmos_server.url) as other:
            await other.kv.delete_table(name)
            await other.kv.create_table(name, partition_key="owner", sort_key="at")
        assert await cloud.kv.get(name, ("a", "b")) is None
        await cloud.kv.delete_table(name)
        for call in (cloud.kv.get(name, ("a", "b")), cloud.kv.put(name, ("a", "b"), {})):
            with pytest.raises(NotFoundError, match=name):
                await call

    async def test_a_database_comes_with_its_first_table(self, cosmos_server: Server) -> None:
        options = {"cosmos_database": f"db-{secrets.token_hex(4)}"}
        async with make_cosmos_cloud(cosmos_server.url, **options) as cloud:
            assert await cloud.kv.list_tables().to_list() == []
            with pytest.raises(NotFoundError):
                await cloud.kv.get("table", "key")
            names = ["table", "table-1", "table-2"]
            async with anyio.create_task_group() as tasks:
                for name in names:
                    tasks.start_soon(cloud.kv.create_table, name)
            await cloud.kv.put("table", "key", {})
            assert [info.name async for info in cloud.kv.list_tables()] == names
            for name in names:
                await cloud.kv.delete_table(name)
