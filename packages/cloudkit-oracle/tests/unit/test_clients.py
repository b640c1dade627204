"""Clients: made once, in threads, for the credentials of now, on connections that all share."""

from __future__ import annotations

import json
import subprocess
import sys

import anyio
import anyio.lowlevel
import pytest
from cloudkit.common import ConfigurationError, MissingCredentialsError, SigningKeyCredentials
from cloudkit.oracle import OracleCloud
from cloudkit.oracle.clients import ServiceAt
from cloudkit.spi import AuthProvider, NoRetry

pytestmark = pytest.mark.anyio

FINGERPRINT = ":".join(["00"] * 16)


@pytest.fixture
def options(private_key):
    return {
        "region": "eu-frankfurt-1",
        "tenancy": "ocid1.tenancy.oc1..a",
        "user": "ocid1.user.oc1..a",
        "fingerprint": FINGERPRINT,
        "key_content": private_key,
    }


class Rotating(AuthProvider):
    """Another user each time it is asked."""

    def __init__(self, private_key: str) -> None:
        self.asked = 0
        self._private_key = private_key

    async def get_credentials(self):
        self.asked += 1
        await anyio.lowlevel.checkpoint()  # it may wait for what it likes
        return SigningKeyCredentials(
            tenancy="ocid1.tenancy.oc1..a",
            user=f"ocid1.user.oc1..{self.asked}",
            fingerprint=FINGERPRINT,
            private_key=self._private_key,
        )


def itself(client):
    return client


def signer_of(client):
    return client.base_client.signer.api_key.split("/")[1]


async def test_clients_share_signer_and_connections_and_retry_nothing(options):
    async with OracleCloud(max_concurrency=7, timeout=33, connect_timeout=4, **options) as cloud:
        storage = await cloud._clients.run("object_storage", itself)
        queue = await cloud._clients.run("queue_admin", itself)
        bases = [storage.base_client, queue.base_client]
        assert bases[0].signer is bases[1].signer
        adapters = {id(base.session.get_adapter("https://host")) for base in bases}
        assert len(adapters) == 1
        assert bases[0].timeout == (4, 33)
        assert type(storage.retry_strategy).__name__ == "NoneRetryStrategy"
        assert type(bases[0].circuit_breaker_strategy).__name__ == "NoCircuitBreakerStrategy"
        assert "cloudkit/" in bases[0].user_agent
        assert bases[0].endpoint.startswith("https://objectstorage.eu-frankfurt-1.")


async def test_a_service_may_have_clients_of_several_endpoints(options):
    async with OracleCloud(**options) as cloud:
        run = cloud._clients.run
        one = await run(ServiceAt("queue", "https://one.example"), itself)
        other = await run(ServiceAt("queue", "https://other.example"), itself)
        assert (one.base_client.get_endpoint(), other.base_client.get_endpoint()) == (
            "https://one.example",
            "https://other.example",
        )
        assert await run(ServiceAt("queue", "https://one.example"), itself) is one


async def test_an_auth_provider_is_asked_in_the_event_loop(private_key):
    provider = Rotating(private_key)
    async with OracleCloud(region="eu-frankfurt-1", auth=provider) as cloud:
        first = await cloud._clients.run("object_storage", itself)
        again = await cloud._clients.run("object_storage", itself)
        assert first is again
        assert signer_of(first) == "ocid1.user.oc1..1"
        assert provider.asked == 1


class RefusedError(Exception):
    status = 401


async def test_refused_credentials_are_renewed_once(private_key):
    users = []

    def refuse_first(client):
        users.append(signer_of(client))
        if len(users) == 1:
            raise RefusedError

    async with OracleCloud(region="eu-frankfurt-1", auth=Rotating(private_key)) as cloud:
        await cloud._clients.run("object_storage", refuse_first)
    assert users == ["ocid1.user.oc1..1", "ocid1.user.oc1..2"]


async def test_a_session_token_is_read_again_when_it_is_refused(options, private_key, tmp_path):
    (tmp_path / "token").write_text("old")
    (tmp_path / "key").write_text(private_key)
    tokens = []

    def refuse_old(client):
        tokens.append(client.base_client.signer.api_key)
        if tokens[-1] == "ST$old":
            raise RefusedError

    async with OracleCloud(
        region="eu-frankfurt-1",
        security_token_file=str(tmp_path / "token"),
        key_file=str(tmp_path / "key"),
    ) as cloud:
        for _ in range(2):
            with pytest.raises(RefusedError):
                await cloud._clients.run("object_storage", refuse_old)
        (tmp_path / "token").write_text("new")
        await cloud._clients.run("object_storage", refuse_old)
    assert tokens == ["ST$old", "ST$old", "ST$old", "ST$new"]


async def test_a_native_client_wants_prepared_credentials(private_key):
    async with OracleCloud(region="eu-frankfurt-1", auth=Rotating(private_key)) as cloud:
        with pytest.raises(MissingCredentialsError):
            _ = cloud.native.object_storage
        await cloud.native.prepare()
        assert signer_of(cloud.native.object_storage) == "ocid1.user.oc1..1"


async def test_the_compartment_is_the_tenancy_unless_it_is_given(options):
    def compartment_of(cloud):
        return cloud._clients.run("object_storage", lambda _: cloud._clients.compartment())

    async with OracleCloud(**options) as cloud:
        assert await compartment_of(cloud) == "ocid1.tenancy.oc1..a"
    async with OracleCloud(compartment="ocid1.compartment.oc1..b", **options) as cloud:
        assert await compartment_of(cloud) == "ocid1.compartment.oc1..b"


async def test_without_region_and_endpoint_nothing_can_be_reached(options, monkeypatch):
    monkeypatch.delenv("OCI_REGION", raising=False)
    monkeypatch.delenv("OCI_CLI_REGION", raising=False)
    del options["region"]
    async with OracleCloud(retry=NoRetry(), **options) as cloud:
        with pytest.raises(ConfigurationError, match="region") as caught:
            await cloud.storage.head_object("bucket", "key")
        assert caught.value.operation == "head_object"
    async with OracleCloud(endpoint="http://127.0.0.1:1", **options) as cloud:
        client = await cloud._clients.run("object_storage", itself)
        assert client.base_client.endpoint == "http://127.0.0.1:1"


PROGRAM = """
import json, sys
from cloudkit.oracle import OracleCloud
from cloudkit.oracle.clients import ServiceAt

cloud = OracleCloud(**json.load(sys.stdin))
cloud.storage, cloud.queue, cloud.functions
assert "oci" not in sys.modules
cloud.native.object_storage
services = {"object_storage", "nosql", "queue", "streaming", "ons", "functions", "core"}
print(*(name for name in services if f"oci.{name}" in sys.modules))
"""


def test_the_sdk_is_imported_by_the_first_call_and_only_what_is_used(options):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        input=json.dumps(options),
        text=True,
        capture_output=True,
    )
    assert done.stdout.split() == ["object_storage"]
