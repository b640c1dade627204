"""What can be sent, and what is received."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cloudkit.api.messaging import DeadLetterPolicy, Message, OutgoingMessage, Source
from cloudkit.common import SerializationError, ValidationError
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary())
def test_any_bytes_are_a_body(data):
    for body in (data, bytearray(data), memoryview(data)):
        assert OutgoingMessage(body=body).body == data


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_a_text_is_sent_as_utf8_and_comes_back(text):
    body = OutgoingMessage(body=text).body
    assert body == text.encode()
    assert Message(id="1", body=body, source=Source("queue", "q"), lease="1").text() == text


@pytest.mark.parametrize("body", [None, 3, ["x"], "\ud800"])
def test_other_bodies_are_refused(body):
    with pytest.raises(ValidationError):
        OutgoingMessage(body=body)


@pytest.mark.parametrize("name", ["a", "_", "A1._-", "x" * 128])
def test_attribute_names_that_every_service_takes(name):
    assert OutgoingMessage(body=b"", attributes={name: "v"}).attributes == {name: "v"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"": "v"},
        {"1a": "v"},
        {"a b": "v"},
        {"ä": "v"},
        {"x" * 129: "v"},
        {"cloudkit.id": "v"},
        {"CloudKit.id": "v"},
        {"a": 1},
        {"a": "\ud800"},
        [("a", "b")],
    ],
)
def test_other_attributes_are_refused(attributes):
    with pytest.raises(ValidationError):
        OutgoingMessage(body=b"", attributes=attributes)


def test_attributes_are_a_copy():
    given_attributes = {"a": "b"}
    message = OutgoingMessage(body=b"", attributes=given_attributes)
    given_attributes["a"] = "c"
    assert message.attributes == {"a": "b"}


def test_the_size_counts_body_names_and_values_in_bytes():
    assert OutgoingMessage(body="ä", attributes={"name": "wörd", "b": ""}).size == 2 + 4 + 5 + 1


def test_a_delay_is_seconds_or_a_timedelta():
    assert OutgoingMessage(body=b"", delay=timedelta(minutes=1)).delay == 60
    with pytest.raises(ValidationError):
        OutgoingMessage(body=b"", delay=-1)


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "ä", 3])
@pytest.mark.parametrize("field", ["group", "dedup_id"])
def test_groups_and_dedup_ids_are_short_printable_ascii(field, name):
    with pytest.raises(ValidationError, match=field):
        OutgoingMessage(body=b"", **{field: name})


def test_a_body_becomes_a_message_and_a_message_stays_one():
    message = OutgoingMessage(body=b"x", group="g")
    assert OutgoingMessage.of(message) is message
    assert OutgoingMessage.of("x") == OutgoingMessage(body=b"x")


def test_a_received_message_reads_as_text_and_json():
    source = Source("queue", "q")
    assert Message(id="1", body=b'{"a": [1]}', source=source, lease="1").json() == {"a": [1]}
    with pytest.raises(SerializationError, match="1"):
        Message(id="1", body=b"\xff", source=source, lease="1").text()
    with pytest.raises(SerializationError, match="1"):
        Message(id="1", body=b"{", source=source, lease="1").json()


def test_neither_body_nor_lease_show():
    message = Message(id="1", body=b"private", source=Source("queue", "q"), lease="token")
    assert "private" not in repr(message)
    assert "token" not in repr(message)
    assert "private" not in repr(OutgoingMessage(body=b"private"))


def test_a_source_says_what_it_is():
    assert str(Source("queue", "jobs")) == "jobs"
    assert str(Source("pubsub", "audit", "orders")) == "orders/audit"
    assert str(Source("queue", "jobs", dead_letters=True)) == "jobs (dead letters)"


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "3"])
def test_a_policy_counts_from_one(count):
    with pytest.raises(ValidationError):
        DeadLetterPolicy(max_receives=count)
