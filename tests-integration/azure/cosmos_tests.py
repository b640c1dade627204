"""What the tests of Cosmos DB's own have in common."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import pytest
from attrs import define, field
from azure.clouds import make_cosmos_cloud
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from cloudkit.azure import AzureCloud
from cloudkit.spi import NoRetry
from emulators.cosmos import fail_next
from emulators.process import Server

DATABASE = "cloudkit"


@define
class Wire:
    """What goes over the connections of a client.

    Attributes:
        sent: Method, path and status of each request about items.
        headers: Those of the last request, and of its answer.
        before: Called before the next batch is sent, once.
    """

    sent: list[tuple[str, str, int]] = field(factory=list)
    headers: tuple[dict[str, str], dict[str, str]] = field(factory=lambda: ({}, {}))
    before: Callable[[], object] | None = None

    def attach(self, cloud: AzureCloud) -> None:
        transport: Any = cloud._clients._transport
        send = transport.send

        def record(request: Any, **options: Any) -> Any:
            is_batch = "x-ms-cosmos-is-batch-request" in {name.lower() for name in request.headers}
            if self.before is not None and is_batch:
                before, self.before = self.before, None
                before()
            response = send(request, **options)
            path = request.url.partition("://")[2].partition("/")[2]
            self.sent.append((request.method, path, response.status_code))
            self.headers = (dict(request.headers), dict(response.headers))
            return response

        transport.send = record

    def take(self) -> list[str]:
        """Methods of the requests so far; those are forgotten."""
        methods = [method for method, _, _ in self.sent]
        self.sent.clear()
        return methods


async def in_thread(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a function that blocks returns."""
    return await anyio.to_thread.run_sync(lambda: func(*args, **options))


@contextmanager
def failing(server: Server, **fault: Any) -> Iterator[None]:
    """Let all requests about items fail while the block runs."""
    fail_next(server.url, count=1000, retry_after_ms=1, **fault)
    try:
        yield
    finally:
        fail_next(server.url, count=0)


class CosmosTests:
    """To be inherited: a client without retries, a table, and what others do with it."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The suite has tried both."""
        return "asyncio"

    @pytest.fixture
    async def cloud(self, cosmos_server: Server) -> AsyncIterator[AzureCloud]:
        async with make_cosmos_cloud(cosmos_server.url, retry=NoRetry()) as cloud:
            yield cloud

    @pytest.fixture
    async def table(self, cloud: AzureCloud) -> AsyncIterator[str]:
        name = f"ck-{secrets.token_hex(6)}"
        await cloud.kv.create_table(name, sort_key="sk")
        yield name
        await cloud.kv.delete_table(name)

    @pytest.fixture
    async def wire(self, cloud: AzureCloud, table: str) -> Wire:
        """What the client sends after its first calls, which read the account and the container."""
        await cloud.kv.put(table, ("warm", "up"), {})
        await cloud.kv.get(table, ("warm", "up"))
        await cloud.kv.delete(table, ("warm", "up"))
        wire = Wire()
        wire.attach(cloud)
        return wire

    @pytest.fixture
    async def raw(self, cosmos_client: Any, cloud: AzureCloud, table: str) -> ContainerProxy:
        """The table as another program sees it."""
        container: ContainerProxy = cosmos_client.get_database_client(
            DATABASE
        ).get_container_client(table)
        return container

    @pytest.fixture
    async def foreign(
        self, cosmos_client: Any, cloud: AzureCloud, table: str
    ) -> AsyncIterator[Any]:
        """Makes containers as other programs do."""
        database: DatabaseProxy = cosmos_client.get_database_client(DATABASE)
        made: list[str] = []

        def make(path: Any, **options: Any) -> ContainerProxy:
            made.append(f"foreign-{secrets.token_hex(6)}")
            container: ContainerProxy = database.create_container(
                made[-1], PartitionKey(path), **options
            )
            return container

        yield make
        for name in made:
            database.delete_container(name)
