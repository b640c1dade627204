"""Clients: made once, in threads, for the credentials of now."""

from __future__ import annotations

import gc
import time
import weakref
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest
from cloudkit.azure import AzureCloud
from cloudkit.azure.auth import fixed_token
from cloudkit.common import (
    AccessKeyCredentials,
    AccountKeyCredentials,
    ClientClosedError,
    ConfigurationError,
    ConnectionStringCredentials,
    MissingCredentialsError,
    SharedAccessSignatureCredentials,
    TokenCredentials,
    utc_now,
)
from cloudkit.spi import AuthProvider, NoRetry

pytestmark = pytest.mark.anyio

KEY = "c2VjcmV0"


class Rotating(AuthProvider):
    """A new token each time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_credentials(self):
        self.asked += 1
        await anyio.lowlevel.checkpoint()  # it may wait for what it likes
        return TokenCredentials(
            token=f"token-{self.asked}", expires_at=utc_now() + timedelta(hours=1)
        )


def itself(client):
    return client


async def test_an_auth_provider_is_asked_in_the_event_loop():
    provider = Rotating()
    async with AzureCloud(account="acme", auth=provider) as cloud:
        first = await cloud._clients.run("blob", itself)
        again = await cloud._clients.run("blob", itself)
        assert first is again
        assert first.service.credential.get_token("any").token == "token-1"
        assert provider.asked == 1


class RefusedError(Exception):
    status_code = 401


async def test_refused_credentials_are_renewed_once():
    provider = Rotating()
    tokens = []

    def refuse_first(client):
        tokens.append(client.service.credential.get_token("any").token)
        if len(tokens) == 1:
            raise RefusedError

    async with AzureCloud(account="acme", auth=provider) as cloud:
        await cloud._clients.run("blob", refuse_first)
    assert tokens == ["token-1", "token-2"]


async def test_clients_of_old_credentials_are_dropped():
    async with AzureCloud(account="acme", auth=Rotating()) as cloud:
        made = []
        for _ in range(3):
            client = await cloud._clients.run("blob", itself)
            made.append(weakref.ref(client))
            del client
            await cloud._clients._bridge.renew()
        await cloud._clients.run("blob", itself)
        gc.collect()
        assert [known() for known in made] == [None, None, None]
        assert len(cloud._clients._retired) <= 3


async def test_a_forked_process_closes_nothing_of_its_parent():
    async with AzureCloud(account="acme", storage_key=KEY) as cloud:
        closed = []
        client = await cloud._clients.run("blob", itself)
        cloud._clients._transport.shut = lambda: closed.append(client)
        cloud._clients._process = 0
    assert closed == []


def test_a_token_that_names_no_end_does_not_end_by_itself(monkeypatch):
    token = fixed_token(TokenCredentials(token="token"))
    later = time.time() + 10 * 3600
    monkeypatch.setattr("cloudkit.azure.auth.time.time", lambda: later)
    assert token.get_token("any").expires_on > later
    end = utc_now() + timedelta(hours=1)
    known = fixed_token(TokenCredentials(token="token", expires_at=end))
    assert known.get_token_info("any").expires_on == int(end.timestamp())


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [
        (AccountKeyCredentials(account="acme", key=KEY), "SharedKeyCredentialPolicy"),
        (AccountKeyCredentials(key=KEY), "SharedKeyCredentialPolicy"),
        (SharedAccessSignatureCredentials(signature="?sig=x"), "AzureSasCredential"),
        (
            ConnectionStringCredentials(connection_string=f"AccountName=acme;AccountKey={KEY}"),
            "SharedKeyCredentialPolicy",
        ),
        (TokenCredentials(token="t"), "_FixedToken"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
async def test_credentials_reach_the_sdk(credentials, kind):
    async with AzureCloud(account="acme", auth=credentials) as cloud:
        client = await cloud._clients.run("blob", itself)
        assert type(client.service.credential).__name__ == kind
        assert client.url("bucket", "a b") == "https://acme.blob.core.windows.net/bucket/a%20b"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"account": "acme", "auth": AccessKeyCredentials(access_key_id="a", secret_access_key="b")},
        {"storage_connection_string": "nonsense-with-secret"},
        {"account": "acme", "endpoint": "http://host", "auth": TokenCredentials(token="t")},
    ],
    ids=["no account", "of another cloud", "no connection string", "token without TLS"],
)
async def test_what_cannot_be_is_a_configuration_error(options, monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    async with AzureCloud(retry=NoRetry(), **options) as cloud:
        with pytest.raises(ConfigurationError) as caught:
            await cloud.storage.head_object("bucket", "key")
        assert "secret" not in str(caught.value)
        assert caught.value.operation == "head_object"


@pytest.mark.parametrize("secret", ["secret\n", "s\u00e9cret", "\ufeffsecret"])
async def test_a_secret_that_cannot_be_sent_is_no_broken_connection(secret):
    tries = [
        ({"event_grid_endpoint": "http://127.0.0.1:1", "event_grid_key": secret}, "event_grid"),
        ({"functions_endpoint": "http://127.0.0.1:1", "functions_key": secret}, "functions"),
        ({"account": "acme", "auth": TokenCredentials(token=secret)}, "blob"),
    ]
    for options, service in tries:
        async with AzureCloud(**options) as cloud:
            with pytest.raises(ConfigurationError, match="characters") as caught:
                await cloud._clients.run(service, itself)
            assert "cret" not in str(caught.value)


async def test_a_native_client_wants_prepared_credentials():
    async with AzureCloud(account="acme", auth=Rotating()) as cloud:
        with pytest.raises(MissingCredentialsError):
            _ = cloud.native.blob
        await cloud.native.prepare()
        assert cloud.native.blob.account_name == "acme"


async def test_who_cannot_sign_urls_is_told_so():
    async with AzureCloud(account="acme", storage_sas_token="sig=x") as cloud:
        with pytest.raises(MissingCredentialsError):
            await cloud.storage.presigned_get_url("bucket", "key")


@pytest.mark.parametrize(
    "call",
    [
        lambda cloud: cloud.pubsub.publish("topic", b"body"),
        lambda cloud: cloud.pubsub.describe_topic("topic"),
        lambda cloud: cloud.functions.invoke("function"),
    ],
    ids=["event_grid", "management", "functions"],
)
async def test_a_token_is_not_sent_where_others_can_read_it(call):
    async with AzureCloud(
        event_grid_endpoint="http://news.example",
        management_endpoint="http://management.example",
        functions_endpoint="http://app.example",
        subscription_id="s",
        resource_group="g",
        auth=TokenCredentials(token="t"),
        retry=NoRetry(),
    ) as cloud:
        with pytest.raises(ConfigurationError, match="https"):
            await call(cloud)


@pytest.mark.parametrize(
    "call",
    [
        lambda cloud: cloud.pubsub.publish("topic", b"body"),
        lambda cloud: cloud.pubsub.describe_topic("topic"),
        lambda cloud: cloud.functions.invoke("function"),
    ],
    ids=["event_grid", "management", "functions"],
)
async def test_who_does_not_say_where_is_told_so(call, monkeypatch):
    for name in ("AZURE_EVENTGRID_ENDPOINT", "AZURE_FUNCTIONS_ENDPOINT", "AZURE_RESOURCE_GROUP"):
        monkeypatch.delenv(name, raising=False)
    async with AzureCloud(auth=TokenCredentials(token="t"), retry=NoRetry()) as cloud:
        with pytest.raises(ConfigurationError) as caught:
            await call(cloud)
        assert caught.value.hint


async def test_native_clients_of_a_closed_cloud_are_not_made():
    cloud = AzureCloud(event_grid_endpoint="https://news.example", event_grid_key=KEY)
    async with cloud:
        assert cloud.native.event_grid_consumer("topic", "subscription")
    with pytest.raises(ClientClosedError):
        cloud.native.event_grid_publisher("topic")
