"""A consumer of a stream: cursors that the service takes no more, its silence, commits that fail."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.api.messaging import Ack, Extend, Message, Nack, Receive, Source
from cloudkit.api.queue.operations import Redrive
from cloudkit.oracle.streaming import StreamingMessageQueue
from cloudkit.oracle.streaming.addresses import SETTINGS_TAG, Address, Settings
from cloudkit.oracle.streaming.capabilities import STREAMING_QUEUE_CAPABILITIES
from cloudkit.oracle.streaming.reader import Reader

pytestmark = pytest.mark.anyio


class RefusedError(Exception):
    status = 400


class DownError(Exception):
    status = 503


class Service:
    """A stream of one partition and one group, as the SDK's client has it.

    Attributes:
        values: What is in the stream.
        committed: How far the group has come.
        expired: Whether the cursors that were given out are refused.
        silences: Milliseconds that cursors were asked for, in order.
        put: What was put into it, or into another stream.
        down: Whether commits fail.
        settings: Of the queue.
    """

    def __init__(self) -> None:
        self.values = [b"0", b"1", b"2"]
        self.committed = 0
        self.expired = False
        self.heartbeats = 0
        self.silences: list[int] = []
        self.put: list[bytes] = []
        self.down = False
        self.settings = Settings(visibility=30, max_receives=2)
        self._issue = 0

    async def address(self, name: str) -> Address:
        return _address(self.settings)

    async def using(self, name: str, call: Callable[[Any, Address], Any]) -> Any:
        return call(self, _address(self.settings))

    async def call(self, address: Address, call: Callable[[Any], Any]) -> Any:
        return call(self)

    def create_group_cursor(self, stream: str, details: Any) -> Any:
        assert details.commit_on_get is False
        self.expired = False
        self.silences.append(details.timeout_in_ms)
        return self._cursor(self.committed)

    def put_messages(self, stream: str, details: Any) -> Any:
        self.put += [base64.b64decode(each.value) for each in details.messages]
        entry = SimpleNamespace(error=None, partition="0", offset=len(self.put))
        return SimpleNamespace(data=SimpleNamespace(entries=[entry] * len(details.messages)))

    def get_messages(self, stream: str, cursor: str, limit: int) -> Any:
        start = self._read(cursor)
        found = [
            SimpleNamespace(
                key=None,
                value=base64.b64encode(value).decode(),
                partition="0",
                offset=start + number,
                timestamp=None,
            )
            for number, value in enumerate(self.values[start : start + 2])
        ]
        following = self._cursor(start + len(found)).data.value
        return SimpleNamespace(data=found, headers={"opc-next-cursor": following})

    def consumer_commit(self, stream: str, cursor: str) -> Any:
        if self.down:
            raise DownError
        self.committed = self._read(cursor)
        return self._cursor(self.committed)

    def consumer_heartbeat(self, stream: str, cursor: str) -> Any:
        self.heartbeats += 1
        return self._cursor(self._read(cursor))

    def _cursor(self, place: int) -> Any:
        self._issue += 1
        return SimpleNamespace(data=SimpleNamespace(value=f"{place}/{self._issue}"))

    def _read(self, cursor: str) -> int:
        if self.expired:
            raise RefusedError
        return int(cursor.partition("/")[0])


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def reader(service: Service) -> Reader:
    streams: Any = service
    return Reader(streams, _address(service.settings), "group", 30.0)


@pytest.fixture
def queue(service: Service, monkeypatch: pytest.MonkeyPatch) -> StreamingMessageQueue:
    unused: Any = None
    made = StreamingMessageQueue(unused, STREAMING_QUEUE_CAPABILITIES, unused)
    monkeypatch.setattr(made, "_streams", service)
    return made


def _address(settings: Settings) -> Address:
    return Address(
        name="stream",
        id="ocid",
        endpoint="http://localhost",
        retention=86400.0,
        tags={SETTINGS_TAG: settings.to_tag()},
        etag=None,
        request_id=None,
        read_at=time.monotonic(),
    )


async def read_all(reader: Reader) -> list[bytes]:
    taken = []
    for _ in range(4):
        await reader.read(float("inf"))
        taken += reader.deliveries.take(9, 60)
    return [each.record.content.body for each in taken]


async def test_a_reader_begins_anew_when_its_cursor_is_refused(
    reader: Reader, service: Service
) -> None:
    await reader.read(float("inf"))
    (first, second) = reader.deliveries.take(2, 60)
    service.expired = True
    assert await read_all(reader) == [b"2"], "what is leased is not given away again"
    for each in (first, second):
        reader.deliveries.finish(each)
    await reader.commit()
    assert service.committed == 2


async def test_a_commit_that_is_refused_is_made_up_for(reader: Reader, service: Service) -> None:
    await reader.read(float("inf"))
    for each in reader.deliveries.take(2, 60):
        reader.deliveries.finish(each)
    service.expired = True
    await reader.commit()
    assert service.committed == 0
    assert await read_all(reader) == [b"2"]
    await reader.commit()
    assert service.committed == 2


async def test_other_errors_are_the_callers(reader: Reader, service: Service) -> None:
    await reader.read(float("inf"))
    for each in reader.deliveries.take(2, 60):
        reader.deliveries.finish(each)

    service.down = True
    with pytest.raises(DownError):
        await reader.commit()
    service.down = False
    await reader.commit()
    assert service.committed == 2


async def test_a_heartbeat_is_sent_only_after_some_silence(
    reader: Reader, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.stay()
    await reader.read(float("inf"))
    await reader.stay()
    assert service.heartbeats == 0
    monkeypatch.setattr(reader, "_heard_at", float("-inf"))
    await reader.stay()
    assert service.heartbeats == 1
    service.expired = True
    monkeypatch.setattr(reader, "_heard_at", float("-inf"))
    await reader.stay()
    assert await read_all(reader) == [b"0", b"1", b"2"]


async def test_what_nobody_has_had_is_others_when_the_partition_is(
    reader: Reader, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.read(float("inf"))
    (first,) = reader.deliveries.take(1, 60)
    service.expired, service.committed = True, 2  # by another instance
    monkeypatch.setattr(reader, "_heard_at", float("-inf"))
    await reader.stay()
    assert reader.deliveries.take(9, 60) == []
    assert reader.deliveries.leased(first.token) is first
    assert await read_all(reader) == [b"2"]


async def test_tasks_that_look_at_once_look_once(reader: Reader, service: Service) -> None:
    service.values = []
    before = time.monotonic()
    await reader.read(float("-inf"))
    service.values = [b"0"]
    await reader.read(float("-inf"))
    assert reader.deliveries.take(9, 60) == [], "another task had just found nothing"
    await reader.read(before + 3600)
    assert len(reader.deliveries.take(9, 60)) == 1


SOURCE = Source("queue", "stream")


async def receive(queue: StreamingMessageQueue, count: int = 1, lease: float = 30) -> list[Message]:
    operation = Receive(source=SOURCE, max_messages=count, wait=0, visibility=lease)
    return list(await queue._receive(operation))


def be_silent(queue: StreamingMessageQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    (reader,) = queue._readers.values()
    monkeypatch.setattr(reader, "_heard_at", float("-inf"))


async def test_partitions_are_kept_while_there_is_something_left_of_what_was_read(
    queue: StreamingMessageQueue, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = await receive(queue)
    be_silent(queue, monkeypatch)
    await receive(queue)
    assert service.heartbeats == 1, "a receive that needs no request"
    be_silent(queue, monkeypatch)
    await queue._ack(Ack(source=SOURCE, messages=(first,)))
    assert service.heartbeats == 2, "an acknowledgement that commits nothing"


async def test_a_lease_is_never_longer_than_the_partitions_are_kept(
    queue: StreamingMessageQueue, service: Service
) -> None:
    (first,) = await receive(queue)
    assert service.silences[-1] >= 30_000
    (second,) = await receive(queue, lease=600)
    assert service.silences[-1] >= 600_000
    await queue._extend(Extend(source=SOURCE, message=first, visibility=1200))
    assert service.silences[-1] >= 1_200_000
    bodies = [first.body, second.body] + [each.body for each in await receive(queue)]
    assert bodies == [b"0", b"1", b"2"], "what is leased is not given away again"


async def test_a_message_that_is_set_aside_is_so_whatever_the_commit_does(
    queue: StreamingMessageQueue, service: Service
) -> None:
    service.values = [b"0"]
    service.settings = Settings(visibility=30, max_receives=1)
    (message,) = await receive(queue)
    service.down = True
    await queue._nack(Nack(source=SOURCE, message=message, delay=0))
    assert service.put == [b"0"]
    service.down = False
    assert await receive(queue) == []
    await queue._ack(Ack(source=SOURCE, messages=(message,)))
    assert service.committed == 1


async def test_redriving_keeps_no_more_than_one_read(
    queue: StreamingMessageQueue, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.values = [b"%d" % number for number in range(7)]
    put, committed = service.put_messages, []

    def note(stream: str, details: Any) -> Any:
        committed.append(service.committed)
        return put(stream, details)

    monkeypatch.setattr(service, "put_messages", note)
    assert await queue._redrive(Redrive(queue="stream", max_messages=5)) == 5
    assert await queue._redrive(Redrive(queue="stream")) == 2
    assert committed == [0, 0, 2, 2, 4, 4, 6], "as soon as all of a read is moved"
    assert (service.put, service.committed) == (service.values, 7)


async def test_redriving_that_breaks_off_commits_what_was_moved(
    queue: StreamingMessageQueue, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = service.put_messages

    def fail_third(stream: str, details: Any) -> Any:
        if len(service.put) == 2:
            raise DownError
        return put(stream, details)

    monkeypatch.setattr(service, "put_messages", fail_third)
    with pytest.raises(DownError):
        await queue._redrive(Redrive(queue="stream"))
    assert service.committed == 2
    monkeypatch.setattr(service, "put_messages", put)
    assert await queue._redrive(Redrive(queue="stream")) == 1, "it is not leased for a minute"


async def test_a_child_process_is_an_instance_of_its_own(
    queue: StreamingMessageQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await receive(queue)
    (parent,) = queue._readers.values()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    await receive(queue)
    (child,) = queue._readers.values()
    assert child._instance != parent._instance
