"""Messages that wait for their time, and dead letters that go back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cloudkit.common import CloudError
from cloudkit.gcp.pubsub.messages import DUE, encode
from cloudkit.gcp.queue.moving import BATCH, LOOKS, Delays, move, redrive, seconds_left
from google.pubsub_v1.types import ReceivedMessage

QUEUE, DELAYED, DEAD = "work~~queue", "work~~queue~delayed", "work~~queue~dead"


def received(body: bytes, due_in: float | None = None, key: str = "") -> Any:
    """A message as it is pulled; its body is its lease."""
    own = {} if due_in is None else {DUE: str(int((time.time() + due_in) * 1000))}
    return ReceivedMessage.pb()(
        ack_id=body.decode(), message=encode(body, {"a": "b"}, key, own).fields()
    )


def test_what_is_due_goes_to_the_queue_and_the_rest_is_leased_until_it_is(pubsub: Any) -> None:
    pubsub.waiting[DELAYED] = [
        [received(b"due", -1), received(b"soon", 4.5), received(b"late", 5000), received(b"lost")]
    ]
    Delays().look(pubsub, QUEUE)
    ((topic, messages),) = pubsub.published
    # What says no time was set aside by the service, after a hundred receives.
    assert (topic, [m.data for m in messages]) == (QUEUE, [b"due", b"lost"])
    assert [dict(message.attributes) for message in messages] == [{"a": "b"}] * 2
    assert pubsub.acknowledged == [(DELAYED, ["due", "lost"])]
    assert pubsub.modified == [(DELAYED, ["soon"], 5), (DELAYED, ["late"], 600)]


def test_there_is_one_look_a_second_at_most_for_each_queue(pubsub: Any) -> None:
    delays = Delays()
    for _ in range(3):
        delays.look(pubsub, QUEUE)
    assert pubsub.pulls == 1
    delays.look(pubsub, "other~~queue")
    assert pubsub.pulls == 2
    delays.forget(QUEUE)
    delays.look(pubsub, QUEUE)
    assert pubsub.pulls == 3


def test_a_look_goes_on_while_there_is_more(pubsub: Any) -> None:
    full = [received(b"%d" % number, -1) for number in range(100)]
    pubsub.waiting[DELAYED] = [full, [received(b"last", -1)]]
    Delays().look(pubsub, QUEUE)
    assert sum(len(messages) for _, messages in pubsub.published) == 101


def test_a_look_ends_before_all_is_seen_where_much_waits(pubsub: Any) -> None:
    batches = [[received(b"%d" % number, 900) for number in range(BATCH)] for _ in range(30)]
    pubsub.waiting[DELAYED] = batches
    Delays().look(pubsub, QUEUE)
    assert pubsub.pulls == LOOKS


def test_what_could_not_be_moved_is_given_back_and_not_removed(pubsub: Any) -> None:
    pubsub.failures = {1}
    with pytest.raises(CloudError):
        move(pubsub, [received(b"0", key="a"), received(b"1", key="b")], DEAD, QUEUE)
    assert pubsub.acknowledged == [(DEAD, ["0"])]
    assert pubsub.modified == [(DEAD, ["1"], 0)]


def test_no_more_dead_letters_go_back_than_asked_for(pubsub: Any) -> None:
    pubsub.waiting[DEAD] = [[received(b"0"), received(b"1"), received(b"2")], [received(b"3")]]
    assert redrive(pubsub, DEAD, QUEUE, 2) == 2
    assert pubsub.acknowledged == [(DEAD, ["0", "1"])]


def test_all_dead_letters_go_back_until_there_are_none(pubsub: Any) -> None:
    pubsub.waiting[DEAD] = [[received(b"0")], [received(b"1"), received(b"2")]]
    assert redrive(pubsub, DEAD, QUEUE, None) == 3
    assert pubsub.pulls == 3


@pytest.mark.parametrize("due", ["", "soon", "-1", "1.5"])
def test_what_is_no_time_is_now(due: str) -> None:
    message = ReceivedMessage.pb()(message=encode(b"", {}, None, {DUE: due}).fields()).message
    assert seconds_left(message) == 0
