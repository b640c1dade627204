"""Attributes of objects as headers, there and back."""

from __future__ import annotations

import pytest
from cloudkit.api.storage import ObjectAttributes
from cloudkit.common import ValidationError
from cloudkit.oracle.object_storage.attributes import (
    content_headers,
    to_headers,
    to_info,
)

FOUND = {"etag": "e", "last-modified": "Mon, 02 Jan 2026 03:04:05 GMT", "content-length": "3"}


def test_attributes_come_back():
    attributes = ObjectAttributes(
        content_type="text/plain", cache_control="no-store", metadata={"a": "1", "name": "Zoë"}
    )
    headers = to_headers(attributes, "Archive")
    info = to_info("bucket", "key", {**FOUND, **headers})
    assert info.attributes == attributes
    assert (info.size, info.etag, info.storage_class) == (3, "e", "Archive")


def test_the_type_is_always_told():
    # The SDK would say that it is JSON.
    assert content_headers(ObjectAttributes()) == {"content-type": "application/octet-stream"}


def test_metadata_that_is_too_large_once_encoded_is_refused():
    with pytest.raises(ValidationError, match="once it is encoded"):
        to_headers(ObjectAttributes(metadata={"a": "ü" * 900}), None)


def test_the_size_is_that_of_the_object():
    headers = {**FOUND, "content-range": "bytes 0-2/1000", "content-md5": "AAAA"}
    info = to_info("bucket", "key", headers)
    assert info.size == 1000
    assert info.checksums == {}, "it may be that of the range"


def test_the_checksum_is_that_of_an_object_in_one_piece():
    whole = {**FOUND, "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}
    assert to_info("b", "k", whole).checksums == {"md5": "5d41402abc4b2a76b9719d911017c592"}
    parts = {**FOUND, "opc-multipart-md5": "XUFAKrxLKna5cZ2REBfFkg==-2"}
    assert to_info("b", "k", parts).checksums == {}
    assert to_info("b", "k", {**FOUND, "content-md5": "?"}).checksums == {}
