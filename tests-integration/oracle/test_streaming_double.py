"""The double of Streaming, driven by Oracle's client."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from emulators.process import Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oci.streaming import StreamAdminClient, StreamClient, models  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT

_numbers = count(1)


def refused(
    status: int, code: str | None, call: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


def until(admin: Any, identity: str, state: str) -> Any:
    deadline = time.monotonic() + 10
    while (stream := admin.get_stream(identity).data).lifecycle_state != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return stream


@pytest.fixture(scope="module")
def admin(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client of the administration."""
    return StreamAdminClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture
def make_stream(admin: Any) -> Callable[..., Any]:
    """Makes streams."""

    def make(**options: Any) -> Any:
        details = models.CreateStreamDetails(
            name=f"stream-{next(_numbers)}",
            compartment_id=COMPARTMENT,
            **{"partitions": 1, **options},
        )
        return until(admin, admin.create_stream(details).data.id, "ACTIVE")

    return make


@pytest.fixture
def stream(make_stream: Callable[..., Any]) -> Any:
    """A new stream."""
    return make_stream()


@pytest.fixture
def messages(config: dict[str, Any], stream: Any) -> Any:
    """Oracle's client of the messages."""
    return StreamClient(config, stream.messages_endpoint, retry_strategy=NoneRetryStrategy())


def put(messages: Any, stream: Any, *values: bytes, key: bytes | None = None) -> Any:
    told = None if key is None else base64.b64encode(key).decode()
    entries = [
        models.PutMessagesDetailsEntry(key=told, value=base64.b64encode(value).decode())
        for value in values
    ]
    return messages.put_messages(stream.id, models.PutMessagesDetails(messages=entries)).data


def get(messages: Any, stream: Any, cursor: str, **options: Any) -> tuple[list[bytes], str]:
    answer = messages.get_messages(stream.id, cursor, **options)
    values = [base64.b64decode(each.value) for each in answer.data]
    return values, answer.headers["opc-next-cursor"]


def cursor_of(messages: Any, stream: Any, kind: str, **options: Any) -> str:
    details = models.CreateCursorDetails(**{"partition": "0", "type": kind, **options})
    return str(messages.create_cursor(stream.id, details).data.value)


def join(messages: Any, stream: Any, **options: Any) -> str:
    given = {"group_name": "group", "type": "TRIM_HORIZON", "commit_on_get": False, **options}
    details = models.CreateGroupCursorDetails(**given)
    return str(messages.create_group_cursor(stream.id, details).data.value)


def test_streams(admin: Any, make_stream: Callable[..., Any]) -> None:
    stream = make_stream(partitions=3, freeform_tags={"a": "b"}, retention_in_hours=48)
    assert (stream.partitions, stream.retention_in_hours) == (3, 48)
    listed = admin.list_streams(compartment_id=COMPARTMENT, name=stream.name)
    assert [(each.id, each.freeform_tags) for each in listed.data] == [(stream.id, {"a": "b"})]
    same = models.CreateStreamDetails(name=stream.name, partitions=1, compartment_id=COMPARTMENT)
    refused(409, "Conflict", admin.create_stream, same)
    changes = models.UpdateStreamDetails(freeform_tags={"c": "d"})
    refused(412, "NoEtagMatch", admin.update_stream, stream.id, changes, if_match="other")
    etag = admin.get_stream(stream.id).headers["etag"]
    assert admin.update_stream(stream.id, changes, if_match=etag).data.freeform_tags == {"c": "d"}
    until(admin, stream.id, "ACTIVE")
    admin.delete_stream(stream.id)
    refused(409, "IncorrectState", admin.delete_stream, stream.id)
    until(admin, stream.id, "DELETED")
    refused(404, "NotAuthorizedOrNotFound", admin.get_stream, "ocid1.stream.oc1..none")


def test_limits_of_a_stream(admin: Any) -> None:
    tags = {str(number): "x" for number in range(11)}
    for wrong in (
        {"name": "a b"},
        {"partitions": 0},
        {"retention_in_hours": 23},
        {"freeform_tags": tags},
        {"stream_pool_id": "ocid1.streampool.oc1..x"},
    ):
        given = {"name": "wrong", "partitions": 1, "compartment_id": COMPARTMENT, **wrong}
        details = models.CreateStreamDetails(**given)
        refused(400, "InvalidParameter", admin.create_stream, details)


def test_messages_are_had_at_their_endpoint_only(
    oci_double: Server, config: dict[str, Any], stream: Any
) -> None:
    elsewhere = StreamClient(config, oci_double.url, retry_strategy=NoneRetryStrategy())
    refused(404, "NotAuthorizedOrNotFound", put, elsewhere, stream, b"x")


def test_a_partition_is_read_from_a_cursor_on(messages: Any, stream: Any) -> None:
    latest = cursor_of(messages, stream, "LATEST")
    told = put(messages, stream, b"0", b"1", b"\xff")
    assert [(each.partition, each.offset) for each in told.entries] == [
        ("0", 0),
        ("0", 1),
        ("0", 2),
    ]
    for kind, expected in {
        "TRIM_HORIZON": b"0",
        "AT_OFFSET": b"1",
        "AFTER_OFFSET": b"\xff",
    }.items():
        options = {} if kind == "TRIM_HORIZON" else {"offset": 1}
        values, _ = get(messages, stream, cursor_of(messages, stream, kind, **options), limit=1)
        assert values == [expected]
    values, following = get(messages, stream, latest)
    assert values == [b"0", b"1", b"\xff"]
    assert get(messages, stream, following)[0] == []
    at_time = cursor_of(messages, stream, "AT_TIME", time=told.entries[0].timestamp)
    assert len(get(messages, stream, at_time)[0]) == 3
    refused(400, "InvalidParameter", get, messages, stream, "none")


def test_a_key_has_its_partition(
    config: dict[str, Any], make_stream: Callable[..., Any], messages: Any
) -> None:
    stream = make_stream(partitions=4)
    told = [put(messages, stream, b"x", key=b"key").entries[0].partition for _ in range(5)]
    assert len(set(told)) == 1
    other = [put(messages, stream, b"x").entries[0].partition for _ in range(40)]
    assert len(set(other)) > 1
    cursor = cursor_of(messages, stream, "TRIM_HORIZON", partition=told[0])
    found = messages.get_messages(stream.id, cursor, limit=1).data[0]
    assert base64.b64decode(found.key) == b"key"


def test_limits_of_messages(messages: Any, stream: Any) -> None:
    put(messages, stream, b"x" * (1024 * 1024))
    put(messages, stream, b"")
    large = [b"x" * (1024 * 512), b"x" * (1024 * 512 + 1)]
    refused(413, "RequestEntityTooLarge", put, messages, stream, *large)
    refused(400, "InvalidParameter", put, messages, stream, b"x", key=b"k" * 257)
    cursor = cursor_of(messages, stream, "TRIM_HORIZON")
    refused(400, "InvalidParameter", get, messages, stream, cursor, limit=10001)


def test_a_group_goes_on_where_it_has_committed(messages: Any, stream: Any) -> None:
    put(messages, stream, b"0", b"1", b"2")
    cursor = join(messages, stream, instance_name="one", timeout_in_ms=100)
    first, after_first = get(messages, stream, cursor, limit=2)
    second, _ = get(messages, stream, after_first, limit=2)
    assert (first, second) == ([b"0", b"1"], [b"2"])
    assert get(messages, stream, cursor, limit=1)[0] == [b"0"], "nothing is committed yet"
    committed = messages.consumer_commit(stream.id, after_first).data.value
    assert get(messages, stream, committed)[0] == [b"2"]
    group = messages.get_group(stream.id, "group").data
    assert [(each.committed_offset, each.reserved_instance) for each in group.reservations] == [
        (1, "one")
    ]
    other = join(messages, stream, instance_name="two")
    deadline = time.monotonic() + 10
    assert get(messages, stream, other)[0] == [], "the partition is the first one's"
    while (values := get(messages, stream, other)[0]) == [] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert values == [b"2"]
    late, _ = get(messages, stream, messages.consumer_heartbeat(stream.id, after_first).data.value)
    assert late == []


def test_a_group_may_commit_what_it_gets(messages: Any, stream: Any) -> None:
    put(messages, stream, b"0", b"1")
    cursor = join(messages, stream, commit_on_get=None)
    _, cursor = get(messages, stream, cursor, limit=1)
    get(messages, stream, cursor, limit=1)
    assert messages.get_group(stream.id, "group").data.reservations[0].committed_offset == 0


def test_instances_share_the_partitions(make_stream: Callable[..., Any], messages: Any) -> None:
    stream = make_stream(partitions=2)
    one = join(messages, stream, instance_name="one")
    two = join(messages, stream, instance_name="two")
    held = messages.get_group(stream.id, "group").data.reservations
    assert {each.reserved_instance for each in held} == {"one", "two"}
    for number in range(20):
        put(messages, stream, str(number).encode())
    values = [*get(messages, stream, one)[0], *get(messages, stream, two)[0]]
    assert sorted(map(int, values)) == list(range(20))


def test_a_group_is_set_to_another_place(messages: Any, stream: Any) -> None:
    put(messages, stream, b"0")
    _, cursor = get(messages, stream, join(messages, stream))
    latest = models.UpdateGroupDetails(type="LATEST")
    messages.update_group(stream.id, "group", latest)
    assert get(messages, stream, cursor)[0] == []
    put(messages, stream, b"1")
    assert get(messages, stream, cursor)[0] == [b"1"]
    refused(404, "NotAuthorizedOrNotFound", messages.update_group, stream.id, "none", latest)
