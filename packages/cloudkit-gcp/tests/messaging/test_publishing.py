"""Batches: as many requests as the service wants, and nothing behind what failed."""

from __future__ import annotations

from typing import Any

import pytest
from cloudkit.api.messaging import OutgoingMessage
from cloudkit.common import CloudError, ServiceUnavailableError, ValidationError
from cloudkit.gcp.pubsub.messages import Encoded, encode_message
from cloudkit.gcp.pubsub.publishing import MAX_REQUEST_BYTES, publish_all, publish_batch
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable


def some(*messages: tuple[str, bytes, str]) -> dict[int, tuple[str, Encoded]]:
    """Numbered messages of (topic, body, key)."""
    return {n: (topic, Encoded(body, {}, key)) for n, (topic, body, key) in enumerate(messages)}


def bodies(pubsub: Any) -> list[tuple[str, list[bytes]]]:
    """What was published: topic and bodies."""
    return [(topic, [message.data for message in run]) for topic, run in pubsub.published]


def test_a_request_is_of_one_topic_and_one_key(pubsub: Any) -> None:
    messages = some(("t", b"0", "a"), ("t", b"1", "b"), ("t", b"2", "a"), ("u", b"3", "a"))
    outcomes = publish_all(pubsub, messages)
    assert bodies(pubsub) == [("t", [b"0", b"2"]), ("t", [b"1"]), ("u", [b"3"])]
    assert {number: result.value.id for number, result in outcomes.items()} == {
        0: "0",
        1: "1",
        2: "2",
        3: "3",
    }


def test_a_request_has_no_more_messages_than_the_service_takes(pubsub: Any) -> None:
    publish_all(pubsub, some(*[("t", b"a", "")] * 2001))
    assert [len(run) for _, run in pubsub.published] == [1000, 1000, 1]


def test_a_request_is_no_larger_than_the_service_takes(pubsub: Any) -> None:
    publish_all(pubsub, some(*[("t", b"a" * 3_000_000, "")] * 7))
    assert [len(run) for _, run in pubsub.published] == [3, 3, 1]
    assert all(sum(m.size for m in run) <= MAX_REQUEST_BYTES for _, run in pubsub.published)


def test_behind_what_failed_nothing_of_its_key_is_published(pubsub: Any) -> None:
    large = b"a" * 9_000_000
    pubsub.failures = {1}
    outcomes = publish_all(
        pubsub,
        some(("t", b"0", "other"), ("t", large, "key"), ("t", large, "key"), ("t", b"3", "last")),
    )
    assert [result.ok for _, result in sorted(outcomes.items())] == [True, False, False, True]
    for number in (1, 2):
        assert isinstance(outcomes[number].error, ServiceUnavailableError)
    assert len(pubsub.published) == 3


def test_when_nothing_was_published_the_error_is_that_of_all(pubsub: Any) -> None:
    pubsub.failures = {0}
    with pytest.raises(ServiceUnavailable):
        publish_all(pubsub, some(("t", b"0", "a"), ("t", b"1", "b")))
    assert len(pubsub.published) == 1


def test_a_key_that_the_service_refuses_does_not_hold_up_the_others(
    pubsub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(topic: str, messages: list[Encoded]) -> list[str]:
        if messages[0].ordering_key == "bad":
            raise InvalidArgument("no such key")
        return [message.data.decode() for message in messages]

    monkeypatch.setattr(type(pubsub), "publish", lambda self, *args: publish(*args))
    outcomes = publish_all(pubsub, some(("t", b"0", "bad"), ("t", b"1", "good")))
    assert isinstance(outcomes[0].error, ValidationError)
    assert outcomes[1].ok


def test_a_message_that_cannot_be_published_does_not_hold_up_the_others(pubsub: Any) -> None:
    def address(message: OutgoingMessage) -> tuple[str, Encoded]:
        if message.body == b"bad":
            raise ValidationError("bad")
        return "t", encode_message(message)

    messages = [OutgoingMessage(body=body) for body in (b"0", b"bad", b"2")]
    results = publish_batch(pubsub, messages, address)
    assert [result.ok for result in results] == [True, False, True]
    assert isinstance(results[1].error, CloudError)
    assert bodies(pubsub) == [("t", [b"0", b"2"])]


def test_an_empty_batch_publishes_nothing(pubsub: Any) -> None:
    assert publish_all(pubsub, {}) == {}
    assert pubsub.published == []
