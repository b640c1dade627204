"""What operations refuse before anything is sent."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import (
    DeadLetter,
    DeadLetterPolicy,
    Extend,
    Message,
    Nack,
    OutgoingMessage,
    Receive,
    ReceiveDeadLetters,
    Source,
)
from cloudkit.api.messaging.operations import check_message, check_policy
from cloudkit.common import (
    PayloadTooLargeError,
    PubSubCapabilities,
    QueueCapabilities,
    UnsupportedOperationError,
    ValidationError,
)

QUEUE = Source("queue", "jobs")
SUBSCRIPTION = Source("pubsub", "audit", "orders")
MESSAGE = Message(id="1", body=b"", source=QUEUE, lease="1")


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_messages": 0},
        {"max_messages": 11},
        {"max_messages": True},
        {"wait": 21},
        {"wait": -1},
        {"visibility": 0.5},
        {"visibility": 1e6},
    ],
)
def test_a_receive_out_of_bounds(arguments):
    with pytest.raises(ValidationError):
        Receive(source=QUEUE, **arguments).check(QueueCapabilities())


def test_a_receive_within_bounds():
    Receive(source=QUEUE, max_messages=10, wait=20, visibility=1).check(QueueCapabilities())
    assert Receive(source=QUEUE, wait=7.5).extra_time == 7.5


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "x" * 64])
def test_names_that_break_the_rule(name):
    with pytest.raises(ValidationError):
        Receive(source=Source("queue", name)).check(QueueCapabilities())
    with pytest.raises(ValidationError):
        Receive(source=Source("pubsub", name, "orders")).check(PubSubCapabilities())
    with pytest.raises(ValidationError):
        Receive(source=Source("pubsub", "audit", name)).check(PubSubCapabilities())


@pytest.mark.parametrize(
    ("flag", "operation"),
    [
        ("pull", Receive(source=QUEUE)),
        ("visibility", Receive(source=QUEUE, visibility=5)),
        ("extend", Extend(source=QUEUE, message=MESSAGE, visibility=5)),
        ("nack_delay", Nack(source=QUEUE, message=MESSAGE, delay=5)),
        ("dead_letter", DeadLetter(source=QUEUE, message=MESSAGE)),
        ("list_dead_letters", ReceiveDeadLetters(source=QUEUE)),
    ],
)
def test_each_operation_asks_for_its_capability(flag, operation):
    operation.check(QueueCapabilities())
    with pytest.raises(UnsupportedOperationError) as caught:
        operation.check(QueueCapabilities(**{flag: False}))
    assert caught.value.capability == f"queue.{flag}"


def test_operations_say_what_they_are_about():
    assert Receive(source=SUBSCRIPTION).service == "pubsub"
    assert Receive(source=SUBSCRIPTION).resource == "orders/audit"
    assert Nack(source=QUEUE, message=MESSAGE).resource == "jobs message 1"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("attributes", OutgoingMessage(body=b"", attributes={"a": "b"})),
        ("delay", OutgoingMessage(body=b"", delay=1)),
        ("fifo", OutgoingMessage(body=b"", group="g")),
        ("dedup", OutgoingMessage(body=b"", dedup_id="d")),
    ],
)
def test_each_part_of_a_message_asks_for_its_capability(flag, message):
    check_message(message, QueueCapabilities())
    with pytest.raises(UnsupportedOperationError) as caught:
        check_message(message, QueueCapabilities(**{flag: False}))
    assert caught.value.capability == f"queue.{flag}"


def test_messages_beyond_the_limits():
    limits = QueueCapabilities(max_message_bytes=10, max_attributes=1)
    check_message(OutgoingMessage(body=b"x" * 8, attributes={"a": "b"}), limits)
    with pytest.raises(PayloadTooLargeError):
        check_message(OutgoingMessage(body=b"x" * 9, attributes={"a": "b"}), limits)
    with pytest.raises(ValidationError):
        check_message(OutgoingMessage(body=b"", attributes={"a": "b", "c": "d"}), limits)
    with pytest.raises(ValidationError):
        check_message(OutgoingMessage(body=b"", delay=901), limits)


@pytest.mark.parametrize("part", [{"delay": 1}, {"dedup_id": "d"}])
def test_what_topics_do_not_have(part):
    with pytest.raises(ValidationError, match="queues"):
        check_message(OutgoingMessage(body=b"", **part), PubSubCapabilities())


def test_ordering_keys_ask_for_ordering():
    message = OutgoingMessage(body=b"", group="g")
    check_message(message, PubSubCapabilities())
    with pytest.raises(UnsupportedOperationError):
        check_message(message, PubSubCapabilities(ordering=False))


def test_policies_beyond_the_limits():
    check_policy(None, QueueCapabilities(dead_letter=False))
    check_policy(DeadLetterPolicy(max_receives=1000), QueueCapabilities())
    with pytest.raises(ValidationError):
        check_policy(DeadLetterPolicy(max_receives=1001), QueueCapabilities())
    with pytest.raises(UnsupportedOperationError):
        check_policy(DeadLetterPolicy(), QueueCapabilities(dead_letter=False))


@pytest.mark.parametrize("reason", [None, 3, "\ud800"])
def test_a_reason_is_a_text(reason):
    with pytest.raises(ValidationError):
        DeadLetter(source=QUEUE, message=MESSAGE, reason=reason)
