"""MessageQueue and PubSub on Service Bus, as a double has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from azure.clouds import AzureClouds, make_service_bus_cloud, make_topics_cloud
from cloudkit.azure import AzureCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import (
    LinkFault,
    MakeCloud,
    MessageQueueSuite,
    PubSubSuite,
    closed_port,
    flaky_endpoint,
)
from emulators.process import HOST, Server
from emulators.service_bus import KEY


class ServiceBusClouds(AzureClouds):
    """What the suites of queues and topics have in common."""

    __test__ = False

    native_facts: ClassVar[Collection[str]] = (
        "cause",
        "code",
        "request_id",
    )  # of links, which know no status
    secrets: ClassVar[Sequence[str]] = (KEY,)
    brief_lease: ClassVar[float] = 0.6
    kept_lease: ClassVar[float] = 1.2
    quiet: ClassVar[float] = 0.15
    receive_wait: ClassVar[float] = 0.5

    make: ClassVar[Callable[..., AzureCloud]] = staticmethod(make_service_bus_cloud)

    @pytest.fixture
    def make_cloud(self, service_bus: Server) -> MakeCloud:
        return lambda **options: self.make(service_bus.url, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, service_bus: Server) -> AsyncIterator[AzureCloud]:
        async with self.make(service_bus.url, key="wrong") as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AzureCloud]:
        with closed_port() as port:
            async with self.make(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, service_bus: Server) -> AsyncIterator[AzureCloud]:
        port = urlsplit(service_bus.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with self.make(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud


class QueueSuite(ServiceBusClouds, MessageQueueSuite):
    __test__ = False


class TestQueuesOnAsyncio(QueueSuite):
    backends = ("asyncio",)


class TestQueuesOnTrio(QueueSuite):
    backends = ("trio",)


class TopicSuite(ServiceBusClouds, PubSubSuite):
    __test__ = False
    provider: ClassVar[str | None] = "azure, Service Bus topics"
    make = staticmethod(make_topics_cloud)


class TestTopicsOnAsyncio(TopicSuite):
    backends = ("asyncio",)


class TestTopicsOnTrio(TopicSuite):
    backends = ("trio",)
