"""Cloud Storage: what the suite does not see of uploads and listings."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloudkit.api.storage import ObjectStorage, PendingUpload
from cloudkit.common import IntegrityError, NetworkError, PreconditionFailedError, ValidationError
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.storage import writing
from cloudkit.spi import FixedDelay, NoRetry
from cloudkit.testing import LinkFault, flaky_endpoint
from cloudkit.testing.faults import Faults
from cloudkit.testing.storage.suite import put_all, remove_bucket
from cloudkit.testing.storage.transports import pattern
from emulators.process import HOST, Server
from gcp.clouds import make_storage_cloud
from listings import check_listings

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
PART = 5 * MIB


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def cloud(gcs: Server, key_file: dict[str, Any]) -> AsyncIterator[GcpCloud]:
    async with make_storage_cloud(gcs.url, key_file) as cloud:
        yield cloud


@pytest.fixture
def storage(cloud: GcpCloud) -> ObjectStorage:
    return cloud.storage


@pytest.fixture
async def bucket(storage: ObjectStorage) -> AsyncIterator[str]:
    name = f"ck-{token_hex(6)}"
    await storage.create_bucket(name)
    yield name
    await remove_bucket(storage, name)


def names_at_service(cloud: GcpCloud, bucket: str) -> list[str]:
    return [blob.name for blob in cloud.native.storage.list_blobs(bucket)]


class TestParts:
    async def test_nothing_is_left_beside_what_was_uploaded_on_a_condition(
        self, cloud: GcpCloud, bucket: str
    ) -> None:
        storage, data = cloud.storage, pattern(PART + 1)
        options: dict[str, Any] = {"part_size": PART, "metadata": {"name": "Zoë"}}
        first = await storage.put_object(bucket, "key", data, if_none_match="*", **options)
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(bucket, "key", data, if_none_match="*", **options)
        second = await storage.put_object(bucket, "key", data, if_match=first.etag, **options)
        info = await storage.head_object(bucket, "key")
        assert (info.etag, info.metadata) == (second.etag, {"name": "Zoë"})
        assert names_at_service(cloud, bucket) == ["key"]
        assert await storage.list_uploads(bucket).to_list() == []

    @pytest.mark.parametrize("storage_class", [None, "NEARLINE"])
    async def test_metadata_that_headers_cannot_say(
        self, cloud: GcpCloud, bucket: str, storage_class: str | None
    ) -> None:
        metadata = {"wide": "日本語", "empty": "", "plain": "a"}
        await cloud.storage.put_object(
            bucket,
            "a\x01\nb",
            bytes(PART + 1),
            part_size=PART,
            metadata=metadata,
            storage_class=storage_class,
            content_type="text/x-a",
        )
        info = await cloud.storage.head_object(bucket, "a\x01\nb")
        assert (info.metadata, info.storage_class) == (metadata, storage_class)
        assert info.content_type == "text/x-a"
        assert names_at_service(cloud, bucket) == ["a\x01%0Ab"]

    async def test_what_a_killed_program_left_is_hidden_found_and_dropped(
        self, gcs: Server, key_file: dict[str, Any], bucket: str, cloud: GcpCloud
    ) -> None:
        faults = Faults()
        killed = make_storage_cloud(gcs.url, key_file, retry=NoRetry(), interceptors=[faults])
        async with killed:
            faults.lose_request("abort_upload", NetworkError("killed"), times=math.inf)
            faults.lose_request("complete_upload", NetworkError("killed"), times=math.inf)
            for key, condition in (("plain", None), ("condition", "*")):
                with pytest.raises(NetworkError):
                    await killed.storage.put_object(
                        bucket, key, bytes(PART + 1), part_size=PART, if_none_match=condition
                    )
        found = await cloud.storage.list_uploads(bucket).to_list()
        assert sorted(upload.key for upload in found) == ["condition", "plain"]
        assert [u.key for u in await cloud.storage.list_uploads(bucket, prefix="c").to_list()] == [
            "condition"
        ]
        for upload in found:
            await cloud.storage.abort_upload(bucket, upload)
            await cloud.storage.abort_upload(bucket, upload)  # gone already: fine
        assert await cloud.storage.list_uploads(bucket).to_list() == []

    async def test_a_temporary_object_is_hidden_and_dropped_with_its_upload(
        self, gcs: Server, key_file: dict[str, Any], bucket: str, cloud: GcpCloud
    ) -> None:
        storage = cloud.storage
        await storage.put_object(bucket, "key", b"old")
        with pytest.raises(PreconditionFailedError):
            # The condition is checked when the temporary object is there already.
            await storage.put_object(
                bucket, "key", bytes(PART + 1), part_size=PART, if_none_match="*"
            )
        assert names_at_service(cloud, bucket) == ["key"]
        left = "key.~cloudkit-0123456789abcdef~"
        cloud.native.storage.bucket(bucket).blob(left).upload_from_string(b"left")
        assert [entry.key async for entry in storage.list_objects(bucket)] == ["key"]
        assert await storage.object_exists(bucket, left), "who knows it may delete it"
        await storage.delete_object(bucket, left)

    async def test_an_upload_id_of_nowhere_is_refused(
        self, storage: ObjectStorage, bucket: str
    ) -> None:
        with pytest.raises(ValidationError):
            await storage.abort_upload(bucket, PendingUpload(key="key", upload_id="nonsense"))


class TestSessions:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let objects of a few bytes go by sessions."""
        monkeypatch.setattr(writing, "ONE_REQUEST", 1000)

    async def test_conditions_hold(self, storage: ObjectStorage, bucket: str) -> None:
        data = pattern(5000)
        first = await storage.put_object(
            bucket, "key", data, if_none_match="*", metadata={"name": "Zoë"}
        )
        with pytest.raises(PreconditionFailedError):
            await storage.put_object(bucket, "key", bytes(5000), if_none_match="*")
        assert await storage.get_object(bucket, "key", if_match=first.etag) == data
        assert (await storage.head_object(bucket, "key")).metadata == {"name": "Zoë"}

    @pytest.mark.parametrize("action", ["reset", "close"])
    async def test_an_upload_that_breaks_off_goes_on_where_it_stopped(
        self, gcs: Server, key_file: dict[str, Any], bucket: str, action: Any
    ) -> None:
        port = urlsplit(gcs.url).port
        assert port is not None
        data = pattern(3 * MIB)
        async with flaky_endpoint(HOST, port) as endpoint:
            faults = Faults()
            retry = FixedDelay(max_attempts=3, delay=0.01)
            cloud = make_storage_cloud(endpoint.url, key_file, retry=retry, interceptors=[faults])
            async with cloud:
                assert await cloud.storage.bucket_exists(bucket)
                endpoint.break_links(
                    LinkFault(request_bytes=2 * MIB + 5000, action=action), times=1
                )
                stored = await cloud.storage.put_object(bucket, "key", data)
                assert faults.count("put_object") == 2
                assert await cloud.storage.get_object(bucket, "key", if_match=stored.etag) == data
                assert not cloud.storage._writer._sessions

    async def test_a_session_that_has_ended_is_begun_anew(
        self, storage: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send = writing._send_from
        sessions: list[str] = []

        def lose_first(client: Any, session: str, body: bytes, start: int) -> Any:
            sessions.append(session)
            if len(sessions) == 1:
                client.send("DELETE", session, accepted=(499,))
                raise NetworkError("broken")
            return send(client, session, body, start)

        monkeypatch.setattr(writing, "_send_from", lose_first)
        await storage.put_object(bucket, "key", pattern(5000))
        assert len(set(sessions)) == 2
        assert await storage.get_object(bucket, "key") == pattern(5000)

    async def test_an_empty_and_a_small_object_go_by_one_request(
        self, storage: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "_begin", None)
        for body in (b"", b"x" * 1000):
            await storage.put_object(bucket, "key", body)
            assert await storage.get_object(bucket, "key") == body


class TestChecksums:
    async def test_a_download_of_parts_is_verified(
        self, storage: ObjectStorage, bucket: str, tmp_path: Any
    ) -> None:
        await storage.put_object(bucket, "parts", pattern(PART + 1), part_size=PART)
        info = await storage.head_object(bucket, "parts")
        assert set(info.checksums) == {"crc32c"}
        await storage.download_file(bucket, "parts", tmp_path / "file", part_size=MIB)
        assert (tmp_path / "file").read_bytes() == pattern(PART + 1)
        await storage.put_object(bucket, "whole", b"data")
        assert set((await storage.head_object(bucket, "whole")).checksums) == {"crc32c", "md5"}

    async def test_content_that_was_spoilt_on_its_way_is_noticed(
        self, gcs: Server, key_file: dict[str, Any], bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with make_storage_cloud(gcs.url, key_file, retry=NoRetry()) as cloud:
            data = pattern(MIB)
            await cloud.storage.put_object(bucket, "key", data)
            session = cloud.native.storage._http
            send = session.send

            def spoil(*arguments: Any, **options: Any) -> Any:
                response = send(*arguments, **options)
                if "X-Goog-Hash" in response.headers:
                    response.headers["X-Goog-Hash"] = "crc32c=AAAAAA=="
                return response

            monkeypatch.setattr(session, "send", spoil)
            with pytest.raises(IntegrityError):
                await cloud.storage.get_object(bucket, "key")
            async with await cloud.storage.open_object(bucket, "key") as reader:
                with pytest.raises(IntegrityError):
                    await reader.read()
            half = await cloud.storage.get_object(bucket, "key", byte_range=(0, MIB // 2 - 1))
            assert half == data[: MIB // 2], "of a range the checksum says nothing"

    async def test_content_that_is_spoilt_before_it_arrives_is_refused(
        self, gcs: Server, key_file: dict[str, Any], bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "crc32c", lambda body: "AAAAAA==")
        async with make_storage_cloud(gcs.url, key_file, retry=NoRetry()) as cloud:
            with pytest.raises(IntegrityError):
                await cloud.storage.put_object(bucket, "key", b"data")
            assert not await cloud.storage.object_exists(bucket, "key")


KEYS = [
    ".",
    "..",
    ".%",
    ".a",
    ".well-known/acme-challenge/x",
    ".well-known/acme-challenge/y",
    "100%",
    "100%0Ab",
    "a",
    "a\nb",
    "a\nc/1",
    "a\r\n/1",
    "a!",
    "a%",
    "a/1",
    "a/2/x",
    "a0",
    "b/1",
    "ü/1",
    "\uff5e",
    "🦊/1",
    "🦊/2",
]
CASES = [
    ("", None),
    ("", "/"),
    ("", "%"),
    ("", "0"),
    ("", "\n"),
    (".", None),
    ("..", "/"),
    (".w", "/"),
    ("a", "/"),
    ("a\n", None),
    ("a\n", "/"),
    ("100%0", None),
    ("🦊", "/"),
]
STARTS = [None, ".", "..", "a", "a\nb", "a\r", "a/1", "a/2/x", "b/1", "\uff5e", "🦊/1", "🦊/2"]


@pytest.mark.parametrize("page_size", [None, 1, 3])
async def test_listings_are_those_of_the_model(
    storage: ObjectStorage, bucket: str, page_size: int | None
) -> None:
    await put_all(storage, bucket, KEYS)
    await check_listings(storage, bucket, KEYS, CASES, STARTS, page_size, most=1000, ordered=False)
