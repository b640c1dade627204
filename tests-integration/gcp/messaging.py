"""What the suites of Pub/Sub have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from emulators.process import HOST, Server

PROJECT = "tests"


def make_pubsub(url: str, **options: Any) -> GcpCloud:
    """A client of the Pub/Sub emulator at a URL."""
    given: dict[str, Any] = {"project": PROJECT, "pubsub_endpoint": url, **options}
    return GcpCloud(**given)


class PubSubClouds:
    """To be inherited before a suite.

    Attributes:
        known_defects: Names of behaviours that the emulator gets wrong, and what it does. They are
            expected to fail, and unless they are Erratic, it is an error when one of them does not.
    """

    provider: ClassVar[str | None] = "gcp"
    known_defects: ClassVar[Mapping[str, str]] = {}
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status")
    backlog: ClassVar[int] = 100
    # Five receives, the service's lowest number, come ever later: after 1, 2, 4 and 8 seconds.
    patience: ClassVar[float] = 15.0

    # An emulator on a busy machine may take a second for what is quick elsewhere.
    short_timeout: ClassVar[float] = 3.0

    @pytest.fixture
    def make_cloud(self, pubsub_emulator: Server) -> MakeCloud:
        return lambda **options: make_pubsub(pubsub_emulator.url, **options)

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[GcpCloud]:
        with closed_port() as port:
            async with make_pubsub(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, pubsub_emulator: Server) -> AsyncIterator[GcpCloud]:
        port = urlsplit(pubsub_emulator.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_pubsub(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
