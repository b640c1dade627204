"""Credentials on their way to the signature."""

import threading
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest
from botocore.exceptions import ClientError
from cloudkit.aws import AwsCloud
from cloudkit.common import (
    AccessKeyCredentials,
    AnonymousCredentials,
    ConfigurationError,
    ExpiredCredentialsError,
    MissingCredentialsError,
    TokenCredentials,
    ValidationError,
    utc_now,
)
from cloudkit.spi import AuthProvider, NoRetry

pytestmark = pytest.mark.anyio


class Rotating(AuthProvider):
    """New keys each time it is asked."""

    def __init__(self, life: timedelta | None = None) -> None:
        self.asked = 0
        self._life = life

    async def get_credentials(self):
        self.asked += 1
        await anyio.lowlevel.checkpoint()  # it may wait for what it likes
        expires_at = None if self._life is None else utc_now() + self._life
        return AccessKeyCredentials(
            access_key_id=f"AKID{self.asked}",
            secret_access_key="the-secret",
            session_token="the-token",
            expires_at=expires_at,
        )


def signed_by(request):
    return request.headers["authorization"].partition("Credential=")[2].partition("/")[0]


async def test_requests_are_signed_with_the_credentials_of_the_provider(make_cloud, wire):
    wire.object(b"data")
    provider = Rotating()
    async with make_cloud(auth=provider) as cloud:
        for _ in range(3):
            await cloud.storage.get_object("bucket", "key")
    assert [signed_by(request) for request in wire.requests] == ["AKID1"] * 3
    assert wire.requests[0].headers["x-amz-security-token"] == "the-token"
    assert provider.asked == 1


async def test_credentials_that_have_expired_are_renewed_first(make_cloud, wire):
    wire.object(b"data")
    async with make_cloud(auth=Rotating(timedelta(0))) as cloud:
        for _ in range(3):
            await cloud.storage.get_object("bucket", "key")
    assert [signed_by(request) for request in wire.requests] == ["AKID1", "AKID2", "AKID3"]


async def test_credentials_that_were_refused_are_replaced_once(make_cloud, wire):
    wire.error(400, "ExpiredToken")
    wire.object(b"data")
    async with make_cloud(auth=Rotating()) as cloud:
        assert await cloud.storage.get_object("bucket", "key") == b"data"
    assert [signed_by(request) for request in wire.requests] == ["AKID1", "AKID2"]


async def test_a_refusal_that_gives_no_reason_may_be_one_of_the_credentials(make_cloud, wire):
    wire.reply(status=400)
    wire.reply(status=400)
    wire.object(b"data")
    async with make_cloud(auth=Rotating()) as cloud:
        assert (await cloud.storage.head_object("bucket", "key")).etag == '"e1"'
    # boto3 asks in between whether the bucket is in another region.
    assert [signed_by(request) for request in wire.requests] == ["AKID1", "AKID1", "AKID2"]


async def test_a_refusal_without_a_reason_says_what_it_may_be(make_cloud, wire):
    wire.reply(status=400)
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError, match="credentials may have expired"):
            await cloud.storage.head_object("bucket", "key")


async def test_who_was_refused_late_takes_what_another_has_renewed(make_cloud, wire):
    """The second set is the last one: who asks for a third would be told that there is none."""
    refused, renewed = ClientError({"Error": {"Code": "ExpiredToken"}}, "GetObject"), []

    class Last(Rotating):
        async def get_credentials(self):
            self.asked = min(self.asked, 1)
            return await super().get_credentials()

    async with make_cloud(auth=Last()) as cloud:
        clients = cloud.storage._clients

        def call(late):
            if late:
                renewed_in_time.wait(30)
            if renewed.count(late) == 0:
                renewed.append(late)
                raise refused
            return late

        renewed_in_time = threading.Event()
        outcomes = []

        async def run(late):
            outcomes.append(await clients.run("s3", lambda client: call(late)))
            renewed_in_time.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, True)
            tasks.start_soon(run, False)
    assert outcomes == [False, True]


async def test_the_refusal_is_told_when_no_others_are_to_be_had(make_cloud, wire):
    wire.error(400, "ExpiredToken", "The provided token has expired.")
    async with make_cloud() as cloud:
        with pytest.raises(ExpiredCredentialsError) as caught:
            await cloud.storage.get_object("bucket", "key")
    assert len(wire.requests) == 1
    assert "the-secret" not in str(caught.value)


async def test_many_tasks_share_one_renewal(make_cloud, wire):
    wire.object(b"data")
    provider = Rotating()
    async with make_cloud(auth=provider) as cloud, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(cloud.storage.get_object, "bucket", "key")
    assert provider.asked == 1


@pytest.mark.parametrize("options", [{"auth": AnonymousCredentials()}, {"anonymous": True}])
async def test_anonymous_requests_are_not_signed(make_cloud, wire, options):
    wire.object(b"data")
    async with make_cloud(**{"auth": None, **options}) as cloud:
        await cloud.storage.get_object("bucket", "key")
        with pytest.raises(MissingCredentialsError):
            await cloud.storage.presigned_get_url("bucket", "key")
    assert "authorization" not in wire.requests[0].headers


async def test_credentials_of_another_cloud_are_refused(make_cloud, wire):
    async with make_cloud(auth=TokenCredentials(token="the-token")) as cloud:
        with pytest.raises(ConfigurationError) as caught:
            await cloud.storage.get_object("bucket", "key")
    assert "the-token" not in str(caught.value)
    assert wire.requests == []


async def test_a_native_client_needs_credentials_to_be_prepared(make_cloud, wire):
    wire.answers.clear()
    wire.object(b"data")
    async with make_cloud(auth=Rotating()) as cloud:
        with pytest.raises(MissingCredentialsError):
            cloud.native.s3.head_object(Bucket="bucket", Key="key")
        await cloud.native.prepare()
        cloud.native.s3.head_object(Bucket="bucket", Key="key")


async def test_a_role_is_assumed_with_the_credentials_that_were_given(make_cloud, wire):
    wire.reply(_assumed("ROLE1"))
    wire.object(b"data")
    async with make_cloud(role_arn="arn:aws:iam::123456789012:role/r", external_id="x1") as cloud:
        await cloud.storage.get_object("bucket", "key")
    assume, get = wire.requests
    assert b"ExternalId=x1" in assume.body
    assert signed_by(assume) == "AKID"
    assert signed_by(get) == "ROLE1"


async def test_no_credentials_anywhere_is_said_with_advice(monkeypatch, tmp_path, wire):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    async with AwsCloud(region="eu-west-1", endpoint=wire.url, retry=NoRetry()) as cloud:
        with pytest.raises(MissingCredentialsError) as caught:
            await cloud.storage.get_object("bucket", "key")
    assert "AWS_ACCESS_KEY_ID" in str(caught.value)


def _assumed(key: str):
    return f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
    <SessionToken>t</SessionToken><Expiration>{utc_now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>""".encode()
