"""Texts, sizes and checksums in headers."""

from __future__ import annotations

import pytest
from cloudkit.core.headers import (
    decode_value,
    encode_value,
    encode_word,
    hex_digest,
    whole_size,
)
from hypothesis import example, given
from hypothesis import strategies as st


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
@example("")
@example("two  spaces")
@example("=?UTF-8?B??=")
@example("=?utf-8?q?no?=")
def test_a_value_comes_back(value):
    for encoded in (encode_value(value), encode_word(value)):
        assert encoded
        assert encoded.isascii()
        assert decode_value(encoded) == value


def test_a_plain_value_stays_as_it_is():
    assert encode_value("Ada Lovelace") == "Ada Lovelace"


@pytest.mark.parametrize("value", ["=?utf-8?q?broken", "=?no-such-charset?b?YQ==?=", "a=?b"])
def test_what_is_no_encoded_text_stays(value):
    assert decode_value(value) == value


def test_what_other_tools_have_encoded_is_read():
    assert decode_value("=?utf-8?q?Zo=C3=AB?= =?utf-8?b?IQ==?=") == "Zoë!"


@pytest.mark.parametrize(
    ("content_range", "size"),
    [(None, 10), ("", 10), ("bytes 0-9/1000", 1000), ("bytes 0-9/*", 10)],
)
def test_the_size_is_that_of_the_whole(content_range, size):
    assert whole_size(content_range, "10") == size


def test_the_length_need_not_be_there_where_the_range_tells():
    assert whole_size("bytes 0-9/1000", None) == 1000
    with pytest.raises(ValueError, match="invalid"):
        whole_size(None, None)


def test_a_checksum_is_had_in_hex():
    assert hex_digest("XUFAKrxLKna5cZ2REBfFkg==") == "5d41402abc4b2a76b9719d911017c592"
    assert hex_digest(None) is None
    assert hex_digest("?") is None
