"""Clients of AWS that talk to an emulator; what all suites of AWS have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from cloudkit.aws import AwsCloud
from cloudkit.common import AccessKeyCredentials
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from emulators.process import HOST, Server

REGION = "eu-west-1"
SECRET = "the-secret-of-the-tests"
CREDENTIALS = AccessKeyCredentials(access_key_id="test", secret_access_key=SECRET)


def make_aws(url: str, **options: Any) -> AwsCloud:
    """A client of the server at a URL."""
    given: dict[str, Any] = {"region": REGION, "endpoint": url, "auth": CREDENTIALS, **options}
    return AwsCloud(**given)


class AwsClouds:
    """To be inherited before a suite, with a fixture ``server``.

    Attributes:
        known_defects: Names of behaviours that the emulator gets wrong, and what it does. They are
            expected to fail, and unless they are Erratic, it is an error when one of them does not.
    """

    known_defects: ClassVar[Mapping[str, str]] = {}
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status", "request_id")
    secrets: ClassVar[Sequence[str]] = (SECRET,)

    # An emulator on a busy machine may take a second for what is quick elsewhere.
    short_timeout: ClassVar[float] = 3.0

    @pytest.fixture
    def credentials(self) -> AccessKeyCredentials:
        """What the emulator takes; overridden where it looks at them."""
        return CREDENTIALS

    @pytest.fixture
    def make_cloud(self, server: Server, credentials: AccessKeyCredentials) -> MakeCloud:
        # The suites look whether this shows in an error.
        type(self).secrets = (credentials.secret_access_key,)
        return lambda **options: make_aws(server.url, **{"auth": credentials, **options})

    @pytest.fixture
    async def unreachable_cloud(self) -> AsyncIterator[AwsCloud]:
        with closed_port() as port:
            async with make_aws(f"http://{HOST}:{port}", retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(self, server: Server) -> AsyncIterator[AwsCloud]:
        port = urlsplit(server.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            async with make_aws(endpoint.url, timeout=self.short_timeout) as cloud:
                yield cloud
