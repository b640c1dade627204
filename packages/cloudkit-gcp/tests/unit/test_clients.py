"""Clients: made once, in threads, for the credentials of now."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from unittest.mock import Mock

import anyio
import anyio.lowlevel
import pytest
from cloudkit.common import (
    AccessKeyCredentials,
    AnonymousCredentials,
    ConfigurationError,
    ConflictError,
    MissingCredentialsError,
    ProviderError,
    ServiceAccountCredentials,
    TokenCredentials,
    utc_now,
)
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.auth import sign_in
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.functions.client import FunctionsClient
from cloudkit.spi import AuthProvider, NoRetry
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import Unauthorized
from google.auth import impersonated_credentials
from google.auth.credentials import AnonymousCredentials as NativeAnonymous
from google.cloud.functions_v2 import types
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account

pytestmark = pytest.mark.anyio

EMAIL = "tester@theirs.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def info():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "theirs",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    }


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


def token_of(client):
    headers = {}
    client.settings.credentials.before_request(None, "GET", "https://host", headers)
    return headers.get("authorization")


async def test_an_auth_provider_is_asked_in_the_event_loop():
    provider = Rotating()
    async with GcpCloud(project="p", auth=provider) as cloud:
        first = await cloud._clients.run("storage", itself)
        again = await cloud._clients.run("storage", itself)
        assert first is again
        assert token_of(first) == "Bearer token-1"
        assert provider.asked == 1


async def test_refused_credentials_are_renewed_once():
    provider = Rotating()
    tokens = []

    def refuse_first(client):
        tokens.append(token_of(client))
        if len(tokens) == 1:
            raise Unauthorized("expired")

    async with GcpCloud(project="p", auth=provider) as cloud:
        await cloud._clients.run("storage", refuse_first)
    assert tokens == ["Bearer token-1", "Bearer token-2"]


async def test_a_refused_token_of_the_sdk_is_dropped_once(info):
    calls = []

    def refuse(client):
        calls.append(client.settings.credentials.token)
        raise Unauthorized("revoked")

    async with GcpCloud(service_account_info=info) as cloud:
        with pytest.raises(Unauthorized):
            await cloud._clients.run("storage", refuse)
        assert calls == [None], "there was no token to drop"
        client = await cloud._clients.run("storage", itself)
        client.settings.credentials.token = "revoked"
        with pytest.raises(Unauthorized):
            await cloud._clients.run("storage", refuse)
        assert calls[1:] == ["revoked", None]


async def test_credentials_reach_the_sdk(info):
    provided = [
        (ServiceAccountCredentials(info=info), service_account.Credentials),
        (TokenCredentials(token="t", expires_at=utc_now()), oauth2.Credentials),
        (AnonymousCredentials(), NativeAnonymous),
    ]
    for credentials, kind in provided:
        async with GcpCloud(auth=credentials) as cloud:
            client = await cloud._clients.run("storage", itself)
            assert isinstance(client.settings.credentials.delegate, kind)


async def test_a_key_file_names_the_project(info, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(info))
    for options in (
        {"service_account_info": info},
        {"credentials_file": str(path)},
        {"auth": ServiceAccountCredentials(info=info)},
    ):
        async with GcpCloud(**options) as cloud:
            client = await cloud._clients.run("storage", itself)
            assert client.project == "theirs"
        async with GcpCloud(project="mine", **options) as cloud:
            client = await cloud._clients.run("storage", itself)
            assert client.project == "mine"


def test_application_default_credentials_are_found(info, tmp_path, monkeypatch):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(info))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    found = sign_in(GcpConfig(), "storage")
    assert isinstance(found.credentials, service_account.Credentials)
    assert (found.credentials.service_account_email, found.project) == (EMAIL, "theirs")
    emulator = GcpConfig(storage_endpoint="http://127.0.0.1:1")
    assert isinstance(sign_in(emulator, "storage").credentials, NativeAnonymous)
    assert isinstance(sign_in(emulator, "functions").credentials, service_account.Credentials)


def test_other_kinds_of_files_are_read(tmp_path):
    path = tmp_path / "user.json"
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    path.write_text(json.dumps(user))
    found = sign_in(GcpConfig(credentials_file=str(path)), "storage")
    assert isinstance(found.credentials, oauth2.Credentials)


def test_another_account_is_impersonated(info):
    config = GcpConfig(service_account_info=info, impersonate="other@p.iam.gserviceaccount.com")
    found = sign_in(config, "storage")
    assert isinstance(found.credentials, impersonated_credentials.Credentials)
    assert isinstance(found.source, service_account.Credentials)


def test_another_project_is_charged(info):
    found = sign_in(GcpConfig(service_account_info=info, quota_project="payer"), "storage")
    assert found.credentials.quota_project_id == "payer"


def test_two_ways_to_sign_in_exclude_each_other():
    with pytest.raises(ConfigurationError, match="auth and anonymous"):
        GcpCloud(auth=TokenCredentials(token="t"), anonymous=True)


async def test_a_provided_token_is_charged_to_another_project_too():
    async with GcpCloud(auth=TokenCredentials(token="t"), quota_project="payer") as cloud:
        client = await cloud._clients.run("storage", itself)
        assert client.settings.credentials.delegate.quota_project_id == "payer"


@pytest.mark.parametrize(
    "options",
    [
        {"auth": AccessKeyCredentials(access_key_id="a", secret_access_key="b")},
        {"auth": TokenCredentials(token="t"), "storage_endpoint": "http://host"},
        {"auth": TokenCredentials(token="the-secret\n")},
        {"service_account_info": {"type": "service_account", "private_key": "the-secret"}},
        {"credentials_file": "/no/such/file"},
        {"credentials_file": __file__},
    ],
    ids=["of another cloud", "token without TLS", "no token", "no key", "no file", "no JSON"],
)
async def test_what_cannot_be_is_a_configuration_error(options):
    async with GcpCloud(retry=NoRetry(), project="p", **options) as cloud:
        with pytest.raises(ConfigurationError) as caught:
            await cloud.storage.head_object("bucket", "key")
        assert "secret" not in str(caught.value)
        assert caught.value.operation == "head_object"


async def test_resources_want_a_project(monkeypatch):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    async with GcpCloud(anonymous=True, retry=NoRetry()) as cloud:
        with pytest.raises(ConfigurationError, match="no project"):
            await cloud.storage.create_bucket("bucket")
        with pytest.raises(ConfigurationError, match="no project"):
            await cloud.functions.list_functions().to_list()
        for call in (
            cloud.kv.get("table", "key"),
            cloud.pubsub.publish("topic", b"body"),
            cloud.queue.receive("work"),
        ):
            with pytest.raises(ConfigurationError, match="no project"):
                await call
    async with GcpCloud(anonymous=True, region="r", tasks_target="https://a/b") as cloud:
        with pytest.raises(ConfigurationError, match="no project"):
            await cloud.cloud_tasks.send("queue", b"body")
    async with GcpCloud(project="p", anonymous=True, retry=NoRetry()) as cloud:
        with pytest.raises(ConfigurationError, match="region"):
            await cloud.functions.invoke("function")


@pytest.mark.parametrize("state", ["DEPLOYING", "FAILED"])
def test_a_function_without_a_url_is_said_to_have_none(state):
    found = types.Function(state=state)
    answers = [found, types.Function(url="https://function/")]
    service = Mock(get_function=Mock(side_effect=answers))
    client = FunctionsClient(Mock(), service, Mock())
    name = "projects/p/locations/r/functions/f"
    with pytest.raises(ConflictError, match=state):
        client.url_of(name)
    assert client.url_of(name) == "https://function/", "it is not remembered that there was none"


async def test_a_native_client_wants_prepared_credentials():
    async with GcpCloud(project="p", auth=Rotating()) as cloud:
        with pytest.raises(MissingCredentialsError):
            _ = cloud.native.storage
        await cloud.native.prepare()
        assert cloud.native.storage.project == "p"
        assert cloud.native.functions.transport.kind == "rest"


async def test_who_cannot_sign_urls_is_told_so():
    for options in ({"anonymous": True}, {"auth": TokenCredentials(token="t")}):
        async with GcpCloud(project="p", **options) as cloud:
            with pytest.raises(MissingCredentialsError):
                await cloud.storage.presigned_get_url("bucket", "key")


async def test_a_link_is_signed_with_the_key_and_bound_to_the_encryption(info):
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    async with GcpCloud(service_account_info=info, kms_key=key) as cloud:
        link = await cloud.storage.presigned_put_url("bucket", "a b", content_type="image/png")
        assert link.url.startswith("https://storage.googleapis.com/bucket/a%20b?")
        assert link.headers == {
            "Content-Type": "image/png",
            "x-goog-encryption-kms-key-name": key,
        }
        assert "content-type%3Bhost%3Bx-goog-encryption-kms-key-name" in link.url


def test_no_sdk_is_imported_before_the_first_call():
    program = (
        "import sys; from cloudkit.gcp import GcpCloud; c = GcpCloud(project='p');"
        "c.storage, c.functions, c.kv, c.pubsub, c.native;"
        "print([m for m in sys.modules if m.split('.')[0] in {'google', 'grpc', 'requests'}])"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"


async def test_another_inside_of_firestores_sdk_is_no_other_place_of_the_data(monkeypatch):
    elsewhere = property(lambda self: "the default endpoint")
    monkeypatch.setattr("google.cloud.firestore.Client._firestore_api", elsewhere)
    async with GcpCloud(project="p", firestore_endpoint="http://127.0.0.1:9") as cloud:
        with pytest.raises(ProviderError, match="keeps its connection elsewhere"):
            _ = cloud.native.firestore


@pytest.mark.parametrize(
    "content", [None, "the-secret", '{"type": "nothing", "key": "the-secret"}']
)
async def test_a_file_that_a_variable_names_in_vain_is_told_of(monkeypatch, tmp_path, content):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    async with GcpCloud(project="p", retry=NoRetry()) as cloud:
        with pytest.raises(ConfigurationError) as caught:
            await cloud.storage.head_object("bucket", "key")
    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(caught.value)
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)
