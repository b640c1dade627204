"""Keys as names of blobs: each has one, none is shared, and prefixes find all that they should."""

from __future__ import annotations

import re

import pytest
from cloudkit.azure.blob.keys import to_delimiter, to_key, to_name, to_prefix
from cloudkit.common import ValidationError
from hypothesis import given
from hypothesis import strategies as st

# What the escapes are made of comes often, so that they meet.
awkward = st.text(
    st.sampled_from(list("%25EF0107C./\\aA\x00\x01\x1f\x7f~ü🦊")), min_size=1, max_size=12
)
keys = awkward | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]|\.(?:/|\Z)")


@given(keys)
def test_a_name_leads_back_to_its_key(key):
    assert to_key(to_name(key)) == key


@given(keys)
def test_a_name_holds_nothing_that_the_service_changes(key):
    assert not FORBIDDEN.search(to_name(key))


@given(keys, keys)
def test_no_two_keys_share_a_name(one, other):
    assert (to_name(one) == to_name(other)) == (one == other)


@given(keys)
def test_every_name_that_the_service_keeps_belongs_to_a_key(name):
    # So blobs that other tools wrote can be read under the keys they are listed by.
    if not FORBIDDEN.search(name):
        assert to_name(to_key(name)) == name


@given(keys, keys)
def test_a_prefix_is_one_of_the_name_too(prefix, rest):
    assert to_name(prefix + rest).startswith(to_prefix(prefix))
    assert to_name(prefix).startswith(to_prefix(prefix))


@given(keys, st.sampled_from(["/", "\\", "abc", "-", " "]), keys)
def test_a_delimiter_is_found_where_it_stands_in_the_key(head, delimiter, tail):
    at_service = to_delimiter(delimiter)
    assert at_service is not None
    key = head + delimiter + tail
    common = key[: key.index(delimiter) + len(delimiter)]
    name = to_name(key)
    assert to_key(name[: name.index(at_service) + len(at_service)]) == common


@pytest.mark.parametrize("delimiter", [".", "%", "2", "5C", "/.", "A"])
def test_a_delimiter_that_escapes_could_hold_is_not_left_to_the_service(delimiter):
    assert to_delimiter(delimiter) is None


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("photos/2026/a.jpg", "photos/2026/a.jpg"),
        ("100%", "100%"),
        ("a%20b", "a%20b"),
        ("a%2Fb", "a%2Fb"),
        ("a/../b", "a/.%2E/b"),
        ("..", ".%2E"),
        ("a.", "a%2E"),
        ("a\\b", "a%5Cb"),
        ("%01", "%2501"),
        ("%2501", "%252501"),
        ("\x01", "%01"),
        ("/a//b/", "/a//b/"),
    ],
)
def test_names_are_as_documented(key, name):
    assert to_name(key) == name
    assert to_key(name) == key


def test_a_key_that_is_too_long_once_escaped_is_refused():
    with pytest.raises(ValidationError):
        to_name("\\" * 342)
    assert to_name("\\" * 341)
