"""Messages in Streaming's form, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.api.messaging import OutgoingMessage
from cloudkit.common import PayloadTooLargeError
from cloudkit.oracle.streaming.addresses import Settings
from cloudkit.oracle.streaming.capabilities import BATCH, STREAMING_QUEUE_CAPABILITIES
from cloudkit.oracle.streaming.messages import (
    MARK,
    MAX_BYTES,
    Content,
    decode,
    from_message,
    to_entry,
)
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
GROUPS = st.none() | st.text("abc:/1", min_size=1, max_size=128)


@given(st.binary() | st.binary().map(MARK.__add__), st.dictionaries(TEXTS, TEXTS), GROUPS)
def test_messages_come_back_as_they_were(
    body: bytes, attributes: dict[str, str], group: str | None
) -> None:
    content = Content(body, attributes, group)
    assert decode(content.key().decode(), content.value()) == content


def test_a_body_alone_is_the_value() -> None:
    assert Content(b"\x00\xff").value() == b"\x00\xff"
    assert Content(b"").value() == b""


def test_messages_without_a_group_have_keys_of_their_own() -> None:
    keys = {Content(b"").key() for _ in range(5)}
    assert len(keys) == 5
    assert {decode(key.decode(), b"").group for key in keys} == {None}


def test_a_reason_is_cut_off() -> None:
    content = decode("key", Content(b"x", {}, "key", "ä" * 5000).value())
    assert content.reason == "ä" * 1024


@pytest.mark.parametrize(
    "value",
    [
        MARK,
        MARK + b"\x00\x00\x00\x05{....",
        MARK + b"\x00\x00\x00\x02[]x",
        MARK + b"\xff\xff\xff\xff",
    ],
)
def test_what_others_begin_like_ours_is_taken_as_it_is(value: bytes) -> None:
    assert decode("key", value) == Content(value, {}, "key")


def test_the_sdk_gives_what_it_took() -> None:
    entry = to_entry(Content(b"\xff", {"a": "b"}, "group"))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    told: Any = SimpleNamespace(
        key=entry.key, value=entry.value, partition="3", offset=7, timestamp=moment
    )
    record = from_message(told)
    assert (record.id, record.sent_at) == ("3:7", moment)
    assert record.content == Content(b"\xff", {"a": "b"}, "group")


def test_the_largest_messages_fit_and_larger_ones_do_not() -> None:
    limit = STREAMING_QUEUE_CAPABILITIES.max_message_bytes
    attributes = {f"name{number}": '"' * 100 for number in range(10)}
    size = sum(len(name) + len(value) for name, value in attributes.items())
    Content.of(OutgoingMessage(body=b"x" * (limit - size), attributes=attributes, group="g" * 128))
    with pytest.raises(PayloadTooLargeError):
        Content.of(OutgoingMessage(body=b"x" * MAX_BYTES))


def test_a_full_batch_fits_into_one_request() -> None:
    each = STREAMING_QUEUE_CAPABILITIES.max_message_bytes // BATCH
    content = Content(b"x" * (each - 2), {"a": "b"}, "g" * 128)
    assert BATCH * (len(content.key()) + len(content.value())) <= MAX_BYTES


@given(st.floats(0.1, 43200), st.none() | st.integers(1, 1000), st.booleans())
def test_settings_go_into_a_tag(visibility: float, receives: int | None, ordered: bool) -> None:
    settings = Settings(visibility=visibility, max_receives=receives, ordered=ordered)
    assert len(settings.to_tag()) <= 256
    assert Settings.from_tag(settings.to_tag()) == settings


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "1", "text", '{"v": 1}'])
def test_tags_of_others_are_no_settings(text: str | None) -> None:
    assert Settings.from_tag(text) == Settings()
