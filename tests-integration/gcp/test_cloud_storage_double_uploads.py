"""Uploads to the double of Cloud Storage, of every kind that Google's client has."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from gcp.wire import crc32c
from google.api_core import exceptions
from google.cloud.storage import transfer_manager  # type: ignore[import-untyped]
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter

MEBIBYTE = 1024 * 1024
CHUNK = 256 * 1024


def test_small_uploads_go_in_one_request_with_metadata(bucket: Any) -> None:
    blob = bucket.blob("folder/ä + ?#%.txt")
    blob.metadata = {"colour": "grün", "Key": "v"}
    blob.cache_control = "no-store"
    blob.content_disposition = "attachment"
    blob.content_language = "de"
    blob.storage_class = "NEARLINE"
    blob.upload_from_string(b"content", content_type="text/x-test", if_generation_match=0)
    found = bucket.get_blob(blob.name)
    assert found.metadata == {"colour": "grün", "Key": "v"}
    assert (found.content_type, found.cache_control) == ("text/x-test", "no-store")
    assert (found.content_disposition, found.content_language) == ("attachment", "de")
    assert (found.storage_class, found.size) == ("NEARLINE", 7)
    assert found.crc32c == crc32c(b"content")
    assert found.md5_hash == base64.b64encode(hashlib.md5(b"content").digest()).decode()
    assert (found.generation, found.metageneration) == (blob.generation, 1)
    assert found.etag == blob.etag
    assert found.time_created == found.updated
    assert found.component_count is None
    assert found.download_as_bytes() == b"content"


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 33 * CHUNK])
def test_uploads_whose_size_is_told_or_not(bucket: Any, size: int) -> None:
    """The client sends up to 8 MiB in one request if it knows the size; all else is resumable."""
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    told = bucket.blob("told", chunk_size=CHUNK)
    told.upload_from_file(io.BytesIO(data), size=size, content_type="a/b")
    untold = bucket.blob("untold", chunk_size=CHUNK)
    untold.upload_from_file(_Stream(data))
    for blob in (told, untold):
        assert blob.crc32c == crc32c(data)
        assert bucket.blob(blob.name).download_as_bytes() == data
    assert told.content_type == "a/b"


def test_file_objects_write_and_read(bucket: Any) -> None:
    data = b"0123456789abcdef" * 40_000
    with bucket.blob("file").open("wb", chunk_size=CHUNK) as file:
        file.write(data)
    with bucket.blob("file").open("rb", chunk_size=CHUNK) as file:
        assert file.read(5) == b"01234"
        file.seek(600_000)
        assert file.read() == data[600_000:]


def test_a_resumable_upload_goes_on_when_the_answer_is_lost(
    bucket: Any, gcs_client: Any, lossy_transport: _Lossy
) -> None:
    data = bytes(1000) + b"end" * 300_000
    lossy_transport.lose = {2, 4}
    blob = bucket.blob("lost", chunk_size=CHUNK)
    blob.upload_from_file(_Stream(data), retry=DEFAULT_RETRY)
    assert lossy_transport.lost == {2, 4}
    assert bucket.blob("lost").download_as_bytes() == data


def test_content_that_is_not_what_was_told_is_refused(bucket: Any) -> None:
    blob = bucket.blob("wrong")
    blob.crc32c = crc32c(b"other")
    with pytest.raises(exceptions.BadRequest, match="doesn't match calculated CRC32C"):
        blob.upload_from_string(b"content", checksum=None)
    assert not bucket.blob("wrong").exists()


def test_parallel_uploads_in_parts(bucket: Any, tmp_path: Any) -> None:
    path = tmp_path / "large"
    data = bytes(range(256)) * 4096 * 11
    path.write_bytes(data)
    blob = bucket.blob("large")
    blob.metadata = {"k": "v"}
    transfer_manager.upload_chunks_concurrently(
        path,
        blob,
        content_type="a/b",
        chunk_size=5 * MEBIBYTE,
        worker_type=transfer_manager.THREAD,
        checksum="crc32c",
    )
    found = bucket.get_blob("large")
    assert (found.metadata, found.content_type) == ({"k": "v"}, "a/b")
    assert (found.crc32c, found.md5_hash, found.size) == (crc32c(data), None, len(data))
    there = tmp_path / "there"
    transfer_manager.download_chunks_concurrently(
        found, there, chunk_size=4 * MEBIBYTE, worker_type=transfer_manager.THREAD
    )
    assert there.read_bytes() == data


@pytest.mark.parametrize("name", [".", "..", "a\nb", "a\rb", "n" * 1025, "ü" * 513])
def test_names_of_objects_are_checked(bucket: Any, name: str) -> None:
    with pytest.raises(exceptions.BadRequest):
        bucket.blob(name).upload_from_string(b"")
    longest = bucket.blob("ü" * 512)
    longest.upload_from_string(b"")
    assert longest.exists()


def test_metadata_is_limited(bucket: Any) -> None:
    blob = bucket.blob("key")
    blob.metadata = {"k": "v" * 8191}
    blob.upload_from_string(b"")
    blob.metadata = {"k": "v" * 8192}
    with pytest.raises(exceptions.BadRequest, match="8 KiB"):
        blob.patch()


class _Stream(io.RawIOBase):
    """Bytes of which nobody can tell beforehand how many there are."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()


class _Lossy(HTTPAdapter):
    """Sends all requests; answers to some uploads get lost on the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: set[int] = set()
        self.lost: set[int] = set()
        self._sent = 0

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> Any:
        response = super().send(request, *arguments, **options)
        if request.method == "PUT":
            self._sent += 1
            if self._sent in self.lose:
                self.lost.add(self._sent)
                response.close()
                raise requests.ConnectionError("the answer got lost")
        return response


@pytest.fixture
def lossy_transport(gcs_client: Any) -> Iterator[_Lossy]:
    session = gcs_client._http
    plain = session.adapters["http://"]
    lossy = _Lossy()
    session.mount("http://", lossy)
    yield lossy
    session.mount("http://", plain)
    lossy.close()
