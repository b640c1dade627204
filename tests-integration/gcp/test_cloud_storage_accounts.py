"""Cloud Storage: ways to sign in, and to sign links, against the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from cloudkit.common import (
    AnonymousCredentials,
    Credentials,
    InvalidCredentialsError,
    MissingCredentialsError,
    NotFoundError,
    PermissionDeniedError,
    ServiceAccountCredentials,
    TokenCredentials,
    utc_now,
)
from cloudkit.gcp import GcpCloud
from cloudkit.spi import AuthProvider, NoRetry
from cloudkit.testing.storage.transports import exchange
from emulators.cloud_storage import cloud_storage
from emulators.google import create_service_account
from emulators.process import Server
from gcp.clouds import PROJECT, make_storage_cloud

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def bucket_of(cloud: GcpCloud) -> AsyncIterator[str]:
    name = f"ck-{token_hex(6)}"
    await cloud.storage.create_bucket(name)
    try:
        yield name
    finally:
        keys = [entry.key async for entry in cloud.storage.list_objects(name)]
        await cloud.storage.delete_objects(name, keys)
        await cloud.storage.delete_bucket(name)


class Tokens(AuthProvider):
    """Gives tokens one after the other, and then the last one again."""

    def __init__(self, *tokens: str) -> None:
        self.asked = 0
        self._tokens = tokens

    async def get_credentials(self) -> Credentials:
        token = self._tokens[min(self.asked, len(self._tokens) - 1)]
        self.asked += 1
        # The provider takes it to be good: only the service knows better.
        return TokenCredentials(token=token, expires_at=utc_now() + timedelta(hours=1))


@pytest.fixture(scope="module")
def other(gcs: Server) -> dict[str, Any]:
    """The key file of another account."""
    return create_service_account(gcs.url, PROJECT, "other")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Server]:
    with cloud_storage(anonymous=True) as server:
        yield server


async def check_links(cloud: GcpCloud, bucket: str, signer: str) -> None:
    put = await cloud.storage.presigned_put_url(bucket, "a b")
    assert signer.replace("@", "%40") in put.url
    assert (await exchange("PUT", put.url, b"data", put.headers)).ok
    get = await cloud.storage.presigned_get_url(bucket, "a b")
    assert (await exchange("GET", get.url)).body == b"data"


class TestTokens:
    async def test_a_token_of_the_auth_provider_signs_in(self, gcs: Server, token: str) -> None:
        provider = Tokens(token)
        cloud = GcpCloud(storage_endpoint=gcs.url, project=PROJECT, auth=provider)
        async with cloud, bucket_of(cloud) as bucket:
            await cloud.storage.put_object(bucket, "key", b"data")
            assert await cloud.storage.get_object(bucket, "key") == b"data"
            assert provider.asked == 1

    async def test_a_token_that_the_service_refuses_is_renewed(
        self, gcs: Server, token: str
    ) -> None:
        provider = Tokens("ya29.expired", token)
        cloud = GcpCloud(storage_endpoint=gcs.url, auth=provider, retry=NoRetry())
        async with cloud:
            assert not await cloud.storage.bucket_exists("no-such-bucket")
            assert provider.asked == 2

    async def test_a_body_is_sent_anew_with_the_new_token(self, gcs: Server, token: str) -> None:
        cloud = GcpCloud(storage_endpoint=gcs.url, project=PROJECT, auth=Tokens(token))
        async with cloud, bucket_of(cloud) as bucket:
            for size in (100, 9 * 1024 * 1024):
                body = bytes(size)
                late = GcpCloud(storage_endpoint=gcs.url, auth=Tokens("ya29.expired", token))
                async with late:
                    await late.storage.put_object(bucket, "key", body, part_size=size)
                    assert await late.storage.get_object(bucket, "key") == body

    async def test_a_token_that_stays_refused_is_an_error(self, gcs: Server) -> None:
        auth = Tokens("ya29.expired")
        async with GcpCloud(storage_endpoint=gcs.url, auth=auth, retry=NoRetry()) as cloud:
            with pytest.raises(InvalidCredentialsError) as caught:
                await cloud.storage.bucket_exists("bucket")
            assert "ya29.expired" not in str(caught.value)

    async def test_a_token_of_a_key_file_that_was_revoked_is_renewed(
        self, gcs: Server, key_file: dict[str, Any]
    ) -> None:
        async with make_storage_cloud(gcs.url, key_file, retry=NoRetry()) as cloud:
            assert not await cloud.storage.bucket_exists("no-such-bucket")
            credentials: Any = cloud.native.storage._credentials
            credentials.token = "ya29.revoked"
            assert not await cloud.storage.bucket_exists("no-such-bucket")

    async def test_links_are_signed_over_the_iam_api(
        self, gcs: Server, token: str, other: dict[str, Any]
    ) -> None:
        signer = other["client_email"]
        cloud = GcpCloud(
            storage_endpoint=gcs.url,
            iam_endpoint=gcs.url,
            project=PROJECT,
            auth=TokenCredentials(token=token),
            signing_account=signer,
        )
        async with cloud, bucket_of(cloud) as bucket:
            with pytest.raises((InvalidCredentialsError, PermissionDeniedError)):
                # This token is good for storage only.
                await cloud.storage.presigned_get_url(bucket, "key")


class TestAccounts:
    async def test_a_key_file_of_the_auth_provider_signs_in_and_signs(
        self, gcs: Server, other: dict[str, Any]
    ) -> None:
        auth = ServiceAccountCredentials(info=other)
        cloud = GcpCloud(storage_endpoint=gcs.url, auth=auth)
        async with cloud, bucket_of(cloud) as bucket:
            await check_links(cloud, bucket, other["client_email"])

    async def test_another_account_signs(
        self, gcs: Server, key_file: dict[str, Any], other: dict[str, Any]
    ) -> None:
        signer = other["client_email"]
        cloud = make_storage_cloud(gcs.url, key_file, signing_account=signer)
        async with cloud, bucket_of(cloud) as bucket:
            await check_links(cloud, bucket, signer)

    async def test_another_account_is_impersonated(
        self, gcs: Server, key_file: dict[str, Any], other: dict[str, Any]
    ) -> None:
        account = other["client_email"]
        cloud = make_storage_cloud(gcs.url, key_file, impersonate=account)
        async with cloud, bucket_of(cloud) as bucket:
            await cloud.storage.put_object(bucket, "key", b"data")
            assert await cloud.storage.get_object(bucket, "key") == b"data"
            await check_links(cloud, bucket, account)

    async def test_the_auth_providers_account_impersonates_another(
        self, gcs: Server, key_file: dict[str, Any], other: dict[str, Any]
    ) -> None:
        cloud = GcpCloud(
            storage_endpoint=gcs.url,
            iam_endpoint=gcs.url,
            auth=ServiceAccountCredentials(info=key_file),
            impersonate=other["client_email"],
        )
        async with cloud, bucket_of(cloud) as bucket:
            await check_links(cloud, bucket, other["client_email"])

    async def test_an_account_that_is_not_there_signs_nothing(
        self, gcs: Server, key_file: dict[str, Any]
    ) -> None:
        nobody = f"nobody@{PROJECT}.iam.gserviceaccount.com"
        cloud = make_storage_cloud(gcs.url, key_file, signing_account=nobody, retry=NoRetry())
        async with cloud:
            with pytest.raises(NotFoundError):
                await cloud.storage.presigned_get_url("bucket", "key")

    async def test_a_key_that_was_deleted_is_refused(self, gcs: Server) -> None:
        with cloud_storage() as elsewhere:
            gone = create_service_account(elsewhere.url, PROJECT, "gone")
        gone["token_uri"] = f"{gcs.url}/token"
        async with make_storage_cloud(gcs.url, gone, retry=NoRetry()) as cloud:
            with pytest.raises(InvalidCredentialsError):
                await cloud.storage.bucket_exists("bucket")


class TestAnonymous:
    async def test_an_emulator_needs_only_its_variable(
        self, emulator: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url.removeprefix("http://"))
        async with GcpCloud() as cloud, bucket_of(cloud) as bucket:
            await cloud.storage.put_object(bucket, "key", b"data")
            assert await cloud.storage.get_object(bucket, "key") == b"data"

    async def test_who_shows_nothing_is_told_to_sign_in(self, gcs: Server) -> None:
        options: list[dict[str, Any]] = [
            {},
            {"anonymous": True},
            {"auth": AnonymousCredentials()},
        ]
        for given in options:
            async with GcpCloud(storage_endpoint=gcs.url, retry=NoRetry(), **given) as cloud:
                with pytest.raises(MissingCredentialsError):
                    await cloud.storage.get_object("bucket", "key")
