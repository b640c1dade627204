"""Acknowledging messages of several sources together."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import Message, Source
from cloudkit.common import NetworkError, PreconditionFailedError


def message(number: int, source: Source) -> Message:
    return Message(id=str(number), body=b"", source=source, lease=str(number))


A, B = Source("queue", "a"), Source("queue", "b", dead_letters=True)


def test_a_batch_goes_to_each_source_in_runs_and_comes_back_in_order(make_leases, in_virtual_time):
    async def main():
        leases = make_leases(ack_batch=3)
        wanted = [message(number, A if number % 3 else B) for number in range(12)]
        results = await leases.ack_batch(iter(wanted))
        assert [result.value for result in results] == wanted
        batches = [event[1:] for event in leases.events if event[0] == "batch"]
        assert batches == [
            (B, ("0", "3", "6")),
            (B, ("9",)),
            (A, ("1", "2", "4")),
            (A, ("5", "7", "8")),
            (A, ("10", "11")),
        ]

    in_virtual_time(main)


def test_one_request_that_fails_leaves_the_others_alone(make_leases, in_virtual_time):
    async def main():
        leases = make_leases(ack_batch=2)
        leases.failures["ack"] = [NetworkError("lost")]
        wanted = [message(number, A) for number in range(4)]
        results = await leases.ack_batch(wanted)
        assert [result.ok for result in results] == [False, False, True, True]
        assert results[0].error.operation == "ack"
        assert results[0].error.resource == "a"

    in_virtual_time(main)


def test_nothing_to_acknowledge(make_leases, in_virtual_time):
    async def main():
        assert await make_leases().ack_batch([]) == []

    in_virtual_time(main)


def test_ack_raises_what_went_wrong(make_leases, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.failures["ack"] = [PreconditionFailedError("ended")]
        with pytest.raises(PreconditionFailedError):
            await leases.ack(message(1, A))

    in_virtual_time(main)
