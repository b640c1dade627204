"""KeyValueStore on Firestore, as Google's emulator has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from cloudkit.common import TokenCredentials
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from cloudkit.testing.kv import KeyValueStoreSuite
from emulators.firestore import DEFECTS
from emulators.process import HOST, Server

PROJECT = "tests"
SECRET = "the-token-of-the-tests"


def make_gcp(url: str, **options: Any) -> GcpCloud:
    """A client of the emulator at a URL."""
    given: dict[str, Any] = {
        "project": PROJECT,
        "firestore_endpoint": url,
        "auth": TokenCredentials(token=SECRET),
        **options,
    }
    return GcpCloud(**given)


class TestFirestore(KeyValueStoreSuite):
    provider = "gcp"
    known_defects: ClassVar[Mapping[str, str]] = DEFECTS
    secrets: ClassVar[Sequence[str]] = (SECRET,)
    # gRPC has no request ids.
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status")
    # An emulator on a busy machine may take a second for what is quick elsewhere.
    short_timeout = 3.0

    @pytest.fixture
    def make_cloud(self, firestore_server: Server) -> MakeCloud:
        return lambda **options: make_gcp(firestore_server.url, **options)

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[GcpCloud]:
        with closed_port() as port:
            async with make_gcp(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, firestore_server: Server) -> AsyncIterator[GcpCloud]:
        port = urlsplit(firestore_server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_gcp(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
