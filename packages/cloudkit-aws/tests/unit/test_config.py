"""Settings, and what they make of the clients."""

import base64
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from cloudkit.aws import AwsCloud, AwsConfig
from cloudkit.common import (
    AccessKeyCredentials,
    ClientClosedError,
    ConfigurationError,
    UnsupportedOperationError,
)

pytestmark = pytest.mark.anyio

CUSTOMER_KEY = base64.b64encode(bytes(range(32))).decode()


def test_nothing_of_boto3_is_imported_before_the_first_call():
    program = (
        "import sys; from cloudkit.aws import AwsCloud; AwsCloud(region='eu-west-1').storage\n"
        "sys.exit(bool({'boto3', 'botocore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_variables_are_those_of_cloudkit_then_those_of_aws():
    environ = {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://all",
        "AWS_ENDPOINT_URL_S3": "http://s3",
        "AWS_PROFILE": "work",
        "CLOUD_PROFILE": "of cloudkit.toml",
        "CLOUD_REQUEST_PAYER": "yes",
        "CLOUD_UNSUPPORTED": "storage.conditional_delete, kv.ttl",
    }
    config = AwsConfig.load({}, environ)
    assert str(config.region) == "eu-west-1"
    assert config.endpoint_of("s3") == "http://s3"
    assert config.endpoint_of("sqs") == "http://all"
    assert config.profile == "work"
    assert config.request_payer is True
    assert config.unsupported == {"storage.conditional_delete", "kv.ttl"}
    assert str(AwsConfig.load({}, {**environ, "CLOUD_REGION": "us-east-2"}).region) == "us-east-2"


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "localhost:4566"},
        {"endpoint": "http://user:pw@host"},
        {"s3_endpoint": "ftp://host"},
        {"addressing_style": "pth"},
        {"checksum_algorithm": "CRC16"},
        {"server_side_encryption": "rot13"},
        {"kms_key_id": "key"},
        {"kms_key_id": "key", "server_side_encryption": "AES256"},
        {"sse_customer_key": "c2hvcnQ="},
        {"sse_customer_key": "no base64"},
        {"sse_customer_key": CUSTOMER_KEY, "server_side_encryption": "AES256"},
        {"expected_bucket_owner": "1234"},
        {"anonymous": "maybe"},
        {"anonymous": True, "role_arn": "arn:aws:iam::1:role/r"},
        {"unsupported": ["storage.flying"]},
        {"unsupported": ["storage.max_parts"]},
        {"profile": ""},
        {"regoin": "eu-west-1"},
    ],
    ids=str,
)
def test_a_wrong_option_is_a_configuration_error(options):
    with pytest.raises(ConfigurationError):
        AwsCloud(**options)


async def test_what_a_store_lacks_is_refused_before_sending(make_cloud, wire):
    async with make_cloud(unsupported=["storage.conditional_delete"]) as cloud:
        with pytest.raises(UnsupportedOperationError) as caught:
            await cloud.storage.delete_object("bucket", "key", if_match='"e"')
    assert caught.value.capability == "storage.conditional_delete"
    assert wire.requests == []


async def test_an_unknown_profile_is_named_as_the_fault():
    async with AwsCloud(profile="no-such-profile", region="eu-west-1") as cloud:
        with pytest.raises(ConfigurationError):
            await cloud.storage.bucket_exists("bucket")


async def test_clients_do_not_retry_and_have_connections_for_all_threads(make_cloud, wire):
    wire.error(503, "SlowDown")
    async with make_cloud(max_concurrency=7, timeout=3, connect_timeout=2) as cloud:
        with pytest.raises(Exception, match="SlowDown"):
            await cloud.storage.get_object("bucket", "key")
        assert len(wire.requests) == 1
        config = cloud.native.s3.meta.config
        assert config.max_pool_connections == 7
        assert (config.connect_timeout, config.read_timeout) == (2, 3)
        assert wire.requests[0].headers["user-agent"].startswith("cloudkit/")
        assert cloud.native.s3 is cloud.native.s3
        assert cloud.s3 is cloud.storage


def test_the_key_of_the_caller_does_not_show():
    assert CUSTOMER_KEY not in repr(AwsConfig(sse_customer_key=CUSTOMER_KEY))
    with pytest.raises(ConfigurationError) as caught:
        AwsCloud(sse_customer_key=CUSTOMER_KEY[:-4])
    assert CUSTOMER_KEY[:-4] not in str(caught.value)


async def test_native_clients_end_with_the_cloud(make_cloud):
    async with make_cloud() as cloud:
        await cloud.native.prepare()
        assert cloud.native.s3 is cloud.native.s3
    with pytest.raises(ClientClosedError):
        _ = cloud.native.s3


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ({"use_fips": True}, "photos.s3-fips.us-east-2.amazonaws.com"),
        ({"use_dualstack": True}, "photos.s3.dualstack.us-east-2.amazonaws.com"),
        ({"use_accelerate": True}, "photos.s3-accelerate.amazonaws.com"),
    ],
)
async def test_kinds_of_endpoints_can_be_chosen(options, host, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    keys = AccessKeyCredentials(access_key_id="AKID", secret_access_key="the-secret")
    async with AwsCloud(region="us-east-2", auth=keys, **options) as cloud:
        link = await cloud.storage.presigned_get_url("photos", "a.jpg")
    assert urlsplit(link.url).hostname == host
