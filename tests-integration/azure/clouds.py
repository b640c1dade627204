"""Clients of Azure that talk to emulators; what all suites of Azure have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from attrs import evolve
from cloudkit.azure import AzureCloud
from cloudkit.azure.service_bus.capabilities import TOPIC_CAPABILITIES
from cloudkit.common import Capabilities
from cloudkit.testing.common.suite import ContractSuite
from emulators import azurite
from emulators.cosmos import KEY as COSMOS_KEY
from emulators.service_bus import KEY as SERVICE_BUS_KEY
from emulators.service_bus import connection_string


def make_storage_cloud(url: str, **options: Any) -> AzureCloud:
    """A client of the first account of the Azurite at a URL."""
    given: dict[str, Any] = {"account": azurite.ACCOUNT, "storage_key": azurite.KEY, **options}
    return AzureCloud(endpoint=url, **given)


def make_cosmos_cloud(url: str, **options: Any) -> AzureCloud:
    """A client of the double of Cosmos DB at a URL."""
    given: dict[str, Any] = {"cosmos_key": COSMOS_KEY, **options}
    return AzureCloud(cosmos_endpoint=url, **given)


def make_service_bus_cloud(url: str, *, key: str = SERVICE_BUS_KEY, **options: Any) -> AzureCloud:
    """A client of the double of Service Bus at a URL, which takes leases of less than 5 seconds."""
    cloud = AzureCloud(service_bus_connection_string=connection_string(url, key=key), **options)
    ContractSuite.restrict(cloud.queue, min_visibility_seconds=0.1)
    return cloud


class TopicsCloud(AzureCloud):
    """A client whose topics are those of Service Bus, for suites that ask for ``pubsub``."""

    @property
    def capabilities(self) -> Capabilities:
        """Those of Azure, with the topics of Service Bus."""
        return evolve(super().capabilities, pubsub=TOPIC_CAPABILITIES)

    @property
    def pubsub(self) -> Any:
        """Topics of Service Bus."""
        return self.service_bus_topics


def make_topics_cloud(url: str, *, key: str = SERVICE_BUS_KEY, **options: Any) -> TopicsCloud:
    """The same with topics."""
    cloud = TopicsCloud(service_bus_connection_string=connection_string(url, key=key), **options)
    ContractSuite.restrict(cloud.pubsub, min_visibility_seconds=0.1)
    return cloud


class AzureClouds:
    """To be inherited before a suite.

    Attributes:
        known_defects: Names of behaviours that the emulator gets wrong, and what it does. They are
            expected to fail, and unless they are Erratic, it is an error when one of them does not.
    """

    provider: ClassVar[str | None] = "azure"
    known_defects: ClassVar[Mapping[str, str]] = {}
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status", "request_id")
    # An emulator on a busy machine may take a second for what is quick elsewhere.
    short_timeout: ClassVar[float] = 3.0
