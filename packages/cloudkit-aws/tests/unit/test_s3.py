"""S3's requests and answers, where no emulator shows them."""

import base64
import hashlib
import itertools
import threading
import zlib
from types import SimpleNamespace

import anyio
import pytest
from botocore.exceptions import ClientError
from cloudkit.api.storage.operations import AbortUpload, UploadPart
from cloudkit.aws import AwsConfig
from cloudkit.aws.s3.attributes import encode_value
from cloudkit.aws.s3.deleting import NOT_IN_XML
from cloudkit.aws.s3.settings import S3Settings
from cloudkit.aws.s3.writing import Writer
from cloudkit.common import (
    AlreadyExistsError,
    ConflictError,
    NetworkError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core.headers import decode_value
from cloudkit.spi import FixedDelay
from cloudkit.testing import eventually
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio
PERSISTENT = FixedDelay(max_attempts=3, delay=0)
BIG = 1024 * 1024
BEGUN = b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b'<CompleteMultipartUploadResult><ETag>"e2"</ETag></CompleteMultipartUploadResult>'


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).map(str.strip))
def test_every_metadata_value_comes_back(value):
    encoded = encode_value(value)
    assert encoded.isascii()
    assert decode_value(encoded) == value


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("=?UTF-8?Q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fm?= =?UTF-8?B?w6k=?=", "café"),
        ("=?no-such-charset?B?AAAA?=", "=?no-such-charset?B?AAAA?="),
        ("plain =? text", "plain =? text"),
    ],
)
def test_metadata_that_others_wrote_is_read(stored, shown):
    assert decode_value(stored) == shown


async def test_metadata_that_is_too_large_once_encoded_is_refused(make_cloud, wire):
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError, match="encoded"):
            await cloud.storage.put_object("bucket", "key", b"", metadata={"a": "é" * 800})
    assert wire.requests == []


@pytest.mark.parametrize(
    ("algorithm", "header", "value"),
    [
        ("CRC32", "x-amz-checksum-crc32", zlib.crc32(b"data").to_bytes(4, "big")),
        ("SHA256", "x-amz-checksum-sha256", hashlib.sha256(b"data").digest()),
        ("MD5", "content-md5", hashlib.md5(b"data").digest()),
    ],
)
async def test_bodies_carry_the_checksum_that_is_configured(
    make_cloud, wire, algorithm, header, value
):
    wire.object(b"")
    async with make_cloud(checksum_algorithm=algorithm) as cloud:
        await cloud.storage.put_object("bucket", "key", b"data")
    (request,) = wire.requests
    assert request.headers[header] == base64.b64encode(value).decode()
    assert request.body == b"data"
    assert "expect" not in request.headers


@pytest.mark.parametrize("size", [0, 1, 16384, 128 * 1024, 3 * BIG + 7])
async def test_bodies_of_any_size_arrive_whole(make_cloud, wire, size):
    wire.object(b"")
    data = bytes(range(251)) * (size // 251 + 1)
    async with make_cloud() as cloud:
        await cloud.storage.put_object("bucket", "key", data[:size])
    (request,) = wire.requests
    assert request.body == data[:size]
    assert request.headers["x-amz-content-sha256"] == hashlib.sha256(data[:size]).hexdigest()


async def test_the_native_client_sends_open_files(make_cloud, wire, tmp_path):
    (tmp_path / "file").write_bytes(b"data" * 1000)
    wire.object(b"")
    async with make_cloud() as cloud:
        await cloud.native.prepare()
        with (tmp_path / "file").open("rb") as file:
            cloud.native.s3.put_object(Bucket="bucket", Key="key", Body=file)
    assert wire.requests[-1].body == b"data" * 1000


async def test_keys_of_a_listing_are_decoded_where_they_are_encoded(make_cloud, wire):
    page = (
        "<ListBucketResult>{}<Contents><Key>{}</Key><Size>1</Size><ETag>e</ETag><LastModified>"
        "2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>"
    )
    keys = []
    for form, key in (("<EncodingType>url</EncodingType>", "a%26b+c%2B"), ("", "a%26b+c%2B")):
        wire.answers.clear()
        wire.reply(page.format(form, key).encode())
        async with make_cloud() as cloud:
            keys += [entry.key for entry in await cloud.storage.list_objects("bucket").to_list()]
    assert keys == ["a&b c+", "a%26b+c%2B"]


async def test_a_store_that_knows_no_new_checksums_gets_none(make_cloud, wire):
    wire.object(b"")
    wire.reply(b"<DeleteResult/>")
    async with make_cloud(checksum_algorithm="none") as cloud:
        await cloud.storage.put_object("bucket", "key", b"data")
        await cloud.storage.delete_objects("bucket", ["a"])
    put, delete = wire.requests
    for request in (put, delete):
        assert not [name for name in request.headers if "checksum" in name]
    assert "content-md5" in delete.headers


async def test_options_of_s3_go_with_each_request(make_cloud, wire):
    wire.object(b"")
    options = {"request_payer": True, "server_side_encryption": "aws:kms", "kms_key_id": "k1"}
    async with make_cloud(**options) as cloud:
        await cloud.storage.put_object("bucket", "key", b"data")
        await cloud.storage.get_object("bucket", "key")
        link = await cloud.storage.presigned_put_url("bucket", "key", content_type="image/png")
    put, get = wire.requests
    assert put.headers["x-amz-request-payer"] == get.headers["x-amz-request-payer"] == "requester"
    assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert "x-amz-server-side-encryption" not in get.headers
    assert link.headers["Content-Type"] == "image/png"
    assert link.headers["x-amz-server-side-encryption"] == "aws:kms"


KEY = bytes(range(32))


async def test_the_key_of_the_caller_goes_where_bytes_are_read_or_written(make_cloud, wire):
    for _ in range(4):
        wire.object(b"")
    wire.reply(status=204)
    wire.reply(b'<CopyObjectResult><ETag>"e2"</ETag></CopyObjectResult>')
    wire.reply(BEGUN)
    wire.object(b"")
    wire.object(b"")
    wire.reply(COMPLETED)
    encoded = base64.b64encode(KEY).decode()
    async with make_cloud(sse_customer_key=encoded) as cloud:
        storage = cloud.storage
        await storage.put_object("bucket", "key", b"data")
        await storage.get_object("bucket", "key")
        await storage.head_object("bucket", "key")
        await storage.delete_object("bucket", "key", missing_ok=False)
        await storage.copy_object("bucket", "key", "bucket", "other")
        await storage.put_object("bucket", "key", bytes(5 * BIG + 1), part_size=5 * BIG)
        for link in (storage.presigned_get_url, storage.presigned_put_url):
            with pytest.raises(UnsupportedOperationError, match="sse_customer_key"):
                await link("bucket", "key")
    name = "x-amz-server-side-encryption-customer-"
    asked = {
        (request.method, request.path.partition("?")[2].partition("=")[0]): request.headers
        for request in wire.requests
    }
    for kind in (("PUT", ""), ("GET", ""), ("HEAD", ""), ("POST", "uploads"), ("PUT", "uploadId")):
        headers = asked[kind]
        assert headers[f"{name}algorithm"] == "AES256"
        assert headers[f"{name}key"] == encoded
        assert headers[f"{name}key-md5"] == base64.b64encode(hashlib.md5(KEY).digest()).decode()
    assert asked["PUT", ""]["x-amz-copy-source-server-side-encryption-customer-key"] == encoded


async def test_buckets_of_others_are_asked_for_by_their_owner(make_cloud, wire):
    wire.object(b"")
    owner = "123456789012"
    async with make_cloud(expected_bucket_owner=owner) as cloud:
        storage = cloud.storage
        await storage.bucket_exists("bucket")
        await storage.get_object("bucket", "key")
        await storage.put_object("bucket", "key", b"")
        await storage.delete_object("bucket", "key")
        wire.reply(b'<CopyObjectResult><ETag>"e2"</ETag></CopyObjectResult>')
        wire.answers.pop(0)
        await storage.copy_object("bucket", "key", "bucket", "other")
        await storage.delete_bucket("bucket")
        link = await storage.presigned_get_url("bucket", "key")
    assert {r.headers["x-amz-expected-bucket-owner"] for r in wire.requests} == {owner}
    assert wire.requests[4].headers["x-amz-source-expected-bucket-owner"] == owner
    assert "owner" not in link.url


async def test_a_directory_bucket_is_not_made_here(make_cloud, wire):
    async with make_cloud() as cloud:
        with pytest.raises(UnsupportedOperationError):
            await cloud.storage.create_bucket("photos--euw1-az1--x-s3")
    assert wire.requests == []


async def test_the_end_of_an_empty_object_is_empty(make_cloud, wire):
    wire.error(416, "InvalidRange")
    wire.error(416, "InvalidRange")
    wire.object(b"")
    async with make_cloud() as cloud:
        assert await cloud.storage.get_object("bucket", "key", byte_range=(None, 5)) == b""
        async with await cloud.storage.open_object("bucket", "key", byte_range=(None, 5)) as reader:
            assert (reader.info.size, await reader.read()) == (0, b"")


async def test_a_range_behind_the_end_is_refused_with_the_status(make_cloud, wire):
    wire.error(416, "InvalidRange")
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError) as caught:
            await cloud.storage.get_object("bucket", "key", byte_range=(9, None))
    assert caught.value.status == 416


async def test_a_whole_read_that_breaks_off_is_made_again(make_cloud, wire):
    wire.object(bytes(BIG), cut=1000)
    wire.object(bytes(BIG))
    async with make_cloud(retry=PERSISTENT) as cloud:
        assert await cloud.storage.get_object("bucket", "key") == bytes(BIG)
    assert len(wire.requests) == 2


async def test_a_stream_that_breaks_off_goes_on_behind_what_came(make_cloud, wire):
    data = bytes(range(256)) * (BIG // 256)
    wire.object(data, cut=600_000)
    wire.object(data[262144:], headers={"Content-Range": f"bytes 262144-{BIG - 1}/{BIG}"})
    async with make_cloud(retry=PERSISTENT) as cloud:
        reader = await cloud.storage.open_object("bucket", "key")
        async with reader:
            first = await reader.receive(262144)
            wire.answers[0] = wire.answers[-1]
            rest = await reader.read()
    assert first + rest[-(BIG - 262144) :] == data
    resumed = wire.requests[1].headers
    assert resumed["range"].startswith("bytes=")
    assert resumed["if-match"] == '"e1"'


async def test_a_stream_that_breaks_off_without_retries_says_so(make_cloud, wire):
    wire.object(bytes(BIG), cut=300_000)
    async with make_cloud() as cloud:
        reader = await cloud.storage.open_object("bucket", "key")
        async with reader:
            with pytest.raises(NetworkError):
                await reader.read()


async def test_leaving_a_stream_early_frees_its_connection(make_cloud, wire):
    wire.object(bytes(8 * BIG))
    async with make_cloud(max_concurrency=2) as cloud:
        for _ in range(5):
            async with await cloud.storage.open_object("bucket", "key") as reader:
                await reader.receive(10)
        await eventually(lambda: wire.open == 0, 5.0)


async def test_leaving_a_stream_that_hangs_waits_for_nothing(make_cloud, wire):
    hang = threading.Event()
    wire.object(bytes(BIG)[:500_000], length=BIG, stall=hang)
    try:
        async with make_cloud(max_concurrency=1, timeout=None) as cloud:
            reader = await cloud.storage.open_object("bucket", "key")
            assert len(await reader.receive(262144)) == 262144
            with anyio.move_on_after(0.1) as scope:
                await reader.receive()
            assert scope.cancelled_caught
            with anyio.fail_after(5):
                await reader.aclose()
                # The thread that was reading has been woken up: there is no other one.
                wire.object(b"data")
                wire.answers.pop(0)
                assert await cloud.storage.get_object("bucket", "key") == b"data"
    finally:
        hang.set()


async def test_a_receive_that_was_cancelled_loses_nothing(make_cloud, wire):
    hang = threading.Event()
    data = bytes(range(256)) * (BIG // 256)
    wire.object(data, stall=hang)
    hang.set()
    async with make_cloud() as cloud:
        reader = await cloud.storage.open_object("bucket", "key")
        async with reader:
            got = b""
            for turn in itertools.count():
                if not reader.remaining:
                    break
                # At once, after a moment, and in its own time.
                with anyio.move_on_after((0, 0.0001, 10)[turn % 3]):
                    got += await reader.receive(100_000)
    assert got == data


async def test_a_conflict_at_the_end_of_an_upload_is_not_tried_again(make_cloud, wire):
    wire.reply(BEGUN)
    wire.object(b"")
    wire.object(b"")
    wire.error(409, "ConditionalRequestConflict")
    wire.reply()
    async with make_cloud(retry=PERSISTENT) as cloud:
        with pytest.raises(ConflictError):
            await cloud.storage.put_object(
                "bucket",
                "key",
                bytes(5 * BIG + 1),
                part_size=5 * BIG,
                concurrency=1,
                if_none_match="*",
            )
    assert [request.method for request in wire.requests] == ["POST", "PUT", "PUT", "POST", "DELETE"]
    assert wire.requests[3].headers["if-none-match"] == "*"


async def test_a_condition_on_a_missing_object_does_not_hold(make_cloud, wire):
    wire.error(404, "NoSuchKey")
    async with make_cloud() as cloud:
        with pytest.raises(PreconditionFailedError):
            await cloud.storage.put_object("bucket", "key", b"", if_match='"e"')


async def test_the_first_region_says_when_a_bucket_exists(make_cloud, wire):
    wire.reply()
    async with make_cloud(region="us-east-1") as cloud:
        with pytest.raises(AlreadyExistsError):
            await cloud.storage.create_bucket("bucket")
    assert [request.method for request in wire.requests] == ["HEAD"]


async def test_a_bucket_of_somebody_else_is_no_answer(make_cloud, wire):
    wire.reply(status=403)
    async with make_cloud() as cloud:
        with pytest.raises(PermissionDeniedError):
            await cloud.storage.bucket_exists("bucket")


async def test_a_batch_names_the_keys_that_stay(make_cloud, wire):
    wire.reply(
        b"<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        b"</DeleteResult>"
    )
    async with make_cloud() as cloud:
        first, second = await cloud.storage.delete_objects("bucket", ["a", "b"])
    assert first.value == "a"
    assert isinstance(second.error, PermissionDeniedError)
    assert second.error.request_id == "R1"


def test_keys_that_xml_cannot_hold_are_known():
    assert all(NOT_IN_XML.search(f"a{chr(code)}") for code in range(32))
    assert not NOT_IN_XML.search("plain/ü/🦊 <&>\"'")


async def test_a_copy_that_is_too_large_for_one_request_goes_in_parts(
    make_cloud, wire, monkeypatch
):
    wire.error(400, "InvalidRequest", "The specified copy source is larger than the maximum")
    wire.object(b"", length=0, headers={"x-amz-meta-a": "b"})
    wire.answers[-1] = type(wire.answers[-1])(headers={**wire.answers[-1].headers}, length=11 * BIG)
    wire.reply(BEGUN)
    for _ in range(3):
        wire.reply(b'<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    wire.reply(COMPLETED)
    async with make_cloud() as cloud:
        cloud.storage._copier._part_size = 5 * BIG
        stored = await cloud.storage.copy_object("bucket", "source", "bucket", "key")
    assert (stored.etag, stored.size) == ('"e2"', 11 * BIG)
    copies = [r for r in wire.requests if "x-amz-copy-source-range" in r.headers]
    assert sorted(r.headers["x-amz-copy-source-range"] for r in copies) == [
        f"bytes=0-{5 * BIG - 1}",
        f"bytes={10 * BIG}-{11 * BIG - 1}",
        f"bytes={5 * BIG}-{10 * BIG - 1}",
    ]
    assert {r.headers["x-amz-copy-source-if-match"] for r in copies} == {'"e1"'}
    assert wire.requests[2].headers["x-amz-meta-a"] == "b"


def begin_large_copy(wire, **headers):
    wire.error(400, "InvalidRequest", "The specified copy source is larger than the maximum")
    wire.object(b"", length=11 * BIG, headers=headers)
    if "x-amz-tagging-count" in headers:
        wire.reply(
            b"<Tagging><TagSet><Tag><Key>a b</Key><Value>c&amp;d</Value></Tag></TagSet></Tagging>"
        )
    wire.reply(BEGUN)


async def test_a_copy_in_parts_keeps_what_one_request_would_keep(make_cloud, wire):
    expires = "Thu, 01 Jan 2099 00:00:00 GMT"
    begin_large_copy(wire, **{"x-amz-tagging-count": "1", "Expires": expires})
    for _ in range(3):
        wire.reply(b'<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    wire.reply(COMPLETED)
    async with make_cloud(request_payer=True) as cloud:
        cloud.storage._copier._part_size = 5 * BIG
        await cloud.storage.copy_object("bucket", "source", "bucket", "key")
    begin = wire.requests[3].headers
    assert begin["x-amz-tagging"] == "a+b=c%26d"
    assert begin["expires"] == expires
    assert {request.headers["x-amz-request-payer"] for request in wire.requests} == {"requester"}


async def test_a_part_of_a_copy_is_tried_again_by_itself(make_cloud, wire):
    begin_large_copy(wire)
    wire.error(503, "SlowDown")
    for _ in range(3):
        wire.reply(b'<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    wire.reply(COMPLETED)
    async with make_cloud(retry=PERSISTENT) as cloud:
        cloud.storage._copier._part_size = 5 * BIG
        await cloud.storage.copy_object("bucket", "source", "bucket", "key", if_none_match="*")
    methods = [request.method for request in wire.requests]
    assert methods == ["PUT", "HEAD", "POST", "PUT", "PUT", "PUT", "PUT", "POST"]


async def test_a_copy_whose_part_fails_for_good_is_not_begun_anew(make_cloud, wire):
    begin_large_copy(wire)
    wire.error(503, "SlowDown")
    async with make_cloud(retry=PERSISTENT) as cloud:
        cloud.storage._copier._part_size = 11 * BIG
        with pytest.raises(RateLimitedError):
            await cloud.storage.copy_object("bucket", "source", "bucket", "key")
    methods = [request.method for request in wire.requests]
    assert methods == ["PUT", "HEAD", "POST", "PUT", "PUT", "PUT", *["DELETE"] * 3]


async def test_who_pays_is_said_where_a_copy_looks_for_its_source(make_cloud, wire):
    wire.error(404, "NoSuchKey")
    wire.object(b"")
    async with make_cloud(request_payer=True) as cloud:
        with pytest.raises(PreconditionFailedError):
            await cloud.storage.copy_object("bucket", "source", "bucket", "key", if_match='"e"')
    assert [request.method for request in wire.requests] == ["PUT", "HEAD"]
    assert {request.headers["x-amz-request-payer"] for request in wire.requests} == {"requester"}


@pytest.mark.parametrize("moment", ["while it begins", "just when it has begun"])
async def test_an_upload_that_is_cancelled_while_it_begins_leaves_nothing(
    make_cloud, wire, monkeypatch, moment
):
    wire.reply(BEGUN)
    wire.reply()
    began, go_on = threading.Event(), threading.Event()
    async with make_cloud() as cloud:
        writer, clients = cloud.storage._writer, cloud.storage._clients
        create, run = writer.create_upload, clients.run

        def slowly(*args):
            began.set()
            go_on.wait(30)
            return create(*args)

        async def late(*args):
            outcome = await run(*args)
            if args[1].__name__ == "call":  # that of run_or_undo, and nobody waits for it any more
                began.set()
                await anyio.sleep_forever()
            return outcome

        if moment == "while it begins":
            monkeypatch.setattr(writer, "create_upload", slowly)
        else:
            monkeypatch.setattr(clients, "run", late)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: cloud.storage.put_object(
                    "bucket", "key", bytes(5 * BIG + 1), part_size=5 * BIG
                )
            )
            await eventually(began.is_set, 30.0)
            tasks.cancel_scope.cancel()
        go_on.set()
        await eventually(lambda: len(wire.requests) == 2, 30.0)
    assert [request.method for request in wire.requests] == ["POST", "DELETE"]
    assert "uploadId=U" in wire.requests[1].path


def test_a_part_that_arrives_after_its_upload_was_aborted_does_not_stay():
    class Client:
        exceptions = SimpleNamespace(ClientError=ClientError)

        def __init__(self):
            self.calls = []

        def upload_part(self, **_):
            self.calls.append("part")
            writer.abort_upload(self, AbortUpload(bucket="bucket", key="key", upload_id="U"))
            return {"ETag": "e"}

        def abort_multipart_upload(self, UploadId, **_):  # noqa: N803
            self.calls.append(f"abort {UploadId}")

    writer, client = Writer(S3Settings(AwsConfig())), Client()
    part = UploadPart(bucket="bucket", key="key", upload_id="U", number=1, body=b"x")
    writer.upload_part(client, part)
    assert client.calls == ["part", "abort U", "abort U"]
    writer.abort_upload(client, AbortUpload(bucket="bucket", key="key", upload_id="U"))
    assert client.calls[3:] == ["abort U"]


async def test_the_last_page_has_no_token_whatever_the_store_says(make_cloud, wire):
    wire.reply(
        b"<ListBucketResult><NextContinuationToken></NextContinuationToken></ListBucketResult>"
    )
    async with make_cloud() as cloud:
        assert [page.next_token async for page in cloud.storage.list_objects("bucket").pages()] == [
            None
        ]


async def test_uploads_are_listed_where_the_key_alone_says_how_to_go_on(make_cloud, wire):
    upload = "<Upload><Key>{0}</Key><UploadId>U</UploadId></Upload>"
    page = f"<ListMultipartUploadsResult>{upload}{{1}}</ListMultipartUploadsResult>"
    more = "<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>"
    wire.reply(page.format("a", more).encode())
    wire.reply(page.format("b", "").encode())
    async with make_cloud() as cloud:
        assert [found.key async for found in cloud.storage.list_uploads("bucket")] == ["a", "b"]
    assert "key-marker=a" in wire.requests[1].path
    assert "upload-id-marker" not in wire.requests[1].path
