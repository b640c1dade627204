"""PubSub on Event Grid, against the double."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from azure.clouds import AzureClouds
from cloudkit.azure import AzureCloud
from cloudkit.common import TokenCredentials
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest
from emulators.event_grid import GROUP, NAMESPACE, SUBSCRIPTION_ID, TOKEN
from emulators.process import HOST, Server

CONTAINER = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}/providers/Microsoft.Storage"
    "/storageAccounts/acme/blobServices/default/containers/dead"
)


def make_event_grid(url: str, **options: Any) -> AzureCloud:
    """A client of the double at a URL, which takes leases of less than a minute."""
    given: dict[str, Any] = {
        "event_grid_endpoint": url,
        "event_grid_namespace": NAMESPACE,
        "management_endpoint": url,
        "subscription_id": SUBSCRIPTION_ID,
        "resource_group": GROUP,
        "auth": TokenCredentials(token=TOKEN),
        **options,
    }
    cloud = AzureCloud(**given)
    ContractSuite.restrict(cloud.pubsub, min_visibility_seconds=1)
    return cloud


def _text(encoded: str) -> str:
    return base64.b32decode(encoded.upper() + "=" * (-len(encoded) % 8)).decode()


class TestEventGrid(AzureClouds, PubSubSuite):
    secrets = (TOKEN,)
    # The service has delays of 0, 10, 60, 600 and 3600 seconds.
    delay: ClassVar[float] = 10.0
    patience: ClassVar[float] = 25.0
    backlog: ClassVar[int] = 100

    def decode_push(self, request: PushRequest) -> tuple[bytes, Mapping[str, str]] | None:
        """A CloudEvent, with body and attributes as the guide describes them."""
        if request.method == "OPTIONS":
            return None
        assert (request.header("content-type") or "").startswith("application/cloudevents+json")
        event = json.loads(request.body)
        pairs = [part.split(".") for part in event.get("cloudkitattributes", "").split("~") if part]
        attributes = {_text(name): _text(value) for name, value in pairs}
        return base64.b64decode(event["data_base64"]), attributes

    async def answer_push(self, request: PushRequest) -> PushAnswer:
        """Consent to what Event Grid asks for before it pushes."""
        origin = request.header("webhook-request-origin") or ""
        return PushAnswer(status=200, headers={"WebHook-Allowed-Origin": origin})

    @pytest.fixture
    def make_cloud(self, event_grid_server: Server) -> MakeCloud:
        url = event_grid_server.url
        return lambda **options: make_event_grid(url, event_grid_dead_letters=CONTAINER, **options)

    @pytest.fixture
    async def bad_credentials_cloud(self, event_grid_server: Server) -> AsyncIterator[AzureCloud]:
        wrong = TokenCredentials(token="a-token-that-is-wrong")
        async with make_event_grid(event_grid_server.url, auth=wrong) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AzureCloud]:
        with closed_port() as port:
            async with make_event_grid(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, event_grid_server: Server) -> AsyncIterator[AzureCloud]:
        port = urlsplit(event_grid_server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_event_grid(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
