"""ObjectStorage on Cloud Storage, as its double has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloudkit.common import TokenCredentials
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, ObjectStorageSuite, closed_port, flaky_endpoint
from emulators.process import HOST, Server
from gcp.clouds import PROJECT, GcpClouds, make_storage_cloud

TOKEN = "ya29.nobody-has-issued-this-token"


class TestCloudStorage(GcpClouds, ObjectStorageSuite):
    secrets = (TOKEN, "BEGIN PRIVATE KEY")

    @pytest.fixture
    def make_cloud(self, gcs: Server, key_file: dict[str, Any]) -> MakeCloud:
        return lambda **options: make_storage_cloud(gcs.url, key_file, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, gcs: Server) -> AsyncIterator[GcpCloud]:
        auth = TokenCredentials(token=TOKEN)
        async with GcpCloud(storage_endpoint=gcs.url, project=PROJECT, auth=auth) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self, key_file: dict[str, Any]) -> AsyncIterator[GcpCloud]:
        with closed_port() as port:
            url = f"http://{HOST}:{port}"
            async with make_storage_cloud(url, key_file, retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, gcs: Server, key_file: dict[str, Any]) -> AsyncIterator[GcpCloud]:
        port = urlsplit(gcs.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            cloud = make_storage_cloud(endpoint.url, key_file, timeout=self.short_timeout)
            async with cloud:
                yield cloud
