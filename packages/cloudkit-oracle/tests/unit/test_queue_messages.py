"""Messages in Queue's form, and back."""

from __future__ import annotations

import pytest
from cloudkit.common import PayloadTooLargeError
from cloudkit.oracle.capabilities import ORACLE_CAPABILITIES
from cloudkit.oracle.queue.messages import (
    BASE64,
    ENCODING,
    MAX_BYTES,
    REASON,
    Encoded,
    decode,
    encode,
    from_entry,
    to_entry,
    with_reason,
    without_reason,
)
from cloudkit.oracle.queue.names import MAX_LENGTH, dead_name, is_dead
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.startswith("cloudkit.")
)


@given(st.binary() | TEXTS.map(str.encode), st.dictionaries(NAMES, TEXTS, max_size=5))
def test_messages_come_back_as_they_were(body: bytes, attributes: dict[str, str]) -> None:
    sent = from_entry(to_entry(encode(body, attributes)))
    assert sent.content
    decoded = decode(sent.content, sent.properties)
    assert (decoded.body, decoded.attributes, decoded.reason) == (body, attributes, None)


def test_readable_texts_are_sent_as_they_are() -> None:
    encoded = encode("Grüße,\n\t✓ \U0001f600".encode(), {"colour": "röt"})
    assert encoded == Encoded("Grüße,\n\t✓ \U0001f600", {"colour": "röt"})
    assert to_entry(encode(b"plain", {})).metadata is None


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff", b"\x7f", b"\xef\xbf\xbf"])
def test_other_bodies_are_sent_as_base64(body: bytes) -> None:
    encoded = encode(body, {})
    assert encoded.properties == {ENCODING: "base64"}
    assert to_entry(encoded).metadata.channel_id == "cloudkit"


def test_values_that_look_encoded_are_encoded() -> None:
    encoded = encode(b"x", {"a": BASE64 + "eA=="})
    assert decode(encoded.content, encoded.properties).attributes == {"a": BASE64 + "eA=="}


@pytest.mark.parametrize(
    ("content", "properties", "body", "attributes"),
    [
        ("not base64!", {ENCODING: "base64"}, b"not base64!", {}),
        ("text", {ENCODING: "other"}, b"text", {}),
        ("text", {"a": BASE64 + "?"}, b"text", {"a": BASE64 + "?"}),
        ("text", None, b"text", {}),
    ],
)
def test_what_others_send_is_taken_as_it_is(
    content: str, properties: dict[str, str] | None, body: bytes, attributes: dict[str, str]
) -> None:
    decoded = decode(content, properties)
    assert (decoded.body, decoded.attributes) == (body, attributes)


def test_reasons_come_and_go() -> None:
    encoded = encode(b"x", {"a": "b"})
    dead = with_reason(encoded, "why\x00")
    assert decode(dead.content, dead.properties).reason == "why\x00"
    assert without_reason(dead) == encoded
    assert with_reason(encoded, "") is encoded
    assert REASON in with_reason(encoded, "ä" * 5000).properties
    full = encode(b"x" * (MAX_BYTES - 10), {})
    assert with_reason(full, "a long reason") is full


def test_a_channel_of_others_is_kept() -> None:
    entry = to_entry(encode(b"x", {}, "theirs"))
    assert entry.metadata.channel_id == "theirs"
    assert from_entry(entry).channel == "theirs"


def test_the_largest_message_fits_in_any_form() -> None:
    limit = ORACLE_CAPABILITIES.queue.max_message_bytes
    attributes = {f"name{number}": "\x00" * 100 for number in range(10)}
    size = sum(len(name) + len(value) for name, value in attributes.items())
    encode(b"\xff" * (limit - size), attributes).check_size()
    with pytest.raises(PayloadTooLargeError, match="256,000"):
        encode(b"\xff" * (MAX_BYTES * 3 // 4 + 1), {}).check_size()


@given(st.text("ab", min_size=1, max_size=255))
def test_places_of_dead_letters_have_names_of_their_own(name: str) -> None:
    dead = dead_name(name)
    assert is_dead(dead)
    assert len(dead) <= MAX_LENGTH
    assert not is_dead(name)
    assert dead != dead_name(name[:-1] + "c")
