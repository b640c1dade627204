"""Defects of what messages hold, of duplicates, dead letters and purging."""

from __future__ import annotations

from attrs import evolve

from .line import Line
from .registry import caught_by


class Changing(Line):
    """Changes messages on their way in."""

    def change(self, message):
        raise NotImplementedError

    def put(self, message):
        return super().put(self.change(message))


@caught_by(
    "test_a_body_arrives_byte_for_byte[asyncio-not UTF-8]",
    "test_a_body_arrives_byte_for_byte[asyncio-every byte]",
    "test_bodies_do_not_mix",
    "test_strange_bodies_arrive_in_a_batch",
)
class BodyAsText(Changing):
    def change(self, message):
        return evolve(message, body=message.body.decode(errors="replace"))


@caught_by("test_a_body_arrives_byte_for_byte[asyncio-spaces]")
class BodyStripped(Changing):
    def change(self, message):
        return evolve(message, body=message.body.strip(b" "))


@caught_by("test_a_body_arrives_byte_for_byte[asyncio-NUL]")
class CutAtNul(Changing):
    def change(self, message):
        return evolve(message, body=message.body.split(b"\0")[0])


@caught_by("test_a_body_arrives_byte_for_byte[asyncio-empty]")
class EmptyBodyReplaced(Changing):
    def change(self, message):
        return evolve(message, body=message.body or b"{}")


@caught_by("test_a_body_as_large_as_the_limit_arrives")
class LargeBodyCut(Changing):
    def change(self, message):
        return evolve(message, body=message.body[: 255 * 1024])


@caught_by("test_names_of_attributes_arrive_as_they_are")
class NamesLowered(Changing):
    def change(self, message):
        return evolve(message, attributes={n.lower(): v for n, v in message.attributes.items()})


@caught_by("test_strange_values_of_attributes_arrive_as_they_are")
class EmptyValuesDropped(Changing):
    def change(self, message):
        return evolve(message, attributes={n: v for n, v in message.attributes.items() if v})


@caught_by("test_strange_values_of_attributes_arrive_as_they_are")
class ValuesStripped(Changing):
    def change(self, message):
        return evolve(message, attributes={n: v.strip() for n, v in message.attributes.items()})


@caught_by("test_a_message_without_attributes_has_none")
class AttributesAdded(Changing):
    def change(self, message):
        return evolve(message, attributes={**message.attributes, "traceparent": "00"})


@caught_by("test_a_message_names_its_group")
class GroupForgotten(Line):
    def lease(self, entry, visibility):
        return evolve(super().lease(entry, visibility), group=None)


@caught_by(
    "test_a_duplicate_is_dropped",
    "test_a_duplicate_is_dropped_after_the_first_was_acknowledged_as_well",
    "test_duplicates_in_a_batch_are_dropped",
)
class DuplicatesKept(Line):
    def duplicate(self, message):
        return False


@caught_by("test_a_duplicate_is_dropped_after_the_first_was_acknowledged_as_well")
class DuplicatesForgotten(Line):
    def ack(self, message):
        super().ack(message)
        self.known.discard(message.dedup_id)


@caught_by("test_equal_messages_without_an_id_are_no_duplicates")
class DuplicatesByBody(Changing):
    def change(self, message):
        return evolve(message, dedup_id=message.dedup_id or message.body.hex()[:100])


@caught_by("test_purging_drops_all_messages")
class PurgeIgnored(Line):
    def purge(self):
        pass


@caught_by("test_purging_drops_leased_messages_as_well")
class PurgeLeavesLeased(Line):
    def purge(self):
        self.entries = [entry for entry in self.entries if entry.lease is not None]


@caught_by("test_purging_a_queue_leaves_its_dead_letters")
class PurgeTakesDeadLetters(Line):
    def purge(self):
        super().purge()
        self.dead.clear()


@caught_by(
    "test_a_message_given_back_too_often_is_set_aside",
    "test_a_message_whose_leases_end_too_often_is_set_aside",
    "test_a_message_that_no_handler_can_handle_becomes_a_dead_letter",
)
class NeverSetAside(Line):
    def sweep(self):
        self.policy = None


@caught_by("test_a_message_given_back_too_often_is_set_aside")
class SetAsideTooEarly(Line):
    def sweep(self):
        for entry in list(self.entries):
            if self.policy and entry.receives >= self.policy.max_receives - 1:
                self.set_aside(entry)


@caught_by(
    "test_a_message_given_back_too_often_is_set_aside",
    "test_a_message_is_set_aside_at_once_with_a_reason",
    "test_dead_letters_are_sent_back_and_received_anew",
)
class DroppedInsteadOfSetAside(Line):
    def set_aside(self, entry, reason=None):
        self.entries.remove(entry)


@caught_by("test_a_message_is_set_aside_at_once_with_a_reason")
class AttributesOfDeadLettersLost(Line):
    def set_aside(self, entry, reason=None):
        super().set_aside(entry, reason)
        entry.message = evolve(entry.message, attributes={})


@caught_by(
    "test_a_message_is_set_aside_at_once_with_a_reason",
    "test_a_message_that_a_handler_rejects_becomes_a_dead_letter_at_once",
)
class RejectionGivesBack(Line):
    def reject(self, message, reason):
        self.nack(message, 0)


@caught_by("test_who_sets_aside_late_takes_nothing_from_the_next")
class LateRejectionTakes(Line):
    def reject(self, message, reason):
        self.set_aside(self.entries[0], reason)


@caught_by("test_a_dead_letter_given_back_stays_where_it_is")
class DeadLetterGivenBackLives(Line):
    def nack(self, message, delay):
        super().nack(message, delay)
        if message.source.dead_letters:
            self.redrive(1)


@caught_by("test_an_acknowledged_dead_letter_is_gone_for_good")
class AckOfDeadLetterIgnored(Line):
    def ack(self, message):
        if not message.source.dead_letters:
            super().ack(message)


@caught_by(
    "test_dead_letters_are_sent_back_and_received_anew",
    "test_what_was_sent_back_fails_as_often_as_before_until_it_is_set_aside_again",
)
class SentBackWithOldCounts(Line):
    def redrive(self, count):
        for entry in self.dead:
            entry.lease, entry.until = None, 0.0
        moved = self.dead[:count]
        del self.dead[:count]
        self.entries.extend(moved)
        return len(moved)


@caught_by("test_no_more_dead_letters_are_sent_back_than_asked_for")
class AllSentBack(Line):
    def redrive(self, count):
        return super().redrive(None)
