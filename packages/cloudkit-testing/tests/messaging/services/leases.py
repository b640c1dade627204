"""Defects of receiving and settling."""

from __future__ import annotations

import math
import time

import anyio
from attrs import evolve
from cloudkit.common import PreconditionFailedError

from .line import Line
from .registry import caught_by


@caught_by(
    "test_an_acknowledged_message_does_not_come_back_when_its_lease_would_have_ended",
    "test_a_message_is_acknowledged_when_its_handler_returns",
)
class AckIgnored(Line):
    def ack(self, message):
        pass


@caught_by("test_acknowledging_twice_is_fine")
class SecondAckFails(Line):
    def ack(self, message):
        self.leased(message)
        super().ack(message)


@caught_by(
    "test_a_message_comes_back_when_its_lease_ends",
    "test_a_message_that_could_not_be_acknowledged_comes_back",
)
class LeaseNeverEnds(Line):
    def lease(self, entry, visibility):
        message = super().lease(entry, visibility)
        entry.until = math.inf
        return message


@caught_by("test_a_leased_message_is_hidden", "test_competing_receivers_share_the_messages")
class NothingHidden(Line):
    def hidden(self, entry):
        return False


@caught_by(
    "test_a_message_comes_back_when_its_lease_ends",
    "test_a_message_given_back_comes_at_once",
    "test_a_handler_that_does_not_end_in_time_is_cancelled_and_its_message_given_back",
)
class GoneWhenReceived(Line):
    def lease(self, entry, visibility):
        message = super().lease(entry, visibility)
        self.entries = [other for other in self.entries if other is not entry]
        return message


@caught_by(
    "test_a_message_comes_back_when_its_lease_ends",
    "test_a_message_whose_handler_raises_comes_back",
)
class CountStuck(Line):
    def lease(self, entry, visibility):
        return evolve(super().lease(entry, visibility), receive_count=1)


@caught_by(
    "test_a_message_given_back_comes_at_once", "test_a_message_whose_handler_raises_comes_back"
)
class NackIgnored(Line):
    def nack(self, message, delay):
        self.leased(message)


@caught_by(
    "test_a_message_given_back_with_a_delay_comes_later",
    "test_a_message_whose_handler_raises_comes_back_after_the_retry_delay",
)
class NackDelayIgnored(Line):
    def nack(self, message, delay):
        super().nack(message, 0)


@caught_by("test_a_lease_is_prolonged", "test_a_handler_longer_than_the_lease_runs_once")
class ExtendIgnored(Line):
    def extend(self, message, visibility):
        self.leased(message)
        return message


@caught_by("test_a_prolonged_lease_ends_as_well")
class ExtendsForEver(Line):
    def extend(self, message, visibility):
        return super().extend(message, 3600)


class Trusting(Line):
    """Looks at the message only, not at the lease."""

    def leased(self, message):
        for entry in [*self.entries, *self.dead]:
            if entry.id == message.id:
                return entry
        raise PreconditionFailedError("the lease has ended")


@caught_by("test_who_comes_late_takes_nothing_from_the_next[asyncio-ack]")
class LateAckTakes(Trusting):
    def nack(self, message, delay):
        Line.nack(self, message, delay)


@caught_by("test_who_comes_late_takes_nothing_from_the_next[asyncio-nack]")
class LateNackTakes(Trusting):
    def ack(self, message):
        if any(entry.id == message.id for entry in self.entries):
            self.entries.remove(Line.leased(self, message))


@caught_by("test_never_more_messages_than_asked_for")
class TooManyReceived(Line):
    def take(self, count, visibility):
        return super().take(count + 1, visibility)


@caught_by("test_a_wait_ends_early_when_a_message_comes")
class WaitIgnored(Line):
    async def receive(self, count, wait, visibility):
        return await super().receive(count, 0, visibility)


@caught_by("test_a_wait_ends_early_when_a_message_comes")
class WaitsToTheEnd(Line):
    async def receive(self, count, wait, visibility):
        await anyio.sleep(wait)
        return await super().receive(count, 0, visibility)


@caught_by("test_an_empty_channel_gives_nothing_at_once")
class WaitsAlways(Line):
    async def receive(self, count, wait, visibility):
        return await super().receive(count, max(wait, 5), visibility)


@caught_by("test_a_receive_chooses_the_length_of_its_lease")
class ChosenLeaseIgnored(Line):
    async def receive(self, count, wait, visibility):
        return await super().receive(count, wait, None)


@caught_by("test_messages_of_a_group_come_in_order", "test_a_batch_of_a_group_comes_in_order")
class LastInFirstOut(Line):
    def take(self, count, visibility):
        self.entries.reverse()
        try:
            return super().take(count, visibility)
        finally:
            self.entries.reverse()


@caught_by("test_groups_do_not_wait_for_each_other")
class GroupNotBlocked(Line):
    def take(self, count, visibility):
        self.ordered = False
        return super().take(count, visibility)


@caught_by("test_groups_do_not_wait_for_each_other")
class OneGroupBlocksAll(Line):
    def take(self, count, visibility):
        self.sweep()
        if self.ordered and any(self.hidden(entry) for entry in self.entries):
            return []
        return super().take(count, visibility)


@caught_by("test_a_message_given_back_comes_before_those_behind_it")
class NackToTheEnd(Line):
    def nack(self, message, delay):
        super().nack(message, delay)
        self.entries.sort(key=lambda entry: entry.id == message.id)


@caught_by("test_a_message_older_than_the_retention_is_dropped")
class KeptForEver(Line):
    def sweep(self):
        self.retention = math.inf
        super().sweep()


@caught_by("test_a_delayed_message_comes_later", "test_stats_count_what_is_delayed")
class DelayIgnored(Line):
    def put(self, message):
        return super().put(evolve(message, delay=0))


@caught_by("test_a_delayed_message_comes_later")
class DelayedForEver(Line):
    def put(self, message):
        return super().put(evolve(message, delay=message.delay and time.monotonic()))
