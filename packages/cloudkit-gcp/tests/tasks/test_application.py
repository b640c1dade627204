"""The ASGI application, called as a server would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from cloudkit.api.messaging import ConsumeOptions, Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.gcp.cloud_tasks.application import TaskApplication
from cloudkit.gcp.cloud_tasks.capabilities import MAX_TASK_BYTES
from cloudkit.gcp.cloud_tasks.consumers import Consumers

pytestmark = pytest.mark.anyio

PATIENCE = 5.0


class Exchange:
    """One request, and what it is answered with.

    Args:
        queue: The queue that it says it comes from.
        body: The parts of its body.
        method: Its method.
    """

    def __init__(
        self, queue: str = "work", body: Iterable[bytes] = (b"body",), method: str = "POST"
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "headers": [(b"X-CloudTasks-QueueName", queue.encode())],
        }
        parts = list(body)
        self._events = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
            for number, part in enumerate(parts)
        ]
        self.gone = anyio.Event()
        self.sent: list[Any] = []

    @property
    def status(self) -> int:
        """Of the answer."""
        status: int = self.sent[0]["status"]
        return status

    async def receive(self) -> Any:
        """What the server hands on."""
        if self._events:
            return self._events.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Any) -> None:
        """What the application answers."""
        self.sent.append(event)

    async def run(self, app: TaskApplication) -> Exchange:
        """Have it answered."""
        with anyio.fail_after(PATIENCE):
            await app(self.scope, self.receive, self.send)
        return self


@pytest.fixture
def consumers() -> Consumers:
    return Consumers()


@pytest.fixture
def app(consumers: Consumers) -> TaskApplication:
    clients: Any = None  # only tokens are looked at in threads
    return TaskApplication(clients, consumers, None, 600)


@asynccontextmanager
async def consuming(
    consumers: Consumers, handler: Any, **options: Any
) -> AsyncIterator[anyio.CancelScope]:
    async with flat_task_group() as tasks:
        run = partial(consumers.run, "work", handler, ConsumeOptions(**options))
        tasks.start_soon(run)
        with anyio.fail_after(PATIENCE):
            while "work" not in consumers:
                await anyio.lowlevel.checkpoint()
        try:
            yield tasks.cancel_scope
        finally:
            tasks.cancel_scope.cancel()


async def test_a_body_in_parts_is_put_together(app: TaskApplication, consumers: Consumers) -> None:
    found: list[Message] = []
    async with consuming(consumers, found.append):
        exchange = await Exchange(body=[b"a", b"", b"b"]).run(app)
    assert exchange.status == 200
    assert [message.body for message in found] == [b"ab"]


async def test_a_handler_that_raises_is_a_500(app: TaskApplication, consumers: Consumers) -> None:
    async def handle(message: Message) -> None:
        raise RuntimeError("not today")

    async with consuming(consumers, handle):
        assert (await Exchange().run(app)).status == 500


async def test_what_nobody_consumes_is_a_503(app: TaskApplication, consumers: Consumers) -> None:
    async with consuming(consumers, print):
        assert (await Exchange(queue="other").run(app)).status == 503
    assert (await Exchange().run(app)).status == 503


async def test_a_body_larger_than_any_task_is_refused(app: TaskApplication) -> None:
    assert (await Exchange(body=[bytes(MAX_TASK_BYTES), b"a"]).run(app)).status == 413


async def test_other_methods_are_refused(app: TaskApplication) -> None:
    assert (await Exchange(method="GET").run(app)).status == 405


async def test_who_goes_before_the_body_is_there_gets_no_answer(app: TaskApplication) -> None:
    exchange = Exchange(body=())
    exchange.gone.set()
    assert (await exchange.run(app)).sent == []


async def test_a_handler_is_cancelled_when_the_caller_goes(
    app: TaskApplication, consumers: Consumers
) -> None:
    exchange = Exchange()

    async def handle(message: Message) -> None:
        exchange.gone.set()
        await anyio.sleep_forever()

    async with consuming(consumers, handle):
        assert (await exchange.run(app)).status == 503


async def test_a_handler_is_cancelled_when_its_time_is_over(
    app: TaskApplication, consumers: Consumers
) -> None:
    exchange = Exchange()
    exchange.scope["headers"].append((b"CloudKit-Deadline", b"0.05"))
    async with consuming(consumers, lambda message: anyio.sleep_forever()):
        assert (await exchange.run(app)).status == 503


async def test_what_waits_for_a_free_handler_is_refused_when_consuming_is_cancelled(
    app: TaskApplication, consumers: Consumers
) -> None:
    begun, release = anyio.Event(), anyio.Event()
    bodies: list[bytes] = []

    async def handle(message: Message) -> None:
        bodies.append(message.body)
        begun.set()
        await release.wait()

    first, second = Exchange(body=[b"first"]), Exchange(body=[b"second"])
    options = {"concurrency": 1, "drain_timeout": PATIENCE}
    async with (
        anyio.create_task_group() as tasks,
        consuming(consumers, handle, **options) as scope,
    ):
        tasks.start_soon(first.run, app)
        with anyio.fail_after(PATIENCE):
            await begun.wait()
        tasks.start_soon(second.run, app)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        tasks.start_soon(_set_later, release)
    assert bodies == [b"first"]
    assert (first.status, second.status) == (200, 503)


async def test_a_handler_that_is_cancelled_by_something_of_its_own_has_failed(
    app: TaskApplication, consumers: Consumers
) -> None:
    async def handle(message: Message) -> None:
        with anyio.fail_after(0):
            await anyio.sleep_forever()

    async with consuming(consumers, handle):
        assert (await Exchange().run(app)).status == 500


async def test_the_server_starts_and_stops(app: TaskApplication) -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_other_kinds_of_connections_are_none_of_its_business(app: TaskApplication) -> None:
    exchange = Exchange()
    with pytest.raises(ValueError, match="websocket"):
        await app({"type": "websocket"}, exchange.receive, exchange.send)


async def _set_later(event: anyio.Event) -> None:
    await anyio.wait_all_tasks_blocked()
    event.set()
