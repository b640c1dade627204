"""KeyValueStore on Cosmos DB, as its double has it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from azure.clouds import AzureClouds, make_cosmos_cloud
from cloudkit.azure import AzureCloud
from cloudkit.common import AccountKeyCredentials
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from cloudkit.testing.kv import KeyValueStoreSuite
from emulators.cosmos import KEY
from emulators.process import HOST, Server


class TestCosmos(AzureClouds, KeyValueStoreSuite):
    secrets = (KEY,)

    @pytest.fixture
    def make_cloud(self, cosmos_server: Server) -> MakeCloud:
        return lambda **options: make_cosmos_cloud(cosmos_server.url, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, cosmos_server: Server) -> AsyncIterator[AzureCloud]:
        key = base64.b64encode(b"no key at all").decode()
        wrong = AccountKeyCredentials(key=key)
        async with AzureCloud(cosmos_endpoint=cosmos_server.url, auth=wrong) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AzureCloud]:
        with closed_port() as port:
            async with make_cosmos_cloud(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, cosmos_server: Server) -> AsyncIterator[AzureCloud]:
        port = urlsplit(cosmos_server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_cosmos_cloud(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
