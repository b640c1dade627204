"""What the conformance suites cannot see of local queues and topics: the clock, the rows, the lines."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from cloudkit.api.messaging import DeadLetterPolicy, Message, OutgoingMessage
from cloudkit.common import (
    ClientClosedError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    ValidationError,
)
from cloudkit.local import LocalCloud
from cloudkit.local.queue import LocalMessageQueue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory"])
async def cloud(request, tmp_path):
    options = {"path": tmp_path / "cloud"} if request.param == "file" else {}
    async with LocalCloud(**options) as cloud:
        yield cloud


@pytest.fixture
async def queue(cloud, clock):
    queue = LocalMessageQueue(cloud._runner, cloud.capabilities.queue, cloud.native.data, clock)
    await queue.create_queue("q", visibility=10)
    await queue.create_queue("fifo", fifo=True, visibility=10)
    return queue


async def one(queue, name="q", **options) -> Message:
    (message,) = await queue.receive(name, **options)
    return message


async def bodies(queue, name, count=10) -> list[str]:
    return [message.text() for message in await queue.receive(name, max_messages=count)]


# Leases


async def test_a_lease_ends_to_the_moment(queue, clock):
    await queue.send("q", b"x")
    first = await one(queue)
    assert first.leased_until.timestamp() == clock.now + 10
    clock.now += 9.99
    assert await queue.receive("q") == []
    clock.now += 0.01
    second = await one(queue)
    assert (first.receive_count, second.receive_count) == (1, 2)


async def test_a_late_ack_counts_as_long_as_nobody_has_the_message(queue, clock):
    await queue.send("q", b"x")
    message = await one(queue)
    clock.now += 60
    assert (await queue.stats("q")).available == 1
    await queue.ack(message)
    assert (await queue.stats("q")).available == 0


@pytest.mark.parametrize("settle", ["ack", "nack", "dead_letter"])
async def test_a_late_settlement_never_takes_the_message_of_another(queue, clock, settle):
    await queue.send("q", b"x")
    first = await one(queue)
    clock.now += 60
    second = await one(queue)
    with pytest.raises(PreconditionFailedError):
        await getattr(queue, settle)(first)
    await queue.extend(second, 20)
    await queue.ack(second)


async def test_a_lease_that_has_ended_cannot_be_prolonged(queue, clock):
    await queue.send("q", b"x")
    message = await one(queue)
    clock.now += 8
    message = await queue.extend(message, 10)
    assert message.leased_until.timestamp() == clock.now + 10
    clock.now += 10
    with pytest.raises(PreconditionFailedError):
        await queue.extend(message, 10)


async def test_a_message_that_is_gone(queue):
    await queue.send("q", b"x")
    message = await one(queue)
    await queue.ack(message)
    await queue.ack(message)
    for late in (queue.nack(message), queue.extend(message, 5), queue.dead_letter(message)):
        with pytest.raises(NotFoundError):
            await late


async def test_what_was_given_back_is_nobodys(queue):
    await queue.send("q", b"x")
    message = await one(queue)
    await queue.nack(message)
    for late in (queue.ack(message), queue.nack(message), queue.extend(message, 5)):
        with pytest.raises(PreconditionFailedError):
            await late
    assert (await one(queue)).receive_count == 2


@pytest.mark.parametrize(
    "lease", ["", "x", "1", "1.", ".x", "-1.x", "9" * 30 + ".x", "\N{ARABIC-INDIC DIGIT ONE}.x"]
)
async def test_leases_of_somebody_else_are_refused(queue, lease):
    await queue.send("q", b"x")
    message = await one(queue)
    foreign = Message(id="1", body=b"", source=message.source, lease=lease)
    results = await queue.ack_batch([foreign, message])
    assert isinstance(results[0].error, ValidationError)
    assert results[1].ok
    with pytest.raises(ValidationError):
        await queue.nack(foreign)


async def test_a_cancelled_receive_leaves_nothing_leased(queue):
    got: list[Message] = []

    async def receive() -> None:
        got.extend(await queue.receive("q", max_messages=10, wait=1))

    for number in range(40):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            tasks.start_soon(queue.send, "q", str(number))
            for _ in range(number % 5):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert (await queue.stats("q")).leased == len(got)


async def test_a_queue_of_the_same_name_has_nothing_of_the_old_one(queue):
    await queue.send("q", b"x")
    message = await one(queue)
    await queue.send("q", b"y")
    await queue.delete_queue("q")
    with pytest.raises(NotFoundError, match="'q'"):
        await queue.ack(message)
    await queue.create_queue("q")
    assert (await queue.stats("q")).available == 0
    await queue.send("q", b"z")
    await queue.ack(message)  # gone
    assert (await one(queue)).body == b"z"


async def test_a_large_queue_is_deleted_and_purged_whole(queue, cloud):
    for name in ("fifo", "q"):
        for _ in range(25):
            await queue.send_batch(name, [b"x"] * 100)
        await queue.purge(name)
        assert (await queue.stats(name)).available == 0
        await queue.send_batch(name, [b"x"] * 1500)
        await queue.delete_queue(name)
    left = await cloud.native.data.read(
        lambda c: c.execute("SELECT count(*) FROM message").fetchone()[0]
    )
    assert left == 0


# Delay, retention, duplicates


async def test_delays_end_to_the_moment(queue, clock):
    await queue.send("q", b"later", delay=5)
    await queue.send("q", b"now")
    assert await bodies(queue, "q") == ["now"]
    assert (await queue.stats("q")).delayed == 1
    clock.now += 5
    assert await bodies(queue, "q") == ["later"]


async def test_messages_are_kept_for_the_retention(queue, clock):
    await queue.create_queue("short", retention=60, visibility=1000, dead_letter=DeadLetterPolicy())
    await queue.send_batch("short", [b"dead", b"leased", b"old"])
    await queue.dead_letter(await one(queue, "short"))
    leased = await one(queue, "short")
    clock.now += 59
    await queue.send("short", b"young")
    clock.now += 1
    assert await bodies(queue, "short") == ["young"]
    stats = await queue.stats("short")
    assert (stats.leased, stats.dead) == (2, 1)  # neither what is handled nor what is set aside
    await queue.nack(leased)
    assert await queue.receive("short") == []
    assert await queue.redrive("short") == 1
    clock.now += 59
    assert await bodies(queue, "short") == ["dead"]


async def test_a_message_that_is_leased_beyond_the_retention_does_not_come_again(queue, clock):
    await queue.create_queue("short", retention=60, visibility=40)
    await queue.send("short", b"old")
    clock.now += 30
    assert await bodies(queue, "short") == ["old"]
    clock.now += 41  # its lease has ended, and so has its time
    assert await bodies(queue, "short") == []


async def count_rows(cloud, table) -> int:
    def count(connection) -> int:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    return await cloud.native.data.read(count)


async def test_a_queue_that_nobody_receives_from_keeps_what_is_in_its_retention(
    cloud, queue, clock
):
    await queue.create_queue("short", fifo=True, retention=60)
    for number in range(200):
        await queue.send("short", str(number), group=f"g{number % 3}")
        clock.now += 1
    assert await count_rows(cloud, "message") < 70
    assert await bodies(queue, "short", 3) == ["141", "142", "143"]


async def test_ids_of_messages_are_forgotten_when_their_time_is_over(cloud, queue, clock):
    for number in range(400):
        await queue.send("fifo", b"x", dedup_id=str(number))
        clock.now += 10
    assert await count_rows(cloud, "message_dedup") < 40
    await queue.send("fifo", b"x", dedup_id="399")
    assert await queue.get_queue_depth("fifo") == 400


async def test_a_group_goes_on_when_its_first_message_expires(queue, clock):
    await queue.create_queue("short", fifo=True, retention=60)
    await queue.send("short", b"old", group="g")
    clock.now += 30
    await queue.send("short", b"young", group="g")
    clock.now += 30
    assert await bodies(queue, "short") == ["young"]


async def test_duplicates_are_dropped_for_five_minutes(queue, clock):
    first = await queue.send("fifo", b"1", dedup_id="d")
    assert await queue.send("fifo", b"2", dedup_id="d") == first
    await queue.ack(await one(queue, "fifo"))
    clock.now += 299
    assert await queue.send("fifo", b"3", dedup_id="d") == first
    clock.now += 1
    assert await queue.send("fifo", b"4", dedup_id="d") != first
    results = await queue.send_batch(
        "fifo", [OutgoingMessage(body=b"5", dedup_id="e"), OutgoingMessage(body=b"6", dedup_id="e")]
    )
    assert results[0].value == results[1].value
    assert await bodies(queue, "fifo") == ["4", "5"]


async def test_only_fifo_queues_take_groups_and_dedup_ids(queue):
    for options in ({"group": "g"}, {"dedup_id": "d"}):
        with pytest.raises(ValidationError, match="fifo"):
            await queue.send("q", b"x", **options)
    results = await queue.send_batch("q", [OutgoingMessage(body=b"x", group="g"), b"y"])
    assert [result.ok for result in results] == [False, True]


# Groups


async def test_a_group_gives_nothing_while_one_is_leased(queue, clock):
    await queue.send_batch("fifo", [OutgoingMessage(body=b, group="g") for b in "abcd"])
    first, second = await queue.receive("fifo", max_messages=2)
    assert (first.text(), second.text()) == ("a", "b")
    await queue.ack(first)
    assert await queue.receive("fifo") == []
    clock.now += 10
    assert await bodies(queue, "fifo") == ["b", "c", "d"]


async def test_a_message_that_waits_holds_up_those_behind_it(queue, clock):
    await queue.send_batch("fifo", [OutgoingMessage(body=b, group="g") for b in "ab"])
    await queue.nack(await one(queue, "fifo"), delay=30)
    assert await queue.receive("fifo") == []
    clock.now += 30
    assert await bodies(queue, "fifo") == ["a", "b"]


async def test_a_delayed_message_keeps_its_place(queue, clock):
    await queue.send("fifo", b"a", group="g")
    await queue.send("fifo", b"b", group="g", delay=30)
    await queue.send("fifo", b"c", group="g")
    await queue.ack(await one(queue, "fifo", max_messages=10))
    assert await queue.receive("fifo") == []
    clock.now += 30
    assert await bodies(queue, "fifo") == ["b", "c"]


async def test_what_comes_back_from_the_dead_letters_has_its_old_place(queue):
    await queue.send_batch("fifo", [OutgoingMessage(body=b, group="g") for b in "abc"])
    await queue.dead_letter(await one(queue, "fifo"), "broken")
    second = await one(queue, "fifo")
    assert second.text() == "b"
    assert await queue.redrive("fifo") == 1
    assert await queue.receive("fifo") == []
    await queue.nack(second)
    assert await bodies(queue, "fifo") == ["a", "b", "c"]


async def test_every_group_gets_its_turn(queue):
    for number in range(5):
        for group in "ab":
            await queue.send("fifo", f"{group}{number}", group=group)
    await queue.send("fifo", "alone")
    assert await bodies(queue, "fifo", 4) == ["a0", "b0", "a1", "alone"]


Step = tuple[str, int]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["send", "delayed", "receive", "ack", "nack", "later", "dead", "time"]),
            st.integers(0, 3),
        ),
        max_size=40,
    )
)
async def test_a_group_never_leaves_its_order(queue, clock, steps: list[Step]):
    name = f"m{id(steps)}"
    await queue.create_queue(name, fifo=True, visibility=10)
    sent: list[int] = []
    held: list[Message] = []
    done: set[int] = set()
    for action, choice in steps:
        if action in {"send", "delayed"}:
            sent.append(len(sent))
            delay = 5 if action == "delayed" else 0
            await queue.send(name, str(sent[-1]), group="g", delay=delay)
        elif action == "receive":
            messages = await queue.receive(name, max_messages=choice + 1)
            got = [int(message.body) for message in messages]
            assert not (messages and held), "the group was leased"
            living = [number for number in sent if number not in done]
            assert got == living[: len(got)]
            held = messages
        elif action == "time":
            clock.now += 10
            held = []
        elif held:
            message = held.pop(choice % len(held))
            if action == "ack":
                await queue.ack(message)
                done.add(int(message.body))
            elif action == "dead":
                await queue.dead_letter(message)
                done.add(int(message.body))
            else:
                await queue.nack(message, delay=3 if action == "later" else 0)
    await queue.delete_queue(name)


# Dead letters


async def test_what_is_received_too_often_is_set_aside(queue, clock):
    await queue.create_queue("d", visibility=10, dead_letter=DeadLetterPolicy(max_receives=2))
    await queue.send("d", b"x")
    await queue.nack(await one(queue, "d"))
    late = await one(queue, "d")
    clock.now += 10
    assert await queue.receive("d") == []
    with pytest.raises(PreconditionFailedError):
        await queue.ack(late)
    (dead,) = await queue.dead_letters("d")
    assert dead.source.dead_letters
    assert dead.receive_count == 2
    assert "2 times" in dead.dead_letter_reason


async def test_dead_letters_are_looked_at_under_a_lease(queue, clock):
    await queue.send_batch("q", [b"1", b"2"])
    for message in await queue.receive("q", max_messages=2):
        await queue.dead_letter(message, "why")
    first, second = await queue.dead_letters("q")
    assert first.dead_letter_reason == "why"
    assert await queue.dead_letters("q") == []
    assert await queue.redrive("q") == 0  # somebody looks at them
    await queue.nack(first)
    await queue.ack(second)
    assert [m.body for m in await queue.dead_letters("q")] == [b"1"]
    clock.now += 10
    assert await queue.redrive("q") == 1
    assert (await one(queue)).receive_count == 1
    assert (await queue.stats("q")).dead == 0


async def test_redriving_some(queue):
    await queue.send_batch("q", [b"1", b"2", b"3"])
    for message in await queue.receive("q", max_messages=3):
        await queue.dead_letter(message)
    assert await queue.redrive("q", max_messages=2) == 2
    assert await bodies(queue, "q") == ["1", "2"]


# Waiting


async def test_many_who_wait_share_what_comes(cloud):
    await cloud.queue.create_queue("q")
    got: list[str] = []

    async def wait() -> None:
        got.extend(m.text() for m in await cloud.queue.receive("q", wait=20))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(wait)
            for number in range(20):
                await cloud.queue.send("q", str(number))
    assert sorted(got, key=int) == [str(number) for number in range(20)]


async def test_who_waits_gets_what_others_give_back_or_leave(cloud):
    await cloud.queue.create_queue("q")
    await cloud.queue.send("q", b"x")
    with anyio.fail_after(10):
        message = await one(cloud.queue, visibility=0.1)  # and never settles it
        assert (await one(cloud.queue, wait=20)).id == message.id
        await cloud.queue.send("q", b"y", delay=0.1)
        second = await one(cloud.queue, wait=20)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cloud.queue.receive, "q")
            await cloud.queue.nack(second)
            tasks.start_soon(cloud.queue.receive, "q")


async def test_those_at_the_back_of_the_line_give_up_in_time(cloud):
    await cloud.queue.create_queue("q")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: cloud.queue.receive("q", wait=20))
        with anyio.fail_after(5):
            assert await cloud.queue.receive("q", wait=0.1) == []
        tasks.cancel_scope.cancel()


async def test_closing_ends_waiting(cloud):
    await cloud.queue.create_queue("q")

    async def wait() -> None:
        with pytest.raises(ClientClosedError):
            await cloud.queue.receive("q", wait=20)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await cloud.queue.describe_queue("q")
            await cloud.aclose()


async def test_deleting_a_queue_tells_those_who_wait(cloud):
    await cloud.queue.create_queue("q")

    async def wait() -> None:
        with pytest.raises(NotFoundError):
            await cloud.queue.receive("q", wait=20)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await cloud.queue.delete_queue("q")


# Speed comes from the indexes


async def test_no_operation_reads_a_whole_table(cloud, queue):
    statements: list[str] = []

    def record(connection):
        connection.set_trace_callback(statements.append)

    await cloud.native.data.write(record)
    await queue.send_batch("fifo", [OutgoingMessage(body=b, group="g", dedup_id=b) for b in "abc"])
    first, second = await queue.receive("fifo", max_messages=2)
    await queue.extend(first, 20)
    await queue.nack(first)
    await queue.dead_letter(second)
    await queue.dead_letters("fifo")
    await queue.redrive("fifo")
    await queue.stats("fifo")
    await queue.purge("fifo")
    await queue.delete_queue("fifo")

    def explain(connection):
        connection.set_trace_callback(None)
        plans = []
        for statement in set(statements):
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                plans += [(row[3], statement) for row in rows]
        return plans

    plans = await cloud.native.data.write(explain)
    assert len(plans) > 10
    scans = [plan for plan in plans if plan[0].startswith("SCAN message ")]
    sorts = [plan for plan in plans if "TEMP B-TREE" in plan[0]]
    assert (scans, sorts) == ([], [])


# Topics


async def test_a_topic_without_order_takes_no_ordering_key(cloud):
    await cloud.pubsub.create_topic("t")
    with pytest.raises(ValidationError, match="ordering=True"):
        await cloud.pubsub.publish("t", b"x", ordering_key="k")
    results = await cloud.pubsub.publish_batch("t", [OutgoingMessage(body=b"x", group="k"), b"y"])
    assert [result.ok for result in results] == [False, True]


async def test_nobody_receives_what_is_pushed(cloud):
    await cloud.pubsub.create_topic("t")
    await cloud.pubsub.create_subscription("t", "s", push_endpoint="http://127.0.0.1:9/")
    with pytest.raises(ConflictError, match="push_endpoint"):
        await cloud.pubsub.receive("t", "s")
    assert await cloud.pubsub.dead_letters("t", "s") == []


async def test_queues_and_subscriptions_of_one_name_do_not_meet(cloud):
    await cloud.queue.create_queue("same")
    await cloud.pubsub.create_topic("same")
    await cloud.pubsub.create_subscription("same", "same")
    await cloud.pubsub.publish("same", b"news")
    await cloud.queue.send("same", b"work")
    assert (await one(cloud.queue, "same")).body == b"work"
    (message,) = await cloud.pubsub.receive("same", "same")
    assert message.body == b"news"


async def test_missing_topics_and_subscriptions_are_told_apart(cloud):
    with pytest.raises(NotFoundError, match="no topic 't'") as caught:
        await cloud.pubsub.receive("t", "s")
    assert caught.value.resource == "t"
    await cloud.pubsub.create_topic("t")
    with pytest.raises(NotFoundError, match="no subscription 's'") as caught:
        await cloud.pubsub.receive("t", "s")
    assert caught.value.resource == "t/s"
