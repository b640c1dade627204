"""Storage and functions with one account, as a program has it."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import pytest
from cloudkit.gcp import GcpCloud
from emulators.google import create_service_account
from emulators.google_cloud import google_cloud
from emulators.process import Server

pytestmark = pytest.mark.anyio

PROJECT, LOCATION = "tests", "europe-west1"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with google_cloud(PROJECT, LOCATION, "cloudkit.testing.functions.handlers:HANDLERS") as running:
        yield running


async def test_one_account_stores_and_invokes(server: Server) -> None:
    account = create_service_account(server.url, PROJECT, "tester")
    url = server.url
    async with GcpCloud(
        region=LOCATION,
        service_account_info=account,
        storage_endpoint=url,
        functions_endpoint=url,
    ) as cloud:
        bucket = f"ck-{token_hex(6)}"
        await cloud.storage.create_bucket(bucket)
        await cloud.storage.put_object(bucket, "key", b"data")
        content = await cloud.storage.get_object(bucket, "key")
        assert (await cloud.functions.invoke("echo", content)).payload == b"data"
        name = f"projects/{PROJECT}/locations/{LOCATION}/functions/echo"
        assert (await cloud.functions.invoke(name, b"1")).payload == b"1"
        await cloud.storage.delete_object(bucket, "key")
        await cloud.storage.delete_bucket(bucket)


async def test_functions_of_all_regions_go_by_their_resource_names(server: Server) -> None:
    other = create_service_account(server.url, PROJECT, "other")
    async with GcpCloud(service_account_info=other, functions_endpoint=server.url) as cloud:
        names = [info.name async for info in cloud.functions.list_functions()]
        name = f"projects/{PROJECT}/locations/{LOCATION}/functions/echo"
        assert name in names
        assert (await cloud.functions.invoke(name, b"1")).payload == b"1"


async def test_who_impersonates_invokes_as_the_other_account(server: Server) -> None:
    account = create_service_account(server.url, "elsewhere", "caller")
    invoker = create_service_account(server.url, PROJECT, "invoker")
    async with GcpCloud(
        region=LOCATION,
        project=PROJECT,
        service_account_info=account,
        functions_endpoint=server.url,
        iam_endpoint=server.url,
        impersonate=invoker["client_email"],
    ) as cloud:
        assert (await cloud.functions.invoke("echo", b"1")).payload == b"1"
