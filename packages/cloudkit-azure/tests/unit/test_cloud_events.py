"""Messages as CloudEvents, filters in the service's words."""

from __future__ import annotations

import json
import re

import pytest
from cloudkit.api.messaging import OutgoingMessage, Source
from cloudkit.azure.event_grid.events import ATTRIBUTES, CONTEXT, decode, encode
from cloudkit.azure.event_grid.filters import read_filter, write_filter
from cloudkit.azure.event_grid.inbox import Received
from cloudkit.azure.event_grid.locks import RecentTokens, lock_error
from cloudkit.common import NotFoundError, ServiceUnavailableError, ValidationError, utc_now
from hypothesis import given
from hypothesis import strategies as st

SOURCE = Source("pubsub", "subscription", "topic")
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.lower().startswith("cloudkit.")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f]")


def received(event, count=1):
    return Received(event=event, token="token", count=count, at=utc_now())


@given(st.binary(max_size=200), st.dictionaries(NAMES, TEXTS, max_size=5))
def test_a_message_comes_back_as_it_was(body, attributes):
    identifier, raw = encode(OutgoingMessage(body=body, attributes=attributes))
    message = decode(received(json.loads(raw)), SOURCE, 60)
    assert (message.id, message.body, dict(message.attributes)) == (identifier, body, attributes)


@given(st.dictionaries(NAMES, TEXTS, max_size=5))
def test_an_event_is_one_that_cloudevents_knows(attributes):
    event = json.loads(encode(OutgoingMessage(body=b"", attributes=attributes))[1])
    for name, value in event.items():
        assert name == "data_base64" or re.fullmatch("[a-z0-9]+", name)
        assert not FORBIDDEN.search(value)
    for name in set(event) - CONTEXT:
        assert event[name] == attributes[name]


def test_an_attribute_does_not_take_the_place_of_one_of_the_event():
    names = ("id", "source", "type", "time", "subject", "data", ATTRIBUTES)
    attributes = dict.fromkeys(names, "mine")
    identifier, raw = encode(OutgoingMessage(body=b"", attributes=attributes))
    event = json.loads(raw)
    assert (event["id"], event["source"]) == (identifier, "/cloudkit")
    assert "subject" not in event
    assert dict(decode(received(event), SOURCE, 60).attributes) == attributes


def test_what_only_looks_like_ours_is_an_attribute():
    event = {"id": "1", ATTRIBUTES: "~not base32!~", "other": True, "none": None, "time": "soon"}
    message = decode(received(event, count=3), SOURCE, 60)
    assert dict(message.attributes) == {ATTRIBUTES: "~not base32!~", "other": "true"}
    assert (message.receive_count, message.sent_at, message.body) == (3, None, b"")


def test_an_event_that_is_wrong_keeps_no_other_away():
    assert decode(received({"id": "1", "data_base64": "a"}), SOURCE, 60).body == b"a"


@given(
    st.dictionaries(
        NAMES, st.lists(TEXTS, min_size=1, max_size=4, unique=True).map(tuple), max_size=5
    )
)
def test_a_filter_comes_back_as_it_was(wanted):
    assert read_filter(write_filter(wanted)) == wanted


def test_a_filter_lets_through_what_it_says_and_no_more():
    """As the service does it: does the attribute contain one of the values, whatever the case."""
    (item,) = write_filter({"colour": ("red", "blue")})["filters"]

    def through(**attributes):
        event = json.loads(encode(OutgoingMessage(body=b"", attributes=attributes))[1])
        text = event.get(ATTRIBUTES, "").lower()
        return any(value.lower() in text for value in item["values"])

    assert through(colour="red")
    assert through(size="large", colour="blue", shape="round")
    for other in ({"colour": "Red"}, {"colour": "redder"}, {"Colour": "red"}, {"a": "colour.red"}):
        assert not through(**other)


def test_a_filter_is_within_the_limits_of_the_service():
    assert write_filter({}) is None
    with pytest.raises(ValidationError, match="25"):
        write_filter({"a": tuple(map(str, range(26)))})
    with pytest.raises(ValidationError, match="512"):
        write_filter({"a": ("x" * 400,)})


def test_filters_that_others_have_set_do_not_show():
    foreign = {"filters": [{"operatorType": "StringIn", "key": "subject", "values": ["a"]}]}
    assert read_filter(foreign) == {}
    assert read_filter(None) == {}


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        ({"error": {"code": "TokenLost", "message": "expired"}}, NotFoundError),
        ({"errorCode": "BadToken", "errorDescription": "unknown"}, NotFoundError),
        ({"error": {"code": "InternalServerError", "message": "x"}}, ServiceUnavailableError),
        ({}, NotFoundError),
    ],
)
def test_why_nothing_can_be_done_about_a_lock(failed, kind):
    assert type(lock_error(failed)) is kind


def test_only_so_many_locks_are_remembered():
    tokens = RecentTokens()
    tokens.add(*map(str, range(10_001)))
    assert "0" not in tokens
    assert "10000" in tokens
    tokens.discard("10000", "none")
    assert "10000" not in tokens
