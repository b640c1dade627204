"""Receiving: orders, polls that are left over, and what is given back."""

from __future__ import annotations

import queue
import threading
import time

import pytest
from cloudkit.azure.event_grid import inbox as inboxes
from cloudkit.azure.event_grid.inbox import Inbox, Order, Received
from cloudkit.common import utc_now

PATIENCE = 10.0


class Service:
    """Answers polls when it is told to."""

    def __init__(self):
        self.polls = []
        self.answers = queue.SimpleQueue()
        self.given_back = []

    def fetch(self, count, seconds):
        self.polls.append((count, seconds))
        answer = self.answers.get(timeout=PATIENCE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def give_back(self, tokens):
        self.given_back += tokens


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def inbox(service):
    return Inbox(service.fetch, service.give_back)


def events(*tokens):
    return [Received(event={}, token=token, count=1, at=utc_now()) for token in tokens]


def taken(order):
    return [item.token for item in order.taken]


def eventually(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def take_later(inbox, order):
    thread = threading.Thread(target=inbox.take, args=(order,))
    thread.start()
    return thread


def test_an_order_gets_what_a_poll_brings(service, inbox):
    service.answers.put(events("a", "b"))
    order = Order(10, 5)
    inbox.take(order)
    assert taken(order) == ["a", "b"]
    assert service.polls == [(10, 10)], "the service lets nobody wait for less than ten seconds"


def test_a_long_wait_is_a_long_poll(service, inbox):
    service.answers.put(events("a"))
    inbox.take(Order(1, 30))
    assert service.polls == [(1, 30)]


def test_a_poll_that_is_left_serves_the_next_order(service, inbox):
    first = Order(1, 0)
    inbox.take(first)
    assert taken(first) == []
    service.answers.put(events("a"))
    second = Order(1, 5)
    inbox.take(second)
    assert taken(second) == ["a"]
    assert len(service.polls) == 1


def test_every_order_has_a_poll(service, inbox):
    orders = [Order(1, 5) for _ in range(3)]
    threads = [take_later(inbox, order) for order in orders]
    eventually(lambda: len(service.polls) == 3)
    for token in "abc":
        service.answers.put(events(token))
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(token for order in orders for token in taken(order)) == ["a", "b", "c"]


def test_what_is_more_than_was_wanted_goes_to_the_next(service, inbox):
    service.answers.put(events("a", "b"))
    first, second = Order(1, 5), Order(1, 0)
    inbox.take(first)
    inbox.take(second)
    assert (taken(first), taken(second)) == (["a"], ["b"])
    assert service.given_back == []


def test_an_empty_answer_is_followed_by_another_poll(service, inbox):
    service.answers.put([])
    service.answers.put(events("a"))
    order = Order(1, 5)
    inbox.take(order)
    assert taken(order) == ["a"]
    assert len(service.polls) == 2


def test_what_nobody_asks_for_is_given_back(service, inbox, monkeypatch):
    monkeypatch.setattr(inboxes, "HOLD_SECONDS", 0.01)
    inbox.take(Order(1, 0))
    assert not inbox.idle
    service.answers.put(events("a"))
    eventually(lambda: service.given_back == ["a"])
    eventually(lambda: inbox.idle)


def test_what_a_withdrawn_order_got_goes_to_others(service, inbox):
    service.answers.put(events("a"))
    order, other = Order(1, 5), Order(1, 0)
    inbox.take(order)
    order.withdraw()
    inbox.take(other)
    assert (taken(order), taken(other)) == ([], ["a"])


def test_an_order_that_is_withdrawn_while_it_waits_ends(service, inbox):
    order = Order(1, PATIENCE * 2)
    thread = take_later(inbox, order)
    eventually(lambda: service.polls)
    order.withdraw()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    service.answers.put(events("a"))
    other = Order(1, 5)
    inbox.take(other)
    assert taken(other) == ["a"]


def test_a_failure_is_raised_where_somebody_waits(service, inbox):
    service.answers.put(OSError("broken"))
    with pytest.raises(OSError, match="broken"):
        inbox.take(Order(1, 5))
    service.answers.put(events("a"))
    order = Order(1, 5)
    inbox.take(order)
    assert taken(order) == ["a"]


def test_a_failure_that_nobody_waits_for_is_forgotten(service, inbox):
    inbox.take(Order(1, 0))
    service.answers.put(OSError("broken"))
    eventually(lambda: inbox.idle)
    service.answers.put(events("a"))
    order = Order(1, 5)
    inbox.take(order)
    assert taken(order) == ["a"]


def test_closing_gives_back_what_is_held(service, inbox):
    service.answers.put(events("a", "b"))
    inbox.take(Order(1, 5))
    inbox.close()
    assert service.given_back == ["b"]
    order = Order(1, 5)
    inbox.take(order)
    assert taken(order) == []
