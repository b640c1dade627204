"""Functions on Cloud Functions, as the double has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloudkit.common import TokenCredentials
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import FunctionsSuite, LinkFault, MakeCloud, closed_port, flaky_endpoint
from emulators.cloud_functions import cloud_functions
from emulators.google import create_service_account
from emulators.process import HOST, Server
from gcp.clouds import PROJECT, GcpClouds

LOCATION = "europe-west1"
TOKEN = "ya29.nobody-has-issued-this-token"


@pytest.fixture(scope="module")
def gcf() -> Iterator[Server]:
    with cloud_functions(
        PROJECT, LOCATION, "cloudkit.testing.functions.handlers:HANDLERS"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def invoker(gcf: Server) -> dict[str, Any]:
    """The key file of an account that may invoke."""
    return create_service_account(gcf.url, PROJECT, "invoker")


def make_functions_cloud(url: str, key_file: dict[str, Any], **options: Any) -> GcpCloud:
    given: dict[str, Any] = {"region": LOCATION, "service_account_info": key_file, **options}
    return GcpCloud(functions_endpoint=url, iam_endpoint=url, **given)


class TestCloudFunctions(GcpClouds, FunctionsSuite):
    secrets = (TOKEN, "BEGIN PRIVATE KEY")
    slow_seconds = 5.0  # more than short_timeout
    tells_failures = False

    @pytest.fixture
    def make_cloud(self, gcf: Server, invoker: dict[str, Any]) -> MakeCloud:
        return lambda **options: make_functions_cloud(gcf.url, invoker, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, gcf: Server) -> AsyncIterator[GcpCloud]:
        auth = TokenCredentials(token=TOKEN)
        async with GcpCloud(
            functions_endpoint=gcf.url, project=PROJECT, region=LOCATION, auth=auth
        ) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self, invoker: dict[str, Any]) -> AsyncIterator[GcpCloud]:
        with closed_port() as port:
            url = f"http://{HOST}:{port}"
            async with make_functions_cloud(url, invoker, retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, gcf: Server, invoker: dict[str, Any]) -> AsyncIterator[GcpCloud]:
        port = urlsplit(gcf.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            cloud = make_functions_cloud(endpoint.url, invoker, timeout=self.short_timeout)
            async with cloud:
                yield cloud
