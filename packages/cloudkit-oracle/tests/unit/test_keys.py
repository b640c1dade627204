"""Keys as names of objects: each has one, none is shared, and their order is that of the keys."""

from __future__ import annotations

import re

import pytest
from cloudkit.common import ValidationError
from cloudkit.oracle.object_storage.keys import (
    DOTS,
    LAST,
    behind,
    to_key,
    to_name,
    to_place,
    to_prefix,
)
from hypothesis import example, given
from hypothesis import strategies as st

# What the escapes are made of comes often, so that they meet.
awkward = st.text(
    st.sampled_from(list(f"\x00\x01\x02\t\n\x0b\f\r\x0eaz./{LAST}ü🦊")), min_size=1, max_size=12
)
keys = awkward | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
FORBIDDEN = re.compile(r"[\x00\n\r]")


@given(keys)
def test_a_name_leads_back_to_its_key(key):
    assert to_key(to_name(key)) == key


@given(keys)
def test_a_name_holds_nothing_that_the_service_refuses(key):
    assert not FORBIDDEN.search(to_name(key))


@given(keys, keys)
def test_no_two_keys_share_a_name(one, other):
    assert (to_name(one) == to_name(other)) == (one == other)


@given(keys)
def test_most_names_stand_for_themselves(name):
    if name not in DOTS and not re.search(rf"[\x00\x01\n\r]|[\t\f]{LAST}", name):
        assert to_name(name) == name
        assert to_key(name) == name


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x01"))


@given(plain, plain)
@example("a\t", "a\n")
@example("a\tz", "a\nb")
@example("a\x0b", "a\n🦊")
@example("\f", "\r")
@example(".", "./a")
@example("..", ".a")
def test_names_stand_in_the_order_of_keys(one, other):
    # But for what hardly is: characters behind the last one, which are none.
    if not re.search("[\U0010fffd-\U0010ffff]", one + other):
        names, wanted = [to_place(one), to_place(other)], [one, other]
        assert (names[0].encode() < names[1].encode()) == (wanted[0].encode() < wanted[1].encode())


@given(keys, keys)
def test_a_prefix_is_one_of_the_name_too(prefix, rest):
    assert to_name(prefix + rest).startswith(to_prefix(prefix))


@given(keys, keys)
def test_behind_a_prefix_nothing_begins_with_it(prefix, rest):
    group = to_prefix(prefix)
    start = behind(group)
    if start is not None:
        assert start > group + rest or FORBIDDEN.search(rest)
        assert not start.startswith(group)
        assert not FORBIDDEN.search(start)
        start.encode()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("photos/2026/a.jpg", "photos/2026/a.jpg"),
        ("a/../b", "a/../b"),
        ("a\tb", "a\tb"),
        ("a\nb", f"a\t{LAST}b"),
        ("a\rb", f"a\f{LAST}b"),
        (f"a\t{LAST}", f"a\t{LAST}{LAST}"),
        (f"a\n{LAST}", f"a\t{LAST}{LAST}{LAST}"),
        ("\x00", "\x01\x01"),
        ("\x01", "\x01\x02"),
        ("\x02", "\x02"),
        (".", ".\x01"),
        ("..", "..\x01"),
        ("...", "..."),
        (".\x01", ".\x01\x02"),
    ],
)
def test_names_are_as_documented(key, name):
    assert to_name(key) == name
    assert to_key(name) == key


@pytest.mark.parametrize(
    ("prefix", "start"),
    [("a/", "a0"), ("\t", "\x0b"), ("\x0c", "\x0e"), ("\ud7ff", "\ue000"), ("\U0010ffff", None)],
)
def test_what_stands_behind_a_prefix(prefix, start):
    assert behind(prefix) == start


def test_a_key_that_is_too_long_once_escaped_is_refused():
    with pytest.raises(ValidationError):
        to_name("\n" * 205)
    assert to_name("\n" * 204)
