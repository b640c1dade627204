"""The double of Cosmos DB, and a client of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos_clients import MakeContainer
from emulators.azure_functions import azure_functions
from emulators.cosmos import KEY, cosmos
from emulators.event_grid import event_grid
from emulators.process import Server
from emulators.service_bus import service_bus as service_bus_double

_numbers = itertools.count()


@pytest.fixture(scope="session")
def cosmos_server() -> Iterator[Server]:
    """Cosmos DB."""
    with cosmos() as server:
        yield server


@pytest.fixture(scope="session")
def service_bus() -> Iterator[Server]:
    """Service Bus."""
    with service_bus_double() as server:
        yield server


@pytest.fixture(scope="session")
def cosmos_client(cosmos_server: Server) -> Iterator[CosmosClient]:
    with CosmosClient(cosmos_server.url, credential=KEY) as client:
        yield client


@pytest.fixture(scope="session")
def database(cosmos_client: CosmosClient) -> DatabaseProxy:
    return cosmos_client.create_database("tests")


@pytest.fixture
def make_container(database: DatabaseProxy) -> MakeContainer:
    """Makes containers without items."""

    def make(path: Any = "/pk", **options: Any) -> ContainerProxy:
        made: ContainerProxy = database.create_container(
            f"c{next(_numbers)}", PartitionKey(path), **options
        )
        return made

    return make


@pytest.fixture
def container(make_container: MakeContainer) -> ContainerProxy:
    """A container without items, whose partition key is ``/pk``."""
    return make_container()


@pytest.fixture(scope="session")
def event_grid_server() -> Iterator[Server]:
    """Event Grid, with locks that may be as short as a second, and topics that are there at once."""
    with event_grid(shortest_lock=1, provisioning=0) as server:
        yield server


@pytest.fixture(scope="session")
def functions_server() -> Iterator[Server]:
    """A host of Azure Functions, with the functions of the suite."""
    with azure_functions() as server:
        yield server
