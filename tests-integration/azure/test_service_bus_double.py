"""The double of Service Bus by itself, driven by the SDK alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.service_bus_clients import make_administration, make_client
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiver,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusAuthenticationError,
    ServiceBusError,
    SessionCannotBeLockedError,
)
from azure.servicebus.management import (
    CorrelationRuleFilter,
    ServiceBusAdministrationClient,
    SqlRuleFilter,
)
from emulators.process import Server

LONG, SHORT = timedelta(seconds=60), timedelta(seconds=0.6)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def administration(service_bus: Server) -> ServiceBusAdministrationClient:
    return make_administration(service_bus)


@pytest.fixture(scope="module")
def client(service_bus: Server) -> Iterator[ServiceBusClient]:
    with make_client(service_bus) as client:
        yield client


@pytest.fixture
def make_queue(administration: ServiceBusAdministrationClient) -> Callable[..., str]:
    """Makes queues with locks that no test outlives."""

    def make(**options: Any) -> str:
        name = f"double-{next(_numbers)}"
        administration.create_queue(name, **{"lock_duration": LONG, **options})
        return name

    return make


def send(client: ServiceBusClient, queue: str, *bodies: bytes, **options: Any) -> None:
    with client.get_queue_sender(queue) as sender:
        sender.send_messages([ServiceBusMessage(body, **options) for body in bodies])


def bodies_of(receiver: ServiceBusReceiver, count: int = 10, wait: float = 1) -> list[bytes]:
    return [b"".join(m.body) for m in receiver.receive_messages(count, max_wait_time=wait)]


def test_settings_of_entities_are_kept(administration: ServiceBusAdministrationClient) -> None:
    name = f"double-{next(_numbers)}"
    administration.create_queue(
        name, lock_duration=SHORT, max_delivery_count=3, requires_session=True, user_metadata="<&>"
    )
    found = administration.get_queue(name)
    assert (found.lock_duration, found.max_delivery_count) == (SHORT, 3)
    assert (found.requires_session, found.requires_duplicate_detection) == (True, False)
    assert found.user_metadata == "<&>"
    assert name in [queue.name for queue in administration.list_queues()]
    with pytest.raises(ResourceExistsError):
        administration.create_queue(name)
    with pytest.raises(HttpResponseError):
        administration.create_queue(f"{name}-b", lock_duration=timedelta(minutes=6))
    administration.delete_queue(name)
    with pytest.raises(ResourceNotFoundError):
        administration.get_queue(name)
    with pytest.raises(ResourceNotFoundError):
        administration.delete_queue(name)


def test_more_entities_than_a_page_are_listed(
    administration: ServiceBusAdministrationClient,
) -> None:
    names = {f"many-{number:03}" for number in range(105)}
    for name in names:
        administration.create_topic(name)
    assert names <= {topic.name for topic in administration.list_topics()}
    for name in names:
        administration.delete_topic(name)


def test_who_has_no_key_is_turned_away(service_bus: Server) -> None:
    with pytest.raises(ClientAuthenticationError):
        make_administration(service_bus, key="wrong").get_queue("any")
    with (
        make_client(service_bus, key="wrong") as client,
        pytest.raises(ServiceBusAuthenticationError),
        client.get_queue_sender("any"),
    ):
        pass


def test_what_is_missing_is_not_found(client: ServiceBusClient) -> None:
    with pytest.raises(MessagingEntityNotFoundError):
        send(client, "missing", b"body")
    with pytest.raises(MessagingEntityNotFoundError):
        bodies_of(client.get_queue_receiver("missing"))


def test_a_message_arrives_as_it_is(client: ServiceBusClient, make_queue: Any) -> None:
    queue = make_queue()
    body, properties = bytes(range(256)), {"text": "Grüße \x00", "number": 7}
    send(client, queue, body, application_properties=properties, subject="s", message_id="id")
    with client.get_queue_receiver(queue) as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=5)
        assert b"".join(message.body) == body
        assert message.application_properties == {
            b"text": "Grüße \x00".encode(),
            b"number": 7,
        }
        assert (message.subject, message.message_id, message.delivery_count) == ("s", "id", 0)
        assert message.locked_until_utc is not None
        assert message.locked_until_utc > datetime.now(UTC) + LONG / 2
        receiver.complete_message(message)
        assert bodies_of(receiver) == []


def test_locks_end_are_renewed_and_count(client: ServiceBusClient, make_queue: Any) -> None:
    lock = timedelta(seconds=1.5)
    queue = make_queue(lock_duration=lock, max_delivery_count=2)
    send(client, queue, b"body")
    with client.get_queue_receiver(queue) as receiver:
        (first,) = receiver.receive_messages(1, max_wait_time=5)
        locked_until = time.monotonic() + lock.total_seconds()
        while time.monotonic() < locked_until:
            receiver.renew_message_lock(first)
            time.sleep(0.1)
        (second,) = receiver.receive_messages(1, max_wait_time=30)  # once the lock has ended
        with pytest.raises(MessageLockLostError):
            receiver.complete_message(first)
        assert second.delivery_count == 1
        receiver.abandon_message(second)
        assert bodies_of(receiver) == []
    with client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = receiver.receive_messages(1, max_wait_time=5)
        assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"


def test_a_message_is_set_aside_with_its_reason(client: ServiceBusClient, make_queue: Any) -> None:
    queue = make_queue()
    send(client, queue, b"body")
    with client.get_queue_receiver(queue) as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=5)
        receiver.dead_letter_message(message, reason="why", error_description="because")
    with client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = receiver.receive_messages(1, max_wait_time=5)
        assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("why", "because")


def test_a_link_that_closes_keeps_what_it_has_locked(
    client: ServiceBusClient, make_queue: Any
) -> None:
    queue = make_queue(lock_duration=timedelta(seconds=3))
    send(client, queue, b"body")
    with client.get_queue_receiver(queue) as receiver:
        assert bodies_of(receiver) == [b"body"]
    with client.get_queue_receiver(queue) as receiver:
        assert bodies_of(receiver, wait=0.5) == []
        assert bodies_of(receiver, count=1, wait=10) == [b"body"]


def test_scheduled_messages_come_later_or_are_cancelled(
    client: ServiceBusClient, make_queue: Any, administration: ServiceBusAdministrationClient
) -> None:
    queue = make_queue()
    with client.get_queue_sender(queue) as sender:
        now = datetime.now(UTC)
        soon, far = now + timedelta(seconds=1.5), now + timedelta(hours=1)
        sender.schedule_messages(ServiceBusMessage(b"soon"), soon)
        (number,) = sender.schedule_messages(ServiceBusMessage(b"far"), far)
        counted = administration.get_queue_runtime_properties(queue)
        assert (counted.active_message_count, counted.scheduled_message_count) == (0, 2)
        sender.cancel_scheduled_messages(number)
        with pytest.raises(ServiceBusError):
            sender.cancel_scheduled_messages(number)
    with client.get_queue_receiver(queue) as receiver:
        assert bodies_of(receiver, wait=0.3) == []
        assert [m.state.value for m in receiver.peek_messages(5)] == [2]
        assert bodies_of(receiver, count=1, wait=10) == [b"soon"]


def test_sessions_are_locked_and_in_order(client: ServiceBusClient, make_queue: Any) -> None:
    queue = make_queue(requires_session=True)
    with pytest.raises(ServiceBusError):
        send(client, queue, b"without a session")
    send(client, queue, b"a1", b"a2", session_id="a")
    send(client, queue, b"b1", session_id="b")
    with pytest.raises(ServiceBusError):
        bodies_of(client.get_queue_receiver(queue))
    options: dict[str, Any] = {"session_id": NEXT_AVAILABLE_SESSION, "max_wait_time": 1}
    with client.get_queue_receiver(queue, **options) as first:
        assert first.session.session_id == "a"
        (message,) = first.receive_messages(1, max_wait_time=1)
        assert bodies_of(first) == [b"a2"]
        assert first.session.renew_lock() > datetime.now(UTC)
        first.abandon_message(message)
        with client.get_queue_receiver(queue, **options) as second:
            assert (second.session.session_id, bodies_of(second)) == ("b", [b"b1"])
            with pytest.raises(OperationTimeoutError), client.get_queue_receiver(queue, **options):
                pass
        with (
            pytest.raises(SessionCannotBeLockedError),
            client.get_queue_receiver(queue, session_id="a"),
        ):
            pass
    with client.get_queue_receiver(queue, session_id="a") as again:
        messages = again.receive_messages(2, max_wait_time=1)
        # Only what was abandoned counts; closing a session counts nothing.
        assert [(b"".join(m.body), m.delivery_count) for m in messages] == [(b"a1", 1), (b"a2", 0)]


def test_duplicates_are_dropped_inside_the_window(
    client: ServiceBusClient, make_queue: Any
) -> None:
    queue = make_queue(
        requires_duplicate_detection=True,
        duplicate_detection_history_time_window=timedelta(seconds=2),
    )
    for body in (b"first", b"again"):
        send(client, queue, body, message_id="id")
    time.sleep(2.1)
    send(client, queue, b"later", message_id="id")
    with client.get_queue_receiver(queue) as receiver:
        assert bodies_of(receiver) == [b"first", b"later"]


def test_messages_do_not_outlive_their_time(client: ServiceBusClient, make_queue: Any) -> None:
    kept = make_queue(dead_lettering_on_message_expiration=True)
    for queue in (make_queue(default_message_time_to_live=timedelta(seconds=0.1)), kept):
        send(client, queue, b"brief", time_to_live=timedelta(seconds=0.2))
    time.sleep(0.3)
    with client.get_queue_receiver(kept) as receiver:
        assert bodies_of(receiver, wait=0.3) == []
    with client.get_queue_receiver(kept, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = receiver.receive_messages(1, max_wait_time=5)
        assert dead.dead_letter_reason == "TTLExpiredException"


def test_what_is_too_large_is_refused(client: ServiceBusClient, make_queue: Any) -> None:
    queue = make_queue()
    send(client, queue, bytes(255 * 1024))
    with pytest.raises(MessageSizeExceededError):
        send(client, queue, bytes(257 * 1024))


def test_rules_let_messages_through(
    client: ServiceBusClient, administration: ServiceBusAdministrationClient
) -> None:
    topic = f"double-{next(_numbers)}"
    administration.create_topic(topic)
    filters: dict[str, Any] = {
        "sql": SqlRuleFilter("user.[a.b] IN ('x''', 'y') AND NOT number > 2"),
        "parameters": SqlRuleFilter("[a.b] = @p", parameters={"@p": "y"}),
        "correlation": CorrelationRuleFilter(label="s", properties={"a.b": "y"}),
    }
    for name, rule in filters.items():
        administration.create_subscription(topic, name)
        administration.create_rule(topic, name, "mine", filter=rule)
        administration.delete_rule(topic, name, "$Default")
        assert [found.name for found in administration.list_rules(topic, name)] == ["mine"]
    administration.create_subscription(topic, "all")
    with pytest.raises(HttpResponseError):
        administration.create_rule(topic, "all", "wrong", filter=SqlRuleFilter("a LIKE"))
    sent: dict[bytes, dict[str, Any]] = {
        b"x'": {"application_properties": {"a.b": "x'", "number": 1}},
        b"y": {"application_properties": {"a.b": "y", "number": 2}, "subject": "s"},
        b"y3": {"application_properties": {"a.b": "y", "number": 3}},
        b"none": {},
    }
    with client.get_topic_sender(topic) as sender:
        for body, options in sent.items():
            sender.send_messages(ServiceBusMessage(body, **options))
    found = {}
    for name in (*filters, "all"):
        with client.get_subscription_receiver(topic, name) as receiver:
            found[name] = set(bodies_of(receiver, wait=0.5))
    assert found == {
        "sql": {b"x'", b"y"},
        "parameters": {b"y", b"y3"},
        "correlation": {b"y"},
        "all": {b"x'", b"y", b"y3", b"none"},
    }
