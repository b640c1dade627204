"""Messages as Pub/Sub takes them, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudkit.api.messaging import Source
from cloudkit.common import ValidationError
from cloudkit.gcp.pubsub.messages import (
    DUE,
    EMPTY,
    MAX_VALUE_BYTES,
    REASON,
    Encoded,
    copy,
    decode,
    encode,
    short_reason,
)
from google.pubsub_v1.types import PublishRequest, ReceivedMessage
from hypothesis import given
from hypothesis import strategies as st

UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
QUEUE = Source("queue", "work")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ATTRIBUTES = st.dictionaries(st.from_regex("[a-f][A-Za-z0-9_.-]{0,20}", fullmatch=True), TEXTS)


def received(encoded: Encoded, **fields: Any) -> Any:
    """A message as the service gives it."""
    made = ReceivedMessage.pb()(ack_id="lease", message=encoded.fields(), **fields)
    made.message.message_id = "7"
    made.message.publish_time.FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
    return made


@given(st.binary(max_size=40), ATTRIBUTES, st.none() | st.just("key"))
def test_a_message_comes_back_as_it_was(
    body: bytes, attributes: dict[str, str], group: str | None
) -> None:
    message = decode(received(encode(body, attributes, group)), QUEUE, UNTIL)
    assert (message.body, message.attributes, message.group) == (body, attributes, group)
    assert (message.id, message.lease, message.leased_until) == ("7", "lease", UNTIL)
    assert message.sent_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert message.receive_count == 1


@given(st.binary(max_size=40), ATTRIBUTES)
def test_the_size_is_never_less_than_that_of_the_request(
    body: bytes, attributes: dict[str, str]
) -> None:
    encoded = encode(body, attributes, "a key")
    assert PublishRequest.pb()(messages=[encoded.fields()]).ByteSize() <= encoded.size


def test_the_service_takes_no_message_of_nothing() -> None:
    assert encode(b"", {}).attributes == {EMPTY: "1"}
    assert encode(b"", {"a": ""}).attributes == {"a": ""}
    assert encode(b"a", {}).attributes == {}


@pytest.mark.parametrize("name", ["goog", "googclient_x", "CloudPubSubDeadLetterSourceTopic"])
def test_names_that_the_service_keeps_for_itself_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        encode(b"body", {name: "value"})


def test_a_value_has_at_most_a_kibibyte_of_utf_8() -> None:
    encode(b"", {"a": "ä" * 512})
    with pytest.raises(ValidationError, match="1,025"):
        encode(b"", {"a": "ä" * 512 + "x"})


def test_a_count_is_that_of_the_service() -> None:
    assert decode(received(encode(b"a", {}), delivery_attempt=3), QUEUE, UNTIL).receive_count == 3


def test_a_copy_has_nothing_of_what_made_it_wait_or_a_dead_letter() -> None:
    own = {DUE: "1", REASON: "why", "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
    dead = Encoded(b"body", {"kind": "poison", **own}, "key")
    again = copy(received(dead).message)
    assert again == Encoded(b"body", {"kind": "poison"}, "key")
    assert copy(received(Encoded(b"", {REASON: "why"})).message).attributes == {EMPTY: "1"}


def test_only_a_dead_letter_tells_a_reason() -> None:
    message = received(encode(b"a", {}, None, {REASON: "why"}))
    assert decode(message, QUEUE, UNTIL).dead_letter_reason is None
    dead = Source("queue", "work", dead_letters=True)
    assert decode(message, dead, UNTIL).dead_letter_reason == "why"


def test_a_reason_is_cut_off_between_characters() -> None:
    short = short_reason("ä" * 1000)
    assert short == "ä" * (MAX_VALUE_BYTES // 2)
