"""Keys as names of objects: each has one, none is shared, and prefixes find all that they should."""

from __future__ import annotations

import pytest
from cloudkit.common import ValidationError
from cloudkit.gcp.storage.keys import to_delimiter, to_key, to_name, to_prefix, to_start
from hypothesis import given
from hypothesis import strategies as st

ACME = ".well-known/acme-challenge"
# What the escapes are made of comes often, so that they meet.
pieces = st.sampled_from(["%", "25", "0A", "0D", "0", "\r", "\n", ".", "/", ACME, "a", "ü", "🦊"])
awkward = st.lists(pieces, min_size=1, max_size=8).map("".join)
keys = awkward | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def forbidden(name):
    return "\r" in name or "\n" in name or name in {".", ".."} or name.startswith(f"{ACME}/")


@given(keys)
def test_a_name_leads_back_to_its_key(key):
    assert to_key(to_name(key)) == key


@given(keys)
def test_a_name_is_one_that_the_service_takes(key):
    assert not forbidden(to_name(key))


@given(keys, keys)
def test_no_two_keys_share_a_name(one, other):
    assert (to_name(one) == to_name(other)) == (one == other)


@given(keys)
def test_every_name_that_the_service_keeps_belongs_to_a_key(name):
    # So objects that other tools wrote can be read under the keys they are listed by.
    if not forbidden(name):
        assert to_name(to_key(name)) == name


@given(keys, keys)
def test_a_prefix_is_one_of_the_name_too(prefix, rest):
    assert to_name(prefix + rest).startswith(to_prefix(prefix))
    assert to_name(prefix).startswith(to_prefix(prefix))


@given(keys, keys)
def test_no_key_behind_another_has_a_name_before_its_start(key, other):
    start, _ = to_start(key)
    if other.encode() > key.encode():
        assert to_name(other).encode() >= start.encode()


def test_a_listing_begins_exactly_behind_a_key_without_escapes():
    assert to_start("a/b") == ("a/b\0", True)
    assert to_start("a\nb") == ("a", False)
    assert to_start("..") == ("..", False)


@given(keys, st.sampled_from(["/", "\\", "abc", "-", " ", "\n", "\r"]), keys)
def test_a_delimiter_is_found_where_it_stands_in_the_key(head, delimiter, tail):
    at_service = to_delimiter(delimiter)
    assert at_service is not None
    key = head + delimiter + tail
    common = key[: key.index(delimiter) + len(delimiter)]
    name = to_name(key)
    assert to_key(name[: name.index(at_service) + len(at_service)]) == common


@pytest.mark.parametrize("delimiter", ["%", "2", "0", "A", "5/"])
def test_a_delimiter_that_escapes_could_hold_is_not_left_to_the_service(delimiter):
    assert to_delimiter(delimiter) is None


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("photos/2026/a.jpg", "photos/2026/a.jpg"),
        ("100%", "100%"),
        ("a%20b", "a%20b"),
        ("a/../b", "a/../b"),
        ("a\nb", "a%0Ab"),
        ("a\r\nb", "a%0D%0Ab"),
        ("a%0Ab", "a%250Ab"),
        (".", ".%"),
        ("..", "..%"),
        (".%", ".%25"),
        ("...", "..."),
        (f"{ACME}/x", f"{ACME}%/x"),
        (f"{ACME}%/x", f"{ACME}%25/x"),
        (ACME, ACME),
        ("/a//b/", "/a//b/"),
    ],
)
def test_names_are_as_documented(key, name):
    assert to_name(key) == name
    assert to_key(name) == key


def test_a_key_that_is_too_long_once_escaped_is_refused():
    with pytest.raises(ValidationError):
        to_name("\n" * 342)
    assert to_name("\n" * 341)
