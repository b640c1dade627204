"""The double of Cloud Storage, driven by Google's client."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from emulators.cloud_storage import cloud_storage
from emulators.process import Server
from gcp.wire import crc32c
from google.api_core import exceptions
from google.auth.exceptions import InvalidOperation
from google.cloud.storage import Client  # type: ignore[import-untyped]
from google.cloud.storage.exceptions import DataCorruption  # type: ignore[import-untyped]

MEBIBYTE = 1024 * 1024


def test_buckets_are_made_found_listed_and_deleted(gcs_client: Any) -> None:
    names = [f"listed-{letter}" for letter in "cab"]
    for name in names:
        gcs_client.create_bucket(name)
    bucket = gcs_client.get_bucket("listed-a")
    assert (bucket.name, bucket.location, bucket.storage_class) == ("listed-a", "US", "STANDARD")
    assert bucket.metageneration == 1
    assert bucket.time_created is not None
    pages = gcs_client.list_buckets(prefix="listed-", page_size=2).pages
    assert [[found.name for found in page] for page in pages] == [
        ["listed-a", "listed-b"],
        ["listed-c"],
    ]
    for name in names:
        gcs_client.bucket(name).delete()
    assert not gcs_client.bucket("listed-a").exists()
    with pytest.raises(exceptions.NotFound):
        gcs_client.get_bucket("listed-a")


def test_a_bucket_exists_once_and_is_deleted_only_when_empty(gcs_client: Any, bucket: Any) -> None:
    with pytest.raises(exceptions.Conflict, match="you already own it") as taken:
        gcs_client.create_bucket(bucket.name)
    assert taken.value.errors[0]["reason"] == "conflict"
    with pytest.raises(exceptions.Conflict, match="not available"):
        gcs_client.create_bucket(bucket.name, project="others")
    bucket.blob("one").upload_from_string(b"1")
    with pytest.raises(exceptions.Conflict, match="not empty"):
        bucket.delete()


@pytest.mark.parametrize(
    "name", ["ab", "Upper", "-a-b", "a" * 64, "goog-a", "my-google-b", "127.0.0.1", "a..b"]
)
def test_names_of_buckets_are_checked(gcs_client: Any, name: str) -> None:
    with pytest.raises((exceptions.BadRequest, ValueError)):
        gcs_client.create_bucket(name)


def test_generations_grow_and_metagenerations_begin_anew(bucket: Any) -> None:
    blob = bucket.blob("key")
    blob.upload_from_string(b"1")
    first = blob.generation
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch()
    assert (blob.generation, blob.metageneration) == (first, 2)
    blob.metadata = {"a": None, "c": "3"}
    blob.patch()
    assert blob.metadata == {"b": "2", "c": "3"}
    blob.update()
    assert (blob.metadata, blob.metageneration) == ({"b": "2", "c": "3"}, 4)
    blob.upload_from_string(b"2")
    assert blob.generation > first
    assert blob.metageneration == 1
    assert bucket.get_blob("key", generation=first) is None


def test_ranges_of_content(bucket: Any) -> None:
    bucket.blob("key").upload_from_string(b"0123456789")
    blob = bucket.blob("key")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=7) == b"789"
    assert blob.download_as_bytes(start=-3) == b"789"
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=10)
    with pytest.raises(exceptions.NotFound, match="No such object"):
        bucket.blob("none").download_as_bytes()


def test_gzipped_content_is_unpacked_or_not(bucket: Any) -> None:
    blob = bucket.blob("zipped")
    blob.content_encoding = "gzip"
    packed = gzip.compress(b"content")
    blob.upload_from_string(packed)
    assert blob.download_as_bytes() == b"content"
    assert blob.download_as_bytes(raw_download=True) == packed


def test_corrupt_downloads_are_seen_by_the_client(bucket: Any, gcs_client: Any) -> None:
    bucket.blob("key").upload_from_string(b"content")
    session = gcs_client._http
    send = session.send

    def corrupt(*arguments: Any, **options: Any) -> Any:
        response = send(*arguments, **options)
        if response.headers.get("X-Goog-Hash"):
            response.headers["X-Goog-Hash"] = f"crc32c={crc32c(b'other')}"
        return response

    session.send = corrupt
    try:
        with pytest.raises(DataCorruption):
            bucket.blob("key").download_as_bytes(checksum="crc32c")
    finally:
        del session.send


def test_listings_are_ordered_by_bytes_and_paged(bucket: Any) -> None:
    names = ["a", "a/1", "a/2/x", "b", "B", "é", "z", "\U0001f600", "\uffee"]
    for name in names:
        bucket.blob(name).upload_from_string(b"")
    ordered = sorted(names, key=lambda name: name.encode())
    pages = bucket.list_blobs(page_size=2).pages
    found = [[blob.name for blob in page] for page in pages]
    assert [name for page in found for name in page] == ordered
    assert {len(page) for page in found[:-1]} == {2}
    within = bucket.list_blobs(start_offset="a/1", end_offset="b")
    assert [blob.name for blob in within] == ["a/1", "a/2/x"]
    assert [blob.name for blob in bucket.list_blobs(prefix="a/")] == ["a/1", "a/2/x"]
    assert [blob.name for blob in bucket.list_blobs(max_results=3)] == ordered[:3]


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_listings_with_a_delimiter(bucket: Any, page_size: int) -> None:
    for name in ("a", "a/", "a/1", "a/b/2", "b/3", "c"):
        bucket.blob(name).upload_from_string(b"")
    plain = bucket.list_blobs(delimiter="/", page_size=page_size)
    assert [blob.name for blob in plain] == ["a", "c"]
    assert plain.prefixes == {"a/", "b/"}
    trailing = bucket.list_blobs(
        delimiter="/", include_trailing_delimiter=True, page_size=page_size
    )
    assert [blob.name for blob in trailing] == ["a", "a/", "c"]
    assert trailing.prefixes == {"a/", "b/"}
    below = bucket.list_blobs(prefix="a/", delimiter="/", page_size=page_size)
    assert [blob.name for blob in below] == ["a/", "a/1"]
    assert below.prefixes == {"a/b/"}


def test_only_the_fields_that_were_asked_for(bucket: Any) -> None:
    bucket.blob("key").upload_from_string(b"1")
    (blob,) = bucket.list_blobs(fields="items(name,size),nextPageToken")
    assert blob._properties == {"name": "key", "size": "1"}


def test_copies_keep_metadata_unless_they_are_given_some(bucket: Any) -> None:
    blob = bucket.blob("source")
    blob.metadata = {"k": "v"}
    blob.upload_from_string(b"content", content_type="a/b")
    copy = bucket.copy_blob(blob, bucket, "copy", if_generation_match=0)
    assert (copy.metadata, copy.content_type) == ({"k": "v"}, "a/b")
    target = bucket.blob("other")
    target.metadata = {"new": "1"}
    target.rewrite(blob)
    assert (target.metadata, target.content_type) == ({"new": "1"}, None)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(blob, bucket, "copy", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(blob, bucket, "third", if_source_generation_match=1)


def test_rewrites_take_several_calls_when_bytes_must_move(bucket: Any) -> None:
    data = b"r" * (5 * MEBIBYTE + 1)
    source = bucket.blob("source")
    source.upload_from_string(data)
    target = bucket.blob("target")
    target.storage_class = "COLDLINE"
    progress = []
    rewrite_token = None
    while True:
        rewrite_token, done, total = target.rewrite(source, token=rewrite_token)
        progress.append(done)
        assert total == len(data)
        if rewrite_token is None:
            break
        assert not bucket.blob("target").exists()
    assert progress == [2 * MEBIBYTE, 4 * MEBIBYTE, len(data)]
    assert target.storage_class == "COLDLINE"
    assert bucket.blob("target").download_as_bytes() == data
    same = bucket.blob("same")
    assert same.rewrite(source) == (None, len(data), len(data))


def test_compose(bucket: Any) -> None:
    parts = []
    for number in range(3):
        part = bucket.blob(f"part-{number}")
        part.upload_from_string(str(number) * 3)
        parts.append(part)
    whole = bucket.blob("whole")
    whole.content_type = "text/plain"
    whole.compose(parts, if_generation_match=0)
    assert bucket.blob("whole").download_as_bytes() == b"000111222"
    assert (whole.component_count, whole.md5_hash) == (3, None)
    assert whole.crc32c == crc32c(b"000111222")
    twice = bucket.blob("twice")
    twice.compose([whole, whole])
    assert twice.component_count == 6
    with pytest.raises(exceptions.PreconditionFailed):
        whole.compose(parts, if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        whole.compose(parts, if_source_generation_match=[1, None, None])
    with pytest.raises(exceptions.NotFound):
        whole.compose([bucket.blob("none")])
    with pytest.raises(exceptions.BadRequest, match="32"):
        whole.compose([parts[0]] * 33)


def test_preconditions_of_every_kind(bucket: Any) -> None:
    blob = bucket.blob("key")
    blob.upload_from_string(b"1", if_generation_match=0)
    generation = blob.generation
    failing: list[dict[str, int]] = [
        {"if_generation_match": 0},
        {"if_generation_match": generation + 1},
        {"if_generation_not_match": generation},
        {"if_metageneration_match": 2},
        {"if_metageneration_not_match": 1},
    ]
    for condition in failing:
        for change in (blob.patch, blob.update, bucket.blob("key").delete):
            with pytest.raises(exceptions.PreconditionFailed):
                change(**condition)
        # In uploads the client misspells this one, as ifMetaGenerationNotMatch.
        if "if_metageneration_not_match" not in condition:
            with pytest.raises(exceptions.PreconditionFailed) as failed:
                bucket.blob("key").upload_from_string(b"2", **condition)
            assert failed.value.code == 412
        expected: type[Exception] = (
            exceptions.NotModified
            if "not" in next(iter(condition))
            else exceptions.PreconditionFailed
        )
        with pytest.raises(expected):
            bucket.blob("key").reload(**condition)
        with pytest.raises(expected):
            bucket.blob("key").download_as_bytes(**condition)
    blob.reload(if_generation_match=generation, if_metageneration_match=1)
    assert blob.download_as_bytes(if_generation_match=generation) == b"1"
    blob.delete(if_generation_match=generation)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("key").delete(if_generation_match=generation)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("key").upload_from_string(b"2", if_generation_match=generation)
    bucket.blob("key").upload_from_string(b"2", if_generation_not_match=generation)


def test_batches_answer_each_call(bucket: Any, gcs_client: Any) -> None:
    names = [f"key-{number} ü" for number in range(5)]
    for name in names:
        bucket.blob(name).upload_from_string(b"")
    with gcs_client.batch(raise_exception=False) as batch:
        for name in [*names, "missing"]:
            bucket.blob(name).delete()
        blob = bucket.blob(names[0])
        blob.delete(if_generation_match=7)
    assert [answer.status_code for answer in batch._responses] == [204] * 5 + [404, 404]
    assert "No such object" in batch._responses[5].json()["error"]["message"]
    assert list(bucket.list_blobs()) == []


def test_batches_are_limited(bucket: Any, gcs_client: Any) -> None:
    batch = gcs_client.batch()
    for number in range(101):
        batch._do_request("DELETE", f"/storage/v1/b/{bucket.name}/o/{number}", {}, None, None)
    with pytest.raises(exceptions.BadRequest, match="100"):
        batch.finish()


def test_clients_without_credentials_are_let_in_only_by_an_emulator(
    gcs: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
    client = Client()
    # The client wants to renew what it has when it is told that this is not enough.
    with pytest.raises(InvalidOperation, match="cannot be refreshed"):
        client.create_bucket("nobodys")
    client.close()
    with cloud_storage(anonymous=True) as emulator:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        client = Client()
        client.create_bucket("everybodys").blob("key").upload_from_string(b"1")
        assert client.bucket("everybodys").blob("key").download_as_bytes() == b"1"
        client.close()
