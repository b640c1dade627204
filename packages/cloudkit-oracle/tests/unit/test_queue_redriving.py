"""Dead letters that go back to their queue, and a caller who is gone meanwhile."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from cloudkit.api.queue.operations import Redrive
from cloudkit.oracle.queue import OracleMessageQueue
from cloudkit.oracle.queue.capabilities import QUEUE_CAPABILITIES
from cloudkit.oracle.queue.queues import Address

pytestmark = pytest.mark.anyio

PLACE = Address(
    name="queue",
    id="ocid",
    endpoint="http://localhost",
    visibility=30,
    retention=86400.0,
    max_receives=2,
    own_limit=0,
    read_at=0.0,
)


class Service:
    """A place of dead letters without end, and their queue.

    Attributes:
        left: How many dead letters there are.
        sent: How many went to the queue.
        sending: Set by the first request to send.
        go_on: What such requests wait for.
        idle: Set when the thread has ended.
    """

    def __init__(self) -> None:
        self.left = 100
        self.sent = 0
        self.sending = threading.Event()
        self.go_on = threading.Event()
        self.idle = threading.Event()

    async def run(self, service: str, call: Any) -> Any:
        def run() -> Any:
            try:
                return call(None)
            finally:
                self.idle.set()

        return await run_sync(run, abandon_on_cancel=True)

    def get_messages(self, queue: str, limit: int, **options: Any) -> Any:
        count = min(limit, self.left)
        self.left -= count
        one = [SimpleNamespace(receipt=f"{self.left}/{n}", content="a") for n in range(count)]
        for each in one:
            each.metadata = None
        return SimpleNamespace(data=SimpleNamespace(messages=one))

    def put_messages(self, queue: str, details: Any) -> Any:
        self.sending.set()
        assert self.go_on.wait(10)
        self.sent += len(details.messages)
        sent = [SimpleNamespace(id=1) for _ in details.messages]
        return SimpleNamespace(data=SimpleNamespace(messages=sent))

    def delete_messages(self, queue: str, details: Any) -> Any:
        entries = [SimpleNamespace(error_code=None) for _ in details.entries]
        return SimpleNamespace(data=SimpleNamespace(entries=entries))


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def queue(service: Service, monkeypatch: pytest.MonkeyPatch) -> OracleMessageQueue:
    unused: Any = None
    clients: Any = service
    made = OracleMessageQueue(unused, QUEUE_CAPABILITIES, clients)
    found = SimpleNamespace(
        using=lambda admin, name, call: call(PLACE),
        dead_letters=lambda admin, address: PLACE,
        messages=lambda address: service,
    )
    monkeypatch.setattr(made, "_queues", found)
    return made


async def test_all_are_moved(queue: OracleMessageQueue, service: Service) -> None:
    service.go_on.set()
    assert await queue._redrive(Redrive(queue="queue")) == 100
    assert service.sent == 100


async def test_no_more_are_moved_once_the_caller_is_gone(
    queue: OracleMessageQueue, service: Service
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue._redrive, Redrive(queue="queue"))
        assert await run_sync(service.sending.wait, 10)
        tasks.cancel_scope.cancel()
    service.go_on.set()
    assert await run_sync(service.idle.wait, 10)
    assert (service.sent, service.left) == (20, 80), "those that were under way"
