"""Messages in the form of SQS and SNS, and back."""

import re

import pytest
from cloudkit.aws.capabilities import AWS_CAPABILITIES
from cloudkit.aws.sqs.messages import (
    ENCODING,
    MAX_REASON_BYTES,
    OWN_ATTRIBUTES,
    REASON,
    decode,
    encode,
    with_reason,
)
from cloudkit.aws.sqs.sending import MAX_BYTES
from cloudkit.common import PayloadTooLargeError, ValidationError
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# As the documentation of SendMessage lists them.
ALLOWED = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


def back(encoded):
    return decode(encoded.text, encoded.attributes)


@given(st.binary(max_size=200) | TEXTS.map(str.encode), st.dictionaries(NAMES, TEXTS, max_size=8))
def test_every_message_comes_back_and_is_allowed_on_its_way(body, attributes):
    encoded = encode(body, attributes)
    assert ALLOWED.fullmatch(encoded.text)
    for value in encoded.attributes.values():
        if value["DataType"] == "String":
            assert ALLOWED.fullmatch(value["StringValue"])
        else:
            assert value["DataType"] == "Binary"
            assert value["BinaryValue"]
    assert len(encoded.attributes) <= len(attributes) + 1
    decoded = back(encoded)
    assert (decoded.body, dict(decoded.attributes), decoded.reason) == (body, attributes, None)


def test_what_is_text_is_sent_as_it_is():
    encoded = encode("Grüße 😀\r\n".encode(), {"a": "b"})
    assert encoded.text == "Grüße 😀\r\n"
    assert dict(encoded.attributes) == {"a": {"DataType": "String", "StringValue": "b"}}


@pytest.mark.parametrize(
    ("body", "text", "mark"),
    [(b"", "-", "empty"), (b"\x00", "AA==", "base64"), (b"\xff", "/w==", "base64")],
)
def test_what_is_no_text_is_marked(body, text, mark):
    encoded = encode(body, {})
    assert encoded.text == text
    assert encoded.attributes[ENCODING]["StringValue"] == mark


@pytest.mark.parametrize("name", ["AWS.a", "amazon.b", "a..b", "a."])
def test_names_that_the_services_do_not_take_are_refused(name):
    with pytest.raises(ValidationError):
        encode(b"", {name: "value"})


def test_messages_of_others_are_read_as_far_as_they_can_be():
    assert decode("no base64!", {ENCODING: {"StringValue": "base64"}}).body == b"no base64!"
    assert decode("text", {ENCODING: {"StringValue": "empty"}}).body == b"text"
    decoded = decode(
        "text",
        {
            "number": {"DataType": "Number", "StringValue": "1"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\xfe\x00"},
        },
    )
    assert dict(decoded.attributes) == {"number": "1", "bytes": "/gA="}


def test_a_reason_is_kept_as_far_as_there_is_room():
    message = encode(b"body", {"a": "b"})
    assert back(with_reason(message, "why \x00", MAX_BYTES)).reason == "why \x00"
    assert with_reason(message, "", MAX_BYTES) is message
    long = with_reason(message, "ä" * 5000, MAX_BYTES)
    assert back(long).reason == "ä" * (MAX_REASON_BYTES // 2)
    tight = with_reason(message, "a reason", message.size + len(REASON) + len("String") + 3)
    assert back(tight).reason == "a r"
    assert with_reason(message, "a reason", message.size) is message
    full = encode(b"body", {f"a{n}": "b" for n in range(10)})
    assert with_reason(full, "a reason", MAX_BYTES) is full


def test_sizes_are_what_the_services_count():
    assert encode(b"body", {}).size == 4
    assert encode(b"body", {"ab": "ä"}).size == 4 + len("ab") + len("String") + 2
    with pytest.raises(PayloadTooLargeError, match="limit is 3 bytes"):
        encode(b"body", {}).check_size(3)


def test_the_largest_message_fits_in_any_form_with_a_reason():
    for capabilities, limit in (
        (AWS_CAPABILITIES.queue, 1024 * 1024),
        (AWS_CAPABILITIES.pubsub, 256 * 1024),
    ):
        assert capabilities.max_attributes == 10 - OWN_ATTRIBUTES
        attributes = {f"a{n}": "\x00" for n in range(capabilities.max_attributes)}
        used = sum(len(name) + 1 for name in attributes)
        largest = encode(b"\xff" * (capabilities.max_message_bytes - used), attributes)
        assert with_reason(largest, "r" * MAX_REASON_BYTES, limit).size <= limit
        # A batch of ten has the same limit, and ten times what is added.
        share = capabilities.max_message_bytes // 10 - used
        assert 10 * encode(b"\xff" * share, attributes).size <= limit
