"""A consumer of a stream whose cursors the service takes no more."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.oracle.streaming.addresses import Address
from cloudkit.oracle.streaming.reader import Reader

pytestmark = pytest.mark.anyio


class RefusedError(Exception):
    status = 400


class Service:
    """A stream of one partition and one group, as the SDK's client has it.

    Attributes:
        values: What is in the stream.
        committed: How far the group has come.
        expired: Whether the cursors that were given out are refused.
    """

    def __init__(self) -> None:
        self.values = [b"0", b"1", b"2"]
        self.committed = 0
        self.expired = False
        self.heartbeats = 0
        self._issue = 0

    async def call(self, address: Address, call: Callable[[Any], Any]) -> Any:
        return call(self)

    def create_group_cursor(self, stream: str, details: Any) -> Any:
        assert details.commit_on_get is False
        self.expired = False
        return self._cursor(self.committed)

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
    address = Address(
        name="stream",
        id="ocid",
        endpoint="http://localhost",
        retention=86400.0,
        tags={},
        etag=None,
        request_id=None,
        read_at=time.monotonic(),
    )
    streams: Any = service
    return Reader(streams, address, "group", 30.0)


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

    class DownError(Exception):
        status = 503

    def fail(*args: Any, **options: Any) -> Any:
        raise DownError

    commit, service.consumer_commit = service.consumer_commit, fail  # type: ignore[method-assign]
    with pytest.raises(DownError):
        await reader.commit()
    service.consumer_commit = commit  # type: ignore[method-assign]
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


async def test_tasks_that_look_at_once_look_once(reader: Reader, service: Service) -> None:
    service.values = []
    before = time.monotonic()
    await reader.read(float("-inf"))
    service.values = [b"0"]
    await reader.read(float("-inf"))
    assert reader.deliveries.take(9, 60) == [], "another task had just found nothing"
    await reader.read(before + 3600)
    assert len(reader.deliveries.take(9, 60)) == 1
