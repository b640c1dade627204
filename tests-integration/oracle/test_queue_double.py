"""The double of Queue, driven by Oracle's client."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from emulators.process import Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.queue import QueueAdminClient, QueueClient, models  # type: ignore[import-untyped]
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT

_numbers = count(1)


def refused(
    status: int, code: str | None, call: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


def done(admin: Any, answer: Any, status: str = "SUCCEEDED") -> Any:
    """The work request of an answer, when it has come to its end."""
    identity = answer.headers["opc-work-request-id"]
    deadline = time.monotonic() + 10
    while (work := admin.get_work_request(identity).data).status in {"ACCEPTED", "IN_PROGRESS"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert work.status == status
    return work


@pytest.fixture(scope="module")
def admin(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client of the administration."""
    return QueueAdminClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture
def make_queue(admin: Any) -> Callable[..., Any]:
    """Makes queues."""

    def make(**options: Any) -> Any:
        details = models.CreateQueueDetails(
            display_name=f"queue-{next(_numbers)}", compartment_id=COMPARTMENT, **options
        )
        work = done(admin, admin.create_queue(details))
        assert (work.operation_type, work.resources[0].action_type) == ("CREATE_QUEUE", "CREATED")
        return admin.get_queue(work.resources[0].identifier).data

    return make


@pytest.fixture
def queue(make_queue: Callable[..., Any]) -> Any:
    """A new queue."""
    return make_queue()


@pytest.fixture
def messages(config: dict[str, Any], queue: Any) -> Any:
    """Oracle's client of the messages."""
    return QueueClient(
        config, service_endpoint=queue.messages_endpoint, retry_strategy=NoneRetryStrategy()
    )


def put(messages: Any, queue: Any, *contents: str, **metadata: Any) -> Any:
    told = models.MessageMetadata(**metadata) if metadata else None
    entries = [models.PutMessagesDetailsEntry(content=each, metadata=told) for each in contents]
    return messages.put_messages(queue.id, models.PutMessagesDetails(messages=entries)).data


def get(messages: Any, queue: Any, **options: Any) -> list[Any]:
    found = messages.get_messages(queue.id, **{"timeout_in_seconds": 0, "limit": 20, **options})
    return list(found.data.messages)


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_queues(admin: Any, make_queue: Callable[..., Any]) -> None:
    queue = make_queue(visibility_in_seconds=7, dead_letter_queue_delivery_count=3)
    assert (queue.visibility_in_seconds, queue.retention_in_seconds) == (7, 86400)
    assert (queue.lifecycle_state, queue.dead_letter_queue_delivery_count) == ("ACTIVE", 3)
    listed = admin.list_queues(compartment_id=COMPARTMENT, display_name=queue.display_name)
    assert [each.id for each in listed.data.items] == [queue.id]
    assert listed.data.items[0].messages_endpoint == queue.messages_endpoint
    changes = models.UpdateQueueDetails(visibility_in_seconds=9)
    done(admin, admin.update_queue(queue.id, changes))
    assert admin.get_queue(queue.id).data.visibility_in_seconds == 9
    refused(412, "NoEtagMatch", admin.delete_queue, queue.id, if_match="other")
    answer = admin.delete_queue(queue.id)
    refused(409, "IncorrectState", admin.delete_queue, queue.id)
    done(admin, answer)
    assert admin.get_queue(queue.id).data.lifecycle_state == "DELETED"
    refused(404, "NotAuthorizedOrNotFound", admin.get_queue, "ocid1.queue.oc1..none")
    refused(400, "InvalidParameter", admin.list_queues)


def test_names_need_not_be_unique(admin: Any, make_queue: Callable[..., Any]) -> None:
    one = make_queue()
    details = models.CreateQueueDetails(
        display_name=one.display_name, compartment_id=COMPARTMENT, retention_in_seconds=10
    )
    done(admin, admin.create_queue(details))
    found = admin.list_queues(
        compartment_id=COMPARTMENT, display_name=one.display_name, sort_by="timeCreated"
    )
    assert [each.id == one.id for each in found.data.items] == [False, True]
    paged = admin.list_queues(compartment_id=COMPARTMENT, display_name=one.display_name, limit=1)
    assert paged.next_page is not None


def test_settings_have_limits(admin: Any) -> None:
    for wrong in (
        {"retention_in_seconds": 9},
        {"visibility_in_seconds": 43201},
        {"timeout_in_seconds": 31},
        {"dead_letter_queue_delivery_count": 21},
    ):
        details = models.CreateQueueDetails(
            display_name="wrong", compartment_id=COMPARTMENT, **wrong
        )
        refused(400, "InvalidParameter", admin.create_queue, details)


def test_messages_are_had_at_their_endpoint_only(
    oci_double: Server, config: dict[str, Any], admin: Any, queue: Any, messages: Any
) -> None:
    elsewhere = QueueClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )
    refused(404, "NotAuthorizedOrNotFound", elsewhere.get_stats, queue.id)
    assert messages.get_stats(queue.id).data.queue.visible_messages == 0


def test_messages_come_back_until_they_are_deleted(messages: Any, queue: Any) -> None:
    sent = put(messages, queue, "text ä\n")
    (one,) = get(messages, queue, visibility_in_seconds=1)
    assert (one.id, one.content, one.delivery_count) == (sent.messages[0].id, "text ä\n", 1)
    assert one.metadata is None
    assert one.visible_after < one.expire_after
    assert get(messages, queue) == []
    (again,) = get(messages, queue, timeout_in_seconds=5)
    assert (again.id, again.delivery_count) == (one.id, 2)
    details = models.UpdateMessageDetails(visibility_in_seconds=60)
    refused(404, "NotAuthorizedOrNotFound", messages.delete_message, queue.id, one.receipt)
    refused(404, "NotAuthorizedOrNotFound", messages.update_message, queue.id, "x", details)
    assert messages.update_message(queue.id, again.receipt, details).data.id == one.id
    messages.delete_message(queue.id, again.receipt)
    refused(404, "NotAuthorizedOrNotFound", messages.delete_message, queue.id, again.receipt)


def test_batches_fail_entry_by_entry(messages: Any, queue: Any) -> None:
    put(messages, queue, "1", "2")
    one, two = get(messages, queue)
    changes = [
        models.UpdateMessagesDetailsEntry(receipt=one.receipt, visibility_in_seconds=0),
        models.UpdateMessagesDetailsEntry(receipt="none", visibility_in_seconds=0),
    ]
    told = messages.update_messages(queue.id, models.UpdateMessagesDetails(entries=changes)).data
    assert (told.client_failures, [each.error_code for each in told.entries]) == (1, [None, 404])
    receipts = [models.DeleteMessagesDetailsEntry(receipt=each.receipt) for each in (one, two)]
    gone = messages.delete_messages(queue.id, models.DeleteMessagesDetails(entries=receipts)).data
    assert [each.error_code for each in gone.entries] == [404, None]
    assert [each.content for each in get(messages, queue)] == ["1"]


def test_a_wait_ends_when_a_message_comes(messages: Any, queue: Any) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(get, messages, queue, timeout_in_seconds=20)
        put(messages, queue, "body")
        assert [each.content for each in waiting.result(10)] == ["body"]


def test_channels(messages: Any, queue: Any) -> None:
    put(messages, queue, "1", "2", channel_id="a", custom_properties={"colour": "réd"})
    put(messages, queue, "3", channel_id="b")
    put(messages, queue, "4")
    assert messages.list_channels(queue.id).data.items == ["a", "b"]
    assert [each.content for each in get(messages, queue, channel_filter="b")] == ["3"]
    assert messages.get_stats(queue.id, channel_id="b").data.queue.in_flight_messages == 1
    rest = get(messages, queue)
    rest += get(messages, queue)
    assert sorted(each.content for each in rest) == ["1", "2", "4"]
    found = {each.content: each.metadata for each in rest}
    assert found["1"].custom_properties == {"colour": "réd"}
    metadata = {"custom_properties": {"a": "b"}}
    refused(400, "InvalidParameter", put, messages, queue, "5", **metadata)


def test_limits_of_a_request(messages: Any, queue: Any) -> None:
    put(messages, queue, "x" * (256 * 1024), "y" * (256 * 1024))
    refused(413, "PayloadTooLarge", put, messages, queue, "x" * (256 * 1024 + 1))
    refused(413, "PayloadTooLarge", put, messages, queue, *["x" * (200 * 1024)] * 3)
    refused(400, "InvalidParameter", put, messages, queue, *["x"] * 21)
    refused(400, "InvalidParameter", put, messages, queue, "")
    refused(400, "InvalidParameter", messages.get_messages, queue.id, limit=21)
    refused(400, "InvalidParameter", messages.get_messages, queue.id, timeout_in_seconds=31)


@pytest.fixture
def dead(make_queue: Callable[..., Any], messages: Any) -> Any:
    """A queue with a message among its dead letters, and one that is well."""
    queue = make_queue(dead_letter_queue_delivery_count=2)
    put(messages, queue, "dead")
    for _ in range(2):
        (one,) = get(messages, queue)
        details = models.UpdateMessageDetails(visibility_in_seconds=0)
        messages.update_message(queue.id, one.receipt, details)
    put(messages, queue, "well")
    return queue


def test_what_is_delivered_too_often_is_set_aside(messages: Any, dead: Any) -> None:
    stats = messages.get_stats(dead.id).data
    assert (stats.queue.visible_messages, stats.dlq.visible_messages) == (1, 1)
    assert (stats.queue.size_in_bytes, stats.dlq.size_in_bytes) == (4, 4)
    assert [each.content for each in get(messages, dead)] == ["well"]


@pytest.mark.parametrize(("kind", "left"), [("NORMAL", (0, 1)), ("DLQ", (1, 0)), ("BOTH", (0, 0))])
def test_purges(admin: Any, messages: Any, dead: Any, kind: str, left: tuple[int, int]) -> None:
    answer = admin.purge_queue(dead.id, models.PurgeQueueDetails(purge_type=kind))
    again = models.PurgeQueueDetails(purge_type=kind)
    refused(409, "IncorrectState", admin.purge_queue, dead.id, again)
    done(admin, answer)
    stats = messages.get_stats(dead.id).data
    assert (stats.queue.visible_messages, stats.dlq.visible_messages) == left


def test_old_messages_are_dropped(
    make_queue: Callable[..., Any], messages: Any, admin: Any
) -> None:
    queue = make_queue(retention_in_seconds=10)
    sent = put(messages, queue, "old")
    (one,) = get(messages, queue, visibility_in_seconds=0)
    age = sent.messages[0].expire_after - one.created_at
    assert age.total_seconds() == 10


def test_a_deleted_queue_ends_what_waits_for_it(admin: Any, messages: Any, queue: Any) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(get, messages, queue, timeout_in_seconds=20)
        done(admin, admin.delete_queue(queue.id))
        with pytest.raises(ServiceError) as caught:
            waiting.result(10)
        assert caught.value.status == 404
    eventually(lambda: admin.get_queue(queue.id).data.lifecycle_state == "DELETED")
