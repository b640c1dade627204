"""What a consumer of a stream has read: leased, given back, done, committed."""

from __future__ import annotations

import pytest
from cloudkit.oracle.streaming.deliveries import Deliveries, Delivery
from cloudkit.oracle.streaming.messages import Content, Record


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def record(offset: int, group: str | None = None, partition: str = "0") -> Record:
    return Record(partition, offset, Content(str(offset).encode(), {}, group), None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deliveries(clock: Clock) -> Deliveries:
    return Deliveries(clock)


def offsets(taken: list[Delivery]) -> list[int]:
    return [each.record.offset for each in taken]


def test_a_lease_hides_a_message_until_it_ends(deliveries: Deliveries, clock: Clock) -> None:
    deliveries.add([record(0), record(1)], "a")
    (first,) = deliveries.take(1, 10)
    token = first.token
    assert offsets(deliveries.take(5, 20)) == [1]
    assert deliveries.take(5, 10) == []
    assert deliveries.next_change() == 10
    clock.now += 10
    assert deliveries.leased(token) is None
    (again,) = deliveries.take(5, 10)
    assert (again.record.offset, again.receives) == (0, 2)
    assert deliveries.leased(token) is None, "the first lease is not the second"
    assert deliveries.leased(again.token) is again


def test_leases_are_prolonged_and_messages_given_back(deliveries: Deliveries, clock: Clock) -> None:
    deliveries.add([record(0)], "a")
    (one,) = deliveries.take(1, 10)
    deliveries.prolong(one, 30)
    clock.now += 20
    assert deliveries.leased(one.token) is one
    deliveries.give_back(one, delay=5)
    assert deliveries.take(1, 10) == []
    assert deliveries.next_change() == 5
    clock.now += 5
    assert deliveries.take(1, 10) == [one]


def test_what_is_done_is_committed_as_far_as_all_before_it_is(deliveries: Deliveries) -> None:
    deliveries.add([record(0), record(1)], "a")
    deliveries.add([record(0, partition="1")], "b")
    deliveries.add([record(2)], "c")
    zero, one, other, two = deliveries.take(9, 10)
    assert deliveries.committable() is None
    for each in (two, one, other):
        deliveries.finish(each)
    assert deliveries.committable() is None
    deliveries.finish(zero)
    assert deliveries.committable() == "c"
    assert not deliveries.committed("a"), "there is more to commit"
    assert not deliveries.committed("none")
    assert deliveries.committed("c")
    assert deliveries.committable() is None
    for each in (zero, one, other, two):
        assert deliveries.is_done(each.token)
    assert not deliveries.is_done("0:3/1")
    assert not deliveries.is_done("nonsense")


def test_what_is_read_again_is_not_doubled(deliveries: Deliveries) -> None:
    deliveries.add([record(0), record(1)], "a")
    zero, one = deliveries.take(2, 10)
    deliveries.finish(zero)
    deliveries.lose_place()
    assert deliveries.committable() is None
    deliveries.add([record(0), record(1), record(2)], "b")
    assert offsets(deliveries.take(9, 10)) == [2]
    deliveries.finish(one)
    assert deliveries.committable() is None
    assert deliveries.leased("0:2/1") is not None
    deliveries.finish(deliveries.leased("0:2/1") or zero)
    assert deliveries.committable() == "b"


def test_one_of_a_group_waits_for_those_before_it(deliveries: Deliveries, clock: Clock) -> None:
    deliveries.add([record(0, "a"), record(1, "a"), record(2, "b"), record(3)], "a")
    (first,) = deliveries.take(1, 10)
    assert offsets(deliveries.take(9, 10)) == [2, 3]
    deliveries.give_back(first, delay=3)
    assert deliveries.take(9, 10) == []
    clock.now += 3
    assert offsets(deliveries.take(9, 10)) == [0, 1]


def test_the_tired_are_those_that_nobody_has(deliveries: Deliveries, clock: Clock) -> None:
    deliveries.add([record(0)], "a")
    for _ in range(2):
        deliveries.take(1, 10, most=2)
        assert deliveries.tired(2) == []
        clock.now += 10
    assert deliveries.take(1, 10, most=2) == [], "it waits to be set aside"
    assert offsets(deliveries.tired(2)) == [0]
    assert deliveries.tired(3) == []
    deliveries.clear()
    assert deliveries.tired(2) == []
