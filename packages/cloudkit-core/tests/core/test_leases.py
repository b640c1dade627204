"""Leases by this machine's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cloudkit.api.messaging import Message, Source
from cloudkit.common import PreconditionFailedError, utc_now
from cloudkit.core.leases import LATENCY, check_lease, lateness, leased_until, no_dead_letters

SOURCE = Source("queue", "work")


def message(seconds: float | None) -> Message:
    until = None if seconds is None else utc_now() + timedelta(seconds=seconds)
    return Message(id="1", body=b"", source=SOURCE, lease="l", leased_until=until)


@pytest.mark.parametrize("seconds", [None, 60])
def test_a_lease_that_lasts_may_be_settled(seconds):
    check_lease(message(seconds))
    assert lateness(message(seconds)) is None


def test_a_lease_that_has_ended_may_not():
    assert isinstance(lateness(message(-0.001)), PreconditionFailedError)
    with pytest.raises(PreconditionFailedError, match="ended"):
        check_lease(message(-0.001))


def test_a_lease_begins_no_later_than_its_answer_was_under_way():
    now = utc_now()
    assert leased_until(now + timedelta(hours=1), 30) == now + timedelta(hours=1, seconds=30)
    late = leased_until(now - timedelta(hours=1), 30)
    assert now - LATENCY + timedelta(seconds=30) <= late
    assert late <= utc_now() - LATENCY + timedelta(seconds=30)


def test_who_has_no_place_for_dead_letters_is_told_how_to_get_one():
    error = no_dead_letters(SOURCE)
    assert "work" in str(error)
    assert "DeadLetterPolicy" in str(error.hint)
