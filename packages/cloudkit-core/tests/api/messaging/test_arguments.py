"""What is no message, filter or policy is refused before anything is sent."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.api.messaging.operations import check_policy
from cloudkit.api.pubsub.operations import to_filter
from cloudkit.common import QueueCapabilities, ValidationError


@pytest.mark.parametrize("wrong", ["id", None, b"body", 3])
def test_only_what_was_received_can_be_settled(make_leases, in_virtual_time, wrong):
    async def main():
        leases = make_leases()
        settled = (
            leases.ack(wrong),
            leases.ack_batch([wrong]),
            leases.nack(wrong),
            leases.extend(wrong, 3),
            leases.dead_letter(wrong),
        )
        for settle in settled:
            with pytest.raises(ValidationError, match="is no Message as receive gives it"):
                await settle
        with pytest.raises(ValidationError):
            await leases.ack_batch(wrong)
        assert leases.events == []

    in_virtual_time(main)


@pytest.mark.parametrize("wrong", [{"a": 3}, {"a": None}, {"a": b"x"}, {"a": []}, "a", 3])
def test_a_filter_has_texts_or_lists_of_them(wrong):
    with pytest.raises(ValidationError, match="filter"):
        to_filter(wrong)


def test_a_policy_is_one():
    capabilities = QueueCapabilities(dead_letter=True)
    check_policy(DeadLetterPolicy(max_receives=3), capabilities)
    with pytest.raises(ValidationError, match="must be a DeadLetterPolicy, not int"):
        check_policy(3, capabilities)
