"""Ranges, checksums, part sizes: the arithmetic of transfers."""

import hashlib
import zlib
from typing import Any

import pytest
from attrs import fields
from cloudkit.api import ByteRange, Checksum, ObjectAttributes, ObjectInfo
from cloudkit.api.storage.body import PartSizes
from cloudkit.api.storage.contract import _media_type
from cloudkit.api.storage.operations import DeleteObject, PresignGet, PutObject, checked_metadata
from cloudkit.common import (
    StorageCapabilities,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)
from hypothesis import given
from hypothesis import strategies as st


@given(size=st.integers(1, 300), first=st.integers(0, 300), length=st.integers(1, 300))
def test_a_range_selects_what_slicing_does(size: int, first: int, length: int) -> None:
    data = bytes(i % 256 for i in range(size))
    byte_range = ByteRange.of((first, first + length - 1))
    if first >= size:
        with pytest.raises(ValidationError) as caught:
            byte_range.resolve(size)
        assert caught.value.status == 416
    else:
        start, stop = byte_range.resolve(size)
        assert data[start:stop] == data[first : first + length]


@given(size=st.integers(0, 300), suffix=st.integers(0, 400))
def test_a_suffix_never_fails(size: int, suffix: int) -> None:
    start, stop = ByteRange.of((None, suffix)).resolve(size)
    assert (start, stop) == (max(0, size - suffix), size)


@pytest.mark.parametrize("value", [(5, 4), (-1, 3), (None, None), (True, 2), (1.0, 2), (1,), "0-9"])
def test_numbers_that_make_no_range_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        ByteRange.of(value)


def test_ranges_as_http_headers() -> None:
    assert ByteRange.of((0, 99)).header == "bytes=0-99"
    assert ByteRange.of((100, None)).header == "bytes=100-"
    assert ByteRange.of((None, 5)).header == "bytes=-5"


@given(st.binary(max_size=100))
def test_checksums_are_those_of_the_standard_library(data: bytes) -> None:
    assert Checksum.of("md5", data).digest == hashlib.md5(data).hexdigest()
    assert Checksum.of("sha256", data).digest == hashlib.sha256(data).hexdigest()
    assert int(Checksum.of("crc32", data).digest, 16) == zlib.crc32(data)


def test_crc32c_is_castagnolis():
    assert Checksum.of("crc32c", b"123456789").digest == "e3069283"
    assert Checksum.of("crc32c", memoryview(bytearray(32))).digest == "8a9136aa"


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("md5", "ab"), ("md5", "A" * 32), ("sha3", "00"), ("crc32", "zzzzzzzz")],
)
def test_a_checksum_that_can_never_match_is_refused(algorithm: str, digest: str) -> None:
    with pytest.raises(ValidationError):
        Checksum(algorithm, digest)  # type: ignore[arg-type]


@given(length=st.integers(0, 10**14), part=st.integers(1, 10**8))
def test_parts_of_a_known_length_fit_into_the_limit(length: int, part: int) -> None:
    largest = 5 * 1024**3
    size = next(iter(PartSizes(part, 10_000, largest, length)))
    assert size >= part or size == largest
    assert size * 10_000 >= min(length, largest * 10_000)


def test_parts_of_an_unknown_length_grow_so_that_terabytes_fit() -> None:
    sizes = iter(PartSizes(8 * 1024**2, 10_000, 5 * 1024**3, None))
    assert sum(next(sizes) for _ in range(10_000)) > 5 * 1024**4


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.html", "text/html"),
        ("photos/2026/a.JPG", "image/jpeg"),
        ("archive.tar.gz", "application/gzip"),
        ("folder.txt/file", "application/octet-stream"),
        ("http://evil.example/x.png", "image/png"),
        ("", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
    ],
)
def test_media_types_are_guessed_from_the_last_part_of_the_key(key: str, expected: str) -> None:
    assert _media_type(key) == expected


@pytest.mark.parametrize(
    "metadata",
    [
        {"": "x"},
        {"ü": "x"},
        {"a b": "x"},
        {"A": "1", "a": "2"},
        {"a": "x\r\ny"},
        {"a": " x"},
        "a",
        ["a"],
    ],
)
def test_metadata_that_would_be_mangled_is_refused(metadata: Any) -> None:
    with pytest.raises(ValidationError):
        checked_metadata(metadata)


def test_metadata_names_are_lowercased() -> None:
    assert checked_metadata({"Owner": "Ada", "x-y.z_1": ""}) == {"owner": "Ada", "x-y.z_1": ""}


@pytest.mark.parametrize("value", ["text/ä", "a\nb", "", 3])
def test_headers_that_cannot_be_sent_are_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="content_type"):
        PutObject(
            bucket="abc",
            key="k",
            body=b"",
            attributes=ObjectAttributes(content_type=value),  # type: ignore[arg-type]
        )


def test_only_unconditional_writes_may_be_repeated() -> None:
    put = PutObject(bucket="abc", key="k", body=b"")
    assert put.idempotent
    assert not PutObject(bucket="abc", key="k", body=b"", if_none_match="*").idempotent
    assert DeleteObject(bucket="abc", key="k").idempotent
    assert not DeleteObject(bucket="abc", key="k", missing_ok=False).idempotent


@pytest.mark.parametrize(
    "options",
    [{"if_none_match": "etag"}, {"if_match": "a", "if_none_match": "*"}, {"if_match": ""}],
)
def test_conditions_that_mean_nothing_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PutObject(bucket="abc", key="k", body=b"", **options)


def test_limits_and_flags_are_checked_before_sending() -> None:
    small = StorageCapabilities(conditional_put=False, reasons={"conditional_put": "Too old."})
    operation = PutObject(bucket="abc", key="k", body=b"", if_none_match="*")
    with pytest.raises(UnsupportedOperationError, match="Too old") as caught:
        operation.check(small)
    assert caught.value.capability == "storage.conditional_put"
    with pytest.raises(ValidationError, match="1,024"):
        PutObject(bucket="abc", key="k" * 1025, body=b"").check(StorageCapabilities())
    with pytest.raises(ValidationError, match="expires_in"):
        PresignGet(bucket="abc", key="k", expires_in=8 * 86400).check(StorageCapabilities())


def test_attributes_are_arguments_of_a_write() -> None:
    attributes = ObjectAttributes(
        content_type="text/plain",
        content_encoding="gzip",
        content_disposition="inline",
        content_language="en",
        cache_control="no-store",
        metadata={"by": "ann"},
    )
    options: Any = attributes.options()
    assert ObjectAttributes(**options) == attributes
    assert set(options) == {field.name for field in fields(ObjectAttributes)}


@pytest.mark.parametrize(
    ("checksums", "expected"),
    [
        ({}, None),
        ({"sha256": Checksum.of("sha256", b"x").digest}, "sha256"),
        ({"sha256": Checksum.of("sha256", b"x").digest, "crc32": "8cdc1683"}, "crc32"),
        ({"md5": Checksum.of("md5", b"x").digest, "crc64nvme": "0" * 16}, "md5"),
        ({"crc64nvme": "0" * 16}, None),
        ({"crc32": "not that of a whole object"}, None),
    ],
)
def test_the_checksum_is_one_that_can_be_computed(
    checksums: dict[str, str], expected: str | None
) -> None:
    info = ObjectInfo(
        bucket="b", key="k", size=1, etag="e", last_modified=utc_now(), checksums=checksums
    )
    if expected is None:
        assert info.checksum is None
    else:
        assert info.checksum == Checksum.of(expected, b"x")
