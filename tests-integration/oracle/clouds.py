"""Clients of Oracle Cloud that talk to the doubles; what all suites of Oracle have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from cloudkit.common import SigningKeyCredentials
from cloudkit.oracle import OracleCloud
from cloudkit.spi import NoRetry
from cloudkit.testing import LinkFault, MakeCloud, closed_port, flaky_endpoint
from emulators.oracle import new_key
from emulators.process import HOST, Server
from oracle.conftest import COMPARTMENT

REGION = "us-ashburn-1"


def credentials_of(config: Mapping[str, Any]) -> SigningKeyCredentials:
    """The user of the SDK's configuration."""
    return SigningKeyCredentials(
        tenancy=config["tenancy"],
        user=config["user"],
        fingerprint=config["fingerprint"],
        private_key=config["key_content"],
    )


def make_oracle(
    url: str,
    credentials: SigningKeyCredentials,
    cloud_type: type[OracleCloud] = OracleCloud,
    **options: Any,
) -> OracleCloud:
    """A client of the doubles at a URL."""
    given: dict[str, Any] = {
        "region": REGION,
        "endpoint": url,
        "compartment": COMPARTMENT,
        "auth": credentials,
        **options,
    }
    return cloud_type(**given)


class OracleClouds:
    """To be inherited before a suite.

    Attributes:
        cloud_type: Class of the clients.
        cloud_options: Further options of all clients.
    """

    cloud_type: ClassVar[type[OracleCloud]] = OracleCloud
    cloud_options: ClassVar[Mapping[str, Any]] = {}
    provider: ClassVar[str | None] = "oracle"
    native_facts: ClassVar[Collection[str]] = ("cause", "code", "status", "request_id")
    secrets: ClassVar[Sequence[str]] = ()

    # A double on a busy machine may take a second for what is quick elsewhere.
    short_timeout: ClassVar[float] = 3.0

    @pytest.fixture
    def credentials(self, config: dict[str, Any]) -> SigningKeyCredentials:
        """What the doubles take."""
        return credentials_of(config)

    @pytest.fixture
    def make_cloud(self, oci_double: Server, credentials: SigningKeyCredentials) -> MakeCloud:
        # The suites look whether this shows in an error.
        type(self).secrets = (credentials.private_key,)
        return lambda **options: self.make_oracle(oci_double.url, credentials, **options)

    def make_oracle(
        self, url: str, credentials: SigningKeyCredentials, **options: Any
    ) -> OracleCloud:
        """A client of this suite's kind."""
        given = {**self.cloud_options, **options}
        return make_oracle(url, credentials, self.cloud_type, **given)

    @pytest.fixture
    async def bad_credentials_cloud(
        self, oci_double: Server, credentials: SigningKeyCredentials
    ) -> AsyncIterator[OracleCloud]:
        wrong = evolve(credentials, private_key=new_key()[0])
        async with self.make_oracle(oci_double.url, wrong) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(
        self, credentials: SigningKeyCredentials
    ) -> AsyncIterator[OracleCloud]:
        with closed_port() as port:
            url = f"http://{HOST}:{port}"
            async with self.make_oracle(url, credentials, retry=NoRetry()) as cloud:
                yield cloud

    @pytest.fixture
    async def stalled_cloud(
        self, oci_double: Server, credentials: SigningKeyCredentials
    ) -> AsyncIterator[OracleCloud]:
        port = urlsplit(oci_double.url).port
        assert port is not None
        async with flaky_endpoint(HOST, port) as endpoint:
            endpoint.break_links(LinkFault(response_bytes=0, action="stall"))
            timeout = self.short_timeout
            async with self.make_oracle(endpoint.url, credentials, timeout=timeout) as cloud:
                yield cloud
