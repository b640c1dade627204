"""Links that are signed: what they name, and what whoever follows them has to send."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve
from cloudkit.aws import AwsCloud
from cloudkit.common import AccessKeyCredentials, utc_now

pytestmark = pytest.mark.anyio

KEYS = AccessKeyCredentials(
    access_key_id="AKID", secret_access_key="the-secret", session_token="the-token"
)
CREATED_SESSION = (
    b"<CreateSessionResult><Credentials><AccessKeyId>SESSION</AccessKeyId><SecretAccessKey>s"
    b"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    b"</Credentials></CreateSessionResult>"
)


@pytest.fixture
async def make_amazons(monkeypatch, tmp_path):
    """Clouds without an endpoint of their own. Signing sends nothing."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return lambda region, **options: AwsCloud(region=region, auth=KEYS, **options)


def parts(link):
    split = urlsplit(link.url)
    return split, {name: value[0] for name, value in parse_qs(split.query).items()}


@pytest.mark.parametrize(
    ("style", "url"),
    [
        ("auto", "https://minio.example.com:9000/photos/a.jpg"),
        ("path", "https://minio.example.com:9000/photos/a.jpg"),
        ("virtual", "https://photos.minio.example.com:9000/a.jpg"),
    ],
)
async def test_the_bucket_stands_in_host_or_path(make_amazons, style, url):
    endpoint = "https://minio.example.com:9000"
    async with make_amazons("us-east-1", endpoint=endpoint, addressing_style=style) as cloud:
        link = await cloud.storage.presigned_get_url("photos", "a.jpg")
    assert link.url.partition("?")[0] == url


@pytest.mark.parametrize(
    ("region", "bucket", "host", "path"),
    [
        ("eu-north-1", "photos", "photos.s3.eu-north-1.amazonaws.com", "/a.jpg"),
        ("cn-north-1", "photos", "photos.s3.cn-north-1.amazonaws.com.cn", "/a.jpg"),
        ("eu-north-1", "my.photos", "s3.eu-north-1.amazonaws.com", "/my.photos/a.jpg"),
    ],
)
async def test_a_link_names_the_region_of_the_bucket(make_amazons, region, bucket, host, path):
    # Without it, newer regions refuse the link, and a new bucket redirects to where it is not valid.
    async with make_amazons(region) as cloud:
        get = await cloud.storage.presigned_get_url(bucket, "a.jpg")
        put = await cloud.storage.presigned_put_url(bucket, "a.jpg", content_type="image/jpeg")
    for link, signed in ((get, "host"), (put, "content-type;host")):
        split, query = parts(link)
        assert (split.hostname, split.path) == (host, path)
        assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
        assert query["X-Amz-Credential"].endswith(f"/{region}/s3/aws4_request")
        assert query["X-Amz-SignedHeaders"] == signed
        assert query["X-Amz-Security-Token"] == "the-token"


async def test_a_link_says_itself_who_pays(make_amazons):
    async with make_amazons("eu-north-1", request_payer=True) as cloud:
        get = await cloud.storage.presigned_get_url("photos", "a.jpg")
        put = await cloud.storage.presigned_put_url("photos", "a.jpg")
    for link in (get, put):
        _, query = parts(link)
        assert query["x-amz-request-payer"] == "requester"
        assert query["X-Amz-SignedHeaders"] == "host"
        assert link.headers == {}


async def test_a_link_ends_with_the_credentials_that_signed_it(make_cloud):
    ends = utc_now() + timedelta(minutes=10)
    keys = evolve(KEYS, expires_at=ends)
    async with make_cloud(auth=keys) as cloud:
        short = await cloud.storage.presigned_get_url("photos", "a.jpg", expires_in=60)
        long = await cloud.storage.presigned_get_url("photos", "a.jpg", expires_in=3600)
    assert short.expires_at < ends
    assert long.expires_at == ends


async def test_requests_to_a_directory_bucket_are_signed_by_a_session(make_cloud, wire):
    wire.reply(CREATED_SESSION)
    wire.object(b"data")
    async with make_cloud() as cloud:
        assert await cloud.storage.get_object("photos--euw1-az1--x-s3", "a.jpg") == b"data"
        link = await cloud.storage.presigned_get_url("photos--euw1-az1--x-s3", "a.jpg")
    session, get = wire.requests
    assert session.path.endswith("?session")
    assert get.headers["x-amz-s3session-token"] == "t"
    assert "Credential=SESSION/" in get.headers["authorization"]
    assert parts(link)[1]["X-Amz-S3session-Token"] == "t"
