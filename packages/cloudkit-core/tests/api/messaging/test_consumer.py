"""The loop that hands messages to a handler, keeps their leases and loses none."""

from __future__ import annotations

import asyncio

import anyio
import pytest
import sniffio
from cloudkit.api.messaging import ConsumeOptions, Consumer, Message, RejectMessage
from cloudkit.common import (
    NetworkError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)


def consumer(leases, source, handler, **options):
    return Consumer(leases, source, handler, ConsumeOptions(**{"visibility": 10, **options}))


async def until_empty(leases, source, handler, **options):
    await consumer(leases, source, handler, stop_when_empty=True, **options).run()


async def never(message: Message) -> None:
    await anyio.sleep_forever()


class Running:
    """A handler that counts how many of it run, and takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = self.most = 0
        self.handled: list[str] = []

    async def __call__(self, message: Message) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await anyio.sleep(self.seconds)
            self.handled.append(message.id)
        finally:
            self.now -= 1


def test_what_is_handled_is_acknowledged(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send(*"abc")
        handler = Running(1)
        await until_empty(leases, source, handler)
        assert sorted(handler.handled) == sorted(leases.of("ack")) == ["a", "b", "c"]
        assert not leases.of("nack")

    in_virtual_time(main)


def test_a_plain_function_will_do(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")
        seen = []
        await until_empty(leases, source, lambda message: seen.append(message.id))
        assert seen == leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_what_fails_goes_back_and_comes_again(make_leases, source, in_virtual_time, caplog):
    async def main():
        leases = make_leases()
        leases.send("a")
        seen = []

        async def handle(message):
            seen.append(message.receive_count)
            if message.receive_count < 3:
                raise RuntimeError("not yet")

        await until_empty(leases, source, handle, retry_delay=4)
        assert seen == [1, 2, 3]
        assert [e for e in leases.events if e[0] == "nack"] == [("nack", "a", 4.0)] * 2
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)
    assert "not yet" in caplog.text


def test_what_fails_again_and_again_comes_back_ever_later(
    make_leases, source, in_virtual_time, caplog
):
    async def main():
        leases = make_leases()
        leases.send("a")

        async def handle(message):
            if message.receive_count < 12:
                raise RuntimeError("not yet")

        await until_empty(leases, source, handle)
        delays = [event[2] for event in leases.events if event[0] == "nack"]
        assert delays == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]

    in_virtual_time(main)


def test_what_fails_comes_back_at_once_where_there_are_no_delays(
    make_leases, source, in_virtual_time, caplog
):
    async def main():
        leases = make_leases(nack_delay=False)
        leases.send("a")

        async def handle(message):
            if message.receive_count < 4:
                raise RuntimeError("not yet")

        await until_empty(leases, source, handle)
        assert [event[2] for event in leases.events if event[0] == "nack"] == [0, 0, 0]

    in_virtual_time(main)


def test_a_rejected_message_becomes_a_dead_letter(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")

        async def handle(message):
            raise RejectMessage("no such customer")

        await until_empty(leases, source, handle)
        assert leases.events == [("dead_letter", "a", "no such customer")]

    in_virtual_time(main)


def test_a_rejected_message_goes_back_where_there_are_no_dead_letters(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases(dead_letter=False)
        leases.send("a")

        async def handle(message):
            if message.receive_count == 1:
                raise RejectMessage

        await until_empty(leases, source, handle)
        assert [event[:2] for event in leases.events if event[0] != "batch"] == [
            ("nack", "a"),
            ("ack", "a"),
        ]

    in_virtual_time(main)


def test_a_slow_handler_keeps_its_lease(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")
        await until_empty(leases, source, Running(33), visibility=10)
        assert leases.of("extend") == ["a"] * 6  # each half of a lease
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_a_lost_lease_cancels_the_handler(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.failures["extend"] = [PreconditionFailedError("somebody else's")]
        leases.send("a")
        cancelled_at = []

        async def handle(message):
            try:
                await anyio.sleep_forever()
            finally:
                cancelled_at.append(anyio.current_time() - began)

        began = anyio.current_time()
        await until_empty(leases, source, handle, visibility=10)
        assert cancelled_at == [pytest.approx(5)]
        assert not leases.events  # neither ack nor nack: it is not ours

    in_virtual_time(main)


def test_a_lease_that_cannot_be_prolonged_is_lost_when_it_ends(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.failures["extend"] = [NetworkError("down") for _ in range(100)]
        leases.send("a")
        began = anyio.current_time()
        await until_empty(leases, source, never, visibility=10)
        assert anyio.current_time() - began == pytest.approx(11)  # and one look whether more came
        assert not leases.events
        assert 3 <= 100 - len(leases.failures["extend"]) <= 12

    in_virtual_time(main)


def test_prolonging_that_fails_for_a_while_does_no_harm(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.failures["extend"] = [ServiceUnavailableError("busy") for _ in range(2)]
        leases.send("a")
        await until_empty(leases, source, Running(30), visibility=10)
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_prolonging_that_hangs_ends_with_the_lease(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.delays["extend"] = 1000
        leases.send("a")
        began = anyio.current_time()
        await until_empty(leases, source, never, visibility=10)
        assert anyio.current_time() - began == pytest.approx(11)

    in_virtual_time(main)


def test_a_message_is_settled_with_the_lease_that_is_under_way(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.delays["extend"] = 2  # from 5 to 7; the handler ends at 6
        leases.send("a")
        await until_empty(leases, source, Running(6), visibility=10)
        assert [e[0] for e in leases.events if e[0] != "batch"] == ["extend", "ack"]

    in_virtual_time(main)


def test_leases_that_end_and_cannot_be_prolonged(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases(extend=False)
        leases.send("a")
        await until_empty(leases, source, Running(1000))  # nothing says that the lease ends
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_no_more_handlers_than_wanted(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send(*(str(number) for number in range(30)))
        handler = Running(1)
        await until_empty(leases, source, handler, concurrency=4)
        assert handler.most == 4
        assert len(handler.handled) == 30
        assert max(op.max_messages for _, op in leases.receives) == 4

    in_virtual_time(main)


def test_a_receive_takes_no_more_than_the_service_gives(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases(max_receive=3, max_wait_seconds=2)
        leases.send(*"abcdef")
        await until_empty(leases, source, Running(1), concurrency=50)
        assert all(op.max_messages == 3 and op.wait <= 2 for _, op in leases.receives)

    in_virtual_time(main)


def test_a_group_is_handled_in_order_and_others_beside_it(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        for number in range(3):
            leases.send(f"a{number}", group="a")
            leases.send(f"b{number}", group="b")
        running: set[str] = set()
        pairs = []

        async def handle(message):
            assert message.group not in running
            running.add(message.group)
            pairs.append(frozenset(running))
            await anyio.sleep(1)
            running.discard(message.group)

        await until_empty(leases, source, handle)
        acked = leases.of("ack")
        assert [i for i in acked if i[0] == "a"] == ["a0", "a1", "a2"]
        assert [i for i in acked if i[0] == "b"] == ["b0", "b1", "b2"]
        assert frozenset("ab") in pairs

    in_virtual_time(main)


def test_after_a_failure_the_rest_of_the_group_goes_back_unhandled(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.send("a0", "a1", "a2", group="a")
        handled = []

        async def handle(message):
            handled.append(message.id)
            if handled == ["a0", "a1"]:
                raise RuntimeError

        await until_empty(leases, source, handle)
        assert handled == ["a0", "a1", "a1", "a2"]
        assert leases.of("nack") == ["a1", "a2"]

    in_virtual_time(main)


def test_a_rejected_message_does_not_hold_its_group_up(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a0", "a1", group="a")

        async def handle(message):
            if message.id == "a0":
                raise RejectMessage

        await until_empty(leases, source, handle)
        assert leases.of("dead_letter") == ["a0"]
        assert leases.of("ack") == ["a1"]
        assert not leases.of("nack")

    in_virtual_time(main)


def test_a_lease_lost_in_the_row_sends_those_behind_it_back(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a0", "a1", "a2", group="a")
        handled = []
        extend = leases._extend

        async def lose_a1(op):
            if op.message.id == "a1":
                raise NotFoundError("gone")
            return await extend(op)

        leases._extend = lose_a1

        async def handle(message):
            handled.append(message.id)
            await anyio.sleep(8)

        with anyio.move_on_after(12):
            await consumer(leases, source, handle, visibility=10, drain_timeout=0).run()
        assert handled[0] == "a0"
        assert leases.of("nack")[0] == "a2"  # a1 comes back some time, and must come first
        assert "a1" not in handled

    in_virtual_time(main)


def test_cancelling_lets_handlers_end(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send(*"abc")
        handler = Running(5)
        with anyio.move_on_after(1):
            await consumer(leases, source, handler, drain_timeout=10).run()
        assert sorted(leases.of("ack")) == ["a", "b", "c"]
        assert anyio.current_time() >= 5

    in_virtual_time(main)


def test_leases_are_kept_while_draining(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")
        with anyio.move_on_after(1):
            await consumer(leases, source, Running(30), visibility=10, drain_timeout=60).run()
        assert leases.of("extend") == ["a"] * 5
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_handlers_that_do_not_end_are_cancelled_and_their_messages_go_back(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.send("slow", "slower")
        began = anyio.current_time()
        with anyio.move_on_after(1):
            await consumer(leases, source, never, drain_timeout=3, retry_delay=9).run()
        assert anyio.current_time() - began == pytest.approx(4)
        assert sorted(e for e in leases.events if e[0] == "nack") == [
            ("nack", "slow", 0.0),
            ("nack", "slower", 0.0),
        ]
        assert not leases.of("ack")

    in_virtual_time(main)


def test_a_group_that_waits_goes_back_when_cancelled(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a0", "a1", "a2", group="a")
        with anyio.move_on_after(1):
            await consumer(leases, source, Running(3)).run()
        assert leases.of("ack") == ["a0"]
        assert leases.of("nack") == ["a1", "a2"]

    in_virtual_time(main)


def test_settling_is_not_cut_short_by_cancelling(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.delays["ack"] = leases.delays["nack"] = 4
        leases.send("done", "stuck")

        async def handle(message):
            await anyio.sleep(1 if message.id == "done" else 1000)

        with anyio.move_on_after(2):
            await consumer(leases, source, handle, drain_timeout=0).run()
        assert leases.of("ack") == ["done"]
        assert leases.of("nack") == ["stuck"]

    in_virtual_time(main)


def test_a_settlement_that_hangs_is_given_up(make_leases, source, in_virtual_time, caplog):
    async def main():
        leases = make_leases()
        leases.delays["ack"] = 10_000
        leases.send("a")
        await until_empty(leases, source, Running(1))
        assert not leases.of("ack")

    in_virtual_time(main)
    assert "in time" in caplog.text


@pytest.mark.parametrize("error", [NetworkError("lost"), PreconditionFailedError("ended")])
def test_an_ack_that_fails_does_not_end_consuming(make_leases, source, in_virtual_time, error):
    async def main():
        leases = make_leases()
        leases.failures["ack"] = [error]
        leases.send("a", "b")
        await until_empty(leases, source, Running(1), concurrency=1)
        assert leases.of("ack") == ["b"]

    in_virtual_time(main)


def test_receiving_that_fails_for_a_while_is_tried_again_later_each_time(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.failures["receive"] = [NetworkError("down") for _ in range(3)]
        leases.send("a")
        await until_empty(leases, source, Running(0))
        assert leases.of("ack") == ["a"]
        times = [at - leases.receives[0][0] for at, _ in leases.receives[:4]]
        assert times == [pytest.approx(at) for at in (0, 0.5, 1.5, 3.5)]

    in_virtual_time(main)


def test_receiving_is_tried_again_when_the_service_says(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.failures["receive"] = [
            RateLimitedError("slow down", retry_after=7),
            # As an open circuit breaker has it.
            ServiceUnavailableError("open", retryable=False, unprocessed=True, retry_after=90),
        ]
        leases.send("a")
        await until_empty(leases, source, Running(0))
        assert leases.of("ack") == ["a"]
        times = [at - leases.receives[0][0] for at, _ in leases.receives[:3]]
        assert times == [pytest.approx(at) for at in (0, 7, 97)]

    in_virtual_time(main)


def test_who_does_not_wait_pauses_nevertheless(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a", "b")
        with anyio.move_on_after(10):
            await consumer(leases, source, Running(0), wait=0, concurrency=1).run()
        assert leases.of("ack") == ["a", "b"]
        assert 3 <= len(leases.receives) <= 45

    in_virtual_time(main)


def test_receiving_that_cannot_succeed_ends_consuming_and_drains(
    make_leases, source, in_virtual_time
):
    async def main():
        leases = make_leases()
        leases.send("a")
        handler = Running(3)

        async def handle(message):
            leases.failures["receive"] = [NotFoundError("there is no queue")]
            await handler(message)

        with pytest.raises(NotFoundError, match="no queue"):
            await consumer(leases, source, handle, wait=1).run()
        assert leases.of("ack") == ["a"]

    in_virtual_time(main)


def test_consuming_until_empty_waits_for_what_may_still_come(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")

        async def handle(message):
            await anyio.sleep(60)
            if message.id == "a":
                leases.send("b")

        await until_empty(leases, source, handle)
        assert leases.of("ack") == ["a", "b"]

    in_virtual_time(main)


def test_consuming_goes_on_when_nothing_is_there(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        handler = Running(0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consumer(leases, source, handler, wait=20).run)
            await anyio.sleep(55)
            leases.send("late")
            await anyio.sleep(1)
            tasks.cancel_scope.cancel()
        assert handler.handled == ["late"]
        assert [at for at, _ in leases.receives][:3] == [
            pytest.approx(leases.receives[0][0] + at) for at in (0, 20, 40)
        ]

    in_virtual_time(main)


def test_a_cancelled_handler_may_fail_while_it_cleans_up(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")

        async def fail_late():
            try:
                await anyio.sleep_forever()
            finally:
                raise RuntimeError("while cleaning up")

        async def handle(message):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fail_late)
                await anyio.sleep_forever()

        with anyio.move_on_after(1):
            await consumer(leases, source, handle, drain_timeout=1).run()
        assert leases.of("nack") == ["a"]

    in_virtual_time(main)


def test_a_handler_that_waits_for_what_was_cancelled_has_failed(
    make_leases, source, in_virtual_time, caplog
):
    async def main():
        if sniffio.current_async_library() != "asyncio":
            pytest.skip("a trio task cannot wait for another one")
        leases = make_leases()
        leases.send("a")

        async def handle(message):
            if message.receive_count == 1:
                other = asyncio.create_task(asyncio.sleep(9))
                other.cancel()
                await other

        await until_empty(leases, source, handle, concurrency=1)
        assert leases.of("nack") == leases.of("ack") == ["a"]

    in_virtual_time(main)
    assert "message a of" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_program_ends_consuming(make_leases, source, in_virtual_time, error):
    async def main():
        leases = make_leases()
        leases.send("a")

        async def handle(message):
            raise error

        await consumer(leases, source, handle).run()

    with pytest.raises(error):
        in_virtual_time(main)


def test_a_bug_in_an_ack_comes_out_as_it_is(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.send("a")
        leases.failures["ack"] = [KeyError("a bug")]
        with pytest.raises(KeyError, match="a bug"):
            await consumer(leases, source, Running(1)).run()

    in_virtual_time(main)


def test_a_bug_of_the_provider_comes_out_as_it_is(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases()
        leases.failures["receive"] = [KeyError("a bug")]
        with pytest.raises(KeyError, match="a bug"):
            await consumer(leases, source, never).run()

    in_virtual_time(main)


def test_wrong_options_are_refused_at_once(make_leases, source, in_virtual_time):
    async def main():
        leases = make_leases(nack_delay=False)
        for handler in (None, lambda: None, lambda message, other: None):
            with pytest.raises(ValidationError, match="a function of one message"):
                consumer(leases, source, handler)
        with pytest.raises(UnsupportedOperationError):
            consumer(leases, source, never, retry_delay=1)
        for options in ({"concurrency": 0}, {"wait": -1}, {"drain_timeout": "x"}):
            with pytest.raises(ValidationError):
                consumer(leases, source, never, **options)

    in_virtual_time(main)
