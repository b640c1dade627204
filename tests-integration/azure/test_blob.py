"""ObjectStorage on Blob Storage, as Azurite has it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from azure.clouds import AzureClouds, make_storage_cloud
from cloudkit.azure import AzureCloud
from cloudkit.common import AccountKeyCredentials
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, ObjectStorageSuite, closed_port, flaky_endpoint
from emulators import azurite as azurite_emulator
from emulators.process import HOST, Server


class TestAzurite(AzureClouds, ObjectStorageSuite):
    known_defects = azurite_emulator.STORAGE_DEFECTS
    secrets = (azurite_emulator.KEY,)

    @pytest.fixture
    def make_cloud(self, azurite: Server) -> MakeCloud:
        return lambda **options: make_storage_cloud(azurite.url, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, azurite: Server) -> AsyncIterator[AzureCloud]:
        key = base64.b64encode(b"no key at all").decode()
        wrong = AccountKeyCredentials(account=azurite_emulator.ACCOUNT, key=key)
        async with AzureCloud(endpoint=azurite.url, auth=wrong) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AzureCloud]:
        with closed_port() as port:
            async with make_storage_cloud(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, azurite: Server) -> AsyncIterator[AzureCloud]:
        port = urlsplit(azurite.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_storage_cloud(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
