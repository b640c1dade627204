"""Bodies as texts of Notifications, and back."""

from __future__ import annotations

import pytest
from cloudkit.oracle.notifications import decode
from cloudkit.oracle.notifications.capabilities import NOTIFICATIONS_CAPABILITIES
from cloudkit.oracle.notifications.messages import MAX_BYTES, PREFIX, encode
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary() | st.binary().map(PREFIX.encode().__add__) | st.text("aä\n\x00").map(str.encode))
def test_bodies_come_back_as_they_were(body: bytes) -> None:
    text = encode(body)
    assert text
    assert decode(text) == body


def test_readable_texts_are_sent_as_they_are() -> None:
    assert encode("Grüße,\n✓".encode()) == "Grüße,\n✓"
    assert encode(b"").startswith(PREFIX)


def test_what_is_marked_and_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match=r"base64|padding|character"):
        decode(PREFIX + "?")


def test_the_largest_message_fits_in_any_form() -> None:
    assert len(encode(b"\xff" * NOTIFICATIONS_CAPABILITIES.max_message_bytes)) <= MAX_BYTES
