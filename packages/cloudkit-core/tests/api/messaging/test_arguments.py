"""What is no message, filter or policy is refused before anything is sent."""

from __future__ import annotations

import pytest
from cloudkit.api.messaging import DeadLetterPolicy, Receive, Source
from cloudkit.api.messaging.operations import check_policy
from cloudkit.api.pubsub.operations import CreateTopic, to_filter
from cloudkit.api.queue.operations import CreateQueue, ListQueues
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


@pytest.mark.parametrize("wrong", [None, 3, b"jobs", "", "\ud800"])
def test_what_names_nothing_is_nothing_to_receive_from(make_leases, in_virtual_time, wrong):
    async def main():
        leases = make_leases()
        with pytest.raises(ValidationError, match="queue"):
            await leases._run(Receive(source=Source("queue", wrong)), leases._receive)
        assert leases.receives == []

    in_virtual_time(main)


@pytest.mark.parametrize("wrong", [None, 1, "no"])
def test_a_flag_that_is_kept_is_one(wrong):
    with pytest.raises(ValidationError, match="fifo must be True or False"):
        CreateQueue(queue="jobs", fifo=wrong)
    with pytest.raises(ValidationError, match="ordering must be True or False"):
        CreateTopic(topic="news", ordering=wrong)


@pytest.mark.parametrize("wrong", [None, 1, b"a", "\ud800"])
def test_a_prefix_of_queues_is_a_text(wrong):
    with pytest.raises(ValidationError, match="prefix"):
        ListQueues(prefix=wrong)
