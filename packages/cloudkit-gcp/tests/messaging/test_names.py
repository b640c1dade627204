"""Names of topics and subscriptions, the user's and the service's."""

from __future__ import annotations

import pytest
from cloudkit.gcp.pubsub.capabilities import SUBSCRIPTION, TOPIC
from cloudkit.gcp.pubsub.names import (
    dead_id,
    delayed_id,
    is_topic,
    last_part,
    queue_id,
    read_queue,
    read_subscription,
    subscription_id,
)
from cloudkit.gcp.queue.capabilities import QUEUE
from hypothesis import given
from hypothesis import strategies as st

TOPICS = st.from_regex(TOPIC.pattern, fullmatch=True)
SUBSCRIPTIONS = st.from_regex(SUBSCRIPTION.pattern, fullmatch=True)
QUEUES = st.from_regex(QUEUE.pattern, fullmatch=True)


@given(TOPICS, SUBSCRIPTIONS)
def test_a_subscription_is_read_back_and_nothing_else_is_one(topic: str, name: str) -> None:
    service = subscription_id(topic, name)
    assert read_subscription(service) == (topic, name)
    assert read_queue(service) is None
    assert not is_topic(service)
    assert is_topic(topic)
    for other in (topic, dead_id(service)):
        assert read_subscription(other) is None
        assert read_queue(other) is None


@given(QUEUES)
def test_a_queue_is_read_back_and_nothing_else_is_one(queue: str) -> None:
    service = queue_id(queue)
    assert read_queue(service) == queue
    assert read_subscription(service) is None
    for other in (service, dead_id(service), delayed_id(service)):
        assert not is_topic(other)
    for other in (queue, dead_id(service), delayed_id(service), "~~queue"):
        assert read_queue(other) is None


@given(QUEUES, TOPICS, SUBSCRIPTIONS)
def test_queues_and_subscriptions_never_meet(queue: str, topic: str, name: str) -> None:
    ours = {queue_id(queue), dead_id(queue_id(queue)), delayed_id(queue_id(queue))}
    theirs = {topic, subscription_id(topic, name), dead_id(subscription_id(topic, name))}
    assert not ours & theirs


@pytest.mark.parametrize("name", ["a", "1ab", "googly", "-", "a/b", "ümlaut", "a~b", "a b", ""])
def test_what_is_no_name_of_a_topic(name: str) -> None:
    with pytest.raises(ValueError, match="not a valid topic name"):
        TOPIC.check(name, "topic")


def test_the_last_part_of_a_resource_is_its_id() -> None:
    assert last_part("projects/p/topics/a.b%c") == "a.b%c"
