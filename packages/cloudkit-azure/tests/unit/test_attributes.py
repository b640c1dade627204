"""Attributes as headers, and back."""

from __future__ import annotations

import re

import pytest
from cloudkit.api.storage import ObjectAttributes
from cloudkit.azure.blob.attributes import (
    decode_name,
    encode_name,
    to_headers,
    to_info,
)
from cloudkit.common import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)


@given(names)
@example("_x002d_")
@example("a_x005f_x002d_")
@example("9.-_x")
def test_a_metadata_name_comes_back(name):
    encoded = encode_name(name)
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", encoded), "an identifier of C#"
    assert decode_name(encoded) == name
    assert decode_name(encoded.upper()) == name, "headers have no case"


@given(names, names)
def test_no_two_metadata_names_meet(one, other):
    assert (encode_name(one) == encode_name(other)) == (one == other)


def test_a_plain_metadata_name_stays_as_it_is():
    assert encode_name("owner_id") == "owner_id"


def test_metadata_that_is_too_large_once_encoded_is_refused():
    attributes = ObjectAttributes(metadata={"name": "ä" * 4000})
    with pytest.raises(ValidationError):
        to_headers(attributes)


HEADERS = {
    "ETag": '"0x1"',
    "Last-Modified": "Mon, 23 Nov 2026 18:40:37 GMT",
    "Content-Length": "10",
    "Content-Type": "text/plain",
    "Content-MD5": "jXd/OF09/siBXSD3SWAm3A==",
    "x-ms-meta-a_x002d_b": "c",
}


def test_facts_are_read_from_headers():
    info = to_info("bucket", "key", HEADERS)
    assert (info.size, info.etag, info.content_type) == (10, '"0x1"', "text/plain")
    assert info.metadata == {"a-b": "c"}
    assert info.checksums == {"md5": "8d777f385d3dfec8815d20f7496026dc"}
    assert info.storage_class is None
    assert info.last_modified.isoformat() == "2026-11-23T18:40:37+00:00"


def test_the_checksum_and_size_of_a_range_are_not_those_of_the_object():
    info = to_info("bucket", "key", {**HEADERS, "Content-Range": "bytes 0-9/1000"})
    assert (info.size, info.checksums) == (1000, {})
    whole = {"Content-Range": "bytes 0-9/1000", "x-ms-blob-content-md5": HEADERS["Content-MD5"]}
    assert to_info("bucket", "key", {**HEADERS, **whole}).checksums["md5"].startswith("8d77")


def test_the_default_tier_is_no_storage_class():
    tier = {**HEADERS, "x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true"}
    assert to_info("bucket", "key", tier).storage_class is None
    cool = {**HEADERS, "x-ms-access-tier": "Cool"}
    assert to_info("bucket", "key", cool).storage_class == "Cool"
