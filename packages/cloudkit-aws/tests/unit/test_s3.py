"""S3's requests and answers, where no emulator shows them."""

import base64
import hashlib
import itertools
import threading
import zlib

import anyio
import pytest
from cloudkit.aws.s3.attributes import decode_value, encode_value
from cloudkit.aws.s3.deleting import NOT_IN_XML
from cloudkit.common import (
    AlreadyExistsError,
    ConflictError,
    NetworkError,
    PermissionDeniedError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.spi import FixedDelay
from cloudkit.testing import eventually
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio
PERSISTENT = FixedDelay(max_attempts=3, delay=0)
BIG = 1024 * 1024


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
    wire.reply(
        b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
    )
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
    wire.reply(
        b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
    )
    for _ in range(3):
        wire.reply(b'<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    wire.reply(b'<CompleteMultipartUploadResult><ETag>"e2"</ETag></CompleteMultipartUploadResult>')
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
