"""Names of queues and topics, the user's and the service's."""

import re

import pytest
from cloudkit.aws.sqs.names import (
    MAX_SUBSCRIPTION_LENGTH,
    candidates,
    dead_name,
    is_dead,
    is_hidden,
    read_subscription,
    service_name,
    shown_names,
    subscription_prefix,
    subscription_queue,
)
from hypothesis import assume, given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ALLOWED = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")


@given(NAMES, NAMES, st.booleans())
def test_topic_and_subscription_are_read_from_the_name_of_the_queue(topic, subscription, fifo):
    assume(len(topic) + len(subscription) <= MAX_SUBSCRIPTION_LENGTH)
    name = service_name(subscription_queue(topic, subscription), fifo)
    assert ALLOWED.fullmatch(name)
    assert name.startswith(subscription_prefix(topic))
    if not subscription.endswith("_cloudkit-dead"):
        assert read_subscription(name) == (topic, subscription)
    assert is_hidden(name)


@given(st.from_regex(ALLOWED, fullmatch=True))
def test_a_place_for_dead_letters_has_a_name_of_its_own(name):
    dead = dead_name(name)
    assert ALLOWED.fullmatch(dead)
    assert is_dead(dead)
    assert dead.endswith(".fifo") == name.endswith(".fifo")
    assert read_subscription(dead) is None


def test_long_names_that_begin_alike_have_different_places():
    assert len({dead_name("x" * 79 + last) for last in "abc"}) == 3


@pytest.mark.parametrize(
    "name", ["work", "cksub", "cksub4_ab_c", "cksub2_ab_", "cksub_a_b", "x-dead"]
)
def test_names_of_others_are_not_hidden(name):
    assert not is_hidden(name)


def test_the_suffix_is_the_services():
    assert service_name("work", fifo=True) == service_name("work.fifo", fifo=True) == "work.fifo"
    assert candidates("work") == ("work", "work.fifo")
    assert candidates("work.fifo") == ("work.fifo",)
    assert shown_names(["b.fifo", "a", "c", "c.fifo"]) == {
        "a": "a",
        "b": "b.fifo",
        "c": "c",
        "c.fifo": "c.fifo",
    }
