"""A source of messages in a list, for the tests of what queues and subscriptions share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anyio
import pytest
from attrs import evolve
from cloudkit.api.messaging import (
    Ack,
    DeadLetter,
    Extend,
    Leases,
    Message,
    Nack,
    Receive,
    ReceiveDeadLetters,
    Source,
)
from cloudkit.common import CloudError, CloudResult, QueueCapabilities
from cloudkit.spi import AnyOperation, OperationRunner

SOURCE = Source("queue", "jobs")


class PlainRunner(OperationRunner):
    """Runs hooks, and no more."""

    @property
    def provider(self) -> str:
        return "fake"

    async def run(self, operation: Any, hook: Callable[[Any], Awaitable[Any]]) -> Any:
        return await hook(operation)

    def translate(self, error: Exception, operation: AnyOperation) -> Exception:
        return error

    async def wait_to_retry(self, error: CloudError, attempt: int, operation: AnyOperation) -> bool:
        return False

    def deadline(self, operation: AnyOperation) -> AbstractContextManager[None]:
        return nullcontext()


class FakeLeases(Leases[QueueCapabilities]):
    """Messages in a list. ``failures`` has, by operation, errors to raise before it works again.

    Attributes:
        waiting: What can be received.
        events: What was done, as (operation, message id) or, for nack, (operation, id, delay).
        leases: Lease of each message, as the consumer must know it; changes when it is prolonged.
        delays: By operation: seconds that it takes.
    """

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(PlainRunner(), QueueCapabilities(**capabilities))
        self.waiting: list[Message] = []
        self.events: list[tuple[Any, ...]] = []
        self.failures: dict[str, list[CloudError]] = {}
        self.delays: dict[str, float] = {}
        self.leases: dict[str, str] = {}
        self.receives: list[tuple[float, Receive]] = []
        self._sent = anyio.Event()

    def send(self, *ids: str, group: str | None = None) -> None:
        for message_id in ids:
            self.put(Message(id=message_id, body=b"", source=SOURCE, lease="", group=group))

    def put(self, message: Message) -> None:
        self.waiting.append(message)
        self._sent.set()
        self._sent = anyio.Event()

    def of(self, operation: str) -> list[str]:
        """Ids of the messages that something was done with, in order."""
        return [event[1] for event in self.events if event[0] == operation]

    async def _receive(self, op: Receive) -> Sequence[Message]:
        self.receives.append((anyio.current_time(), op))
        await self._do("receive")
        if not self.waiting:
            with anyio.move_on_after(op.wait):
                await self._sent.wait()
        taken, self.waiting = (
            self.waiting[: op.max_messages],
            self.waiting[op.max_messages :],
        )
        messages = [evolve(m, lease=f"{m.id}/{m.receive_count}") for m in taken]
        self.leases.update((m.id, m.lease) for m in messages)
        return messages

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        return []

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        await self._do("ack")
        self.events.append(("batch", op.source, tuple(m.id for m in op.messages)))
        for message in op.messages:
            self._settle(message)
            self.events.append(("ack", message.id))
        return [CloudResult.success(message) for message in op.messages]

    async def _nack(self, op: Nack) -> None:
        await self._do("nack")
        self._settle(op.message)
        self.events.append(("nack", op.message.id, op.delay))
        self.put(evolve(op.message, receive_count=op.message.receive_count + 1))

    async def _extend(self, op: Extend) -> Message:
        await self._do("extend")
        assert self.leases[op.message.id] == op.message.lease
        renewed = evolve(op.message, lease=op.message.lease + "+")
        self.leases[op.message.id] = renewed.lease
        self.events.append(("extend", op.message.id))
        return renewed

    async def _dead_letter(self, op: DeadLetter) -> None:
        await self._do("dead_letter")
        self._settle(op.message)
        self.events.append(("dead_letter", op.message.id, op.reason))

    def _settle(self, message: Message) -> None:
        current = self.leases.get(message.id)
        assert current in {message.lease, None}, "an old lease"

    async def _do(self, operation: str) -> None:
        await anyio.sleep(self.delays.get(operation, 0))
        if self.failures.get(operation):
            raise self.failures[operation].pop(0)


@pytest.fixture
def source() -> Source:
    return SOURCE


@pytest.fixture
def make_leases() -> type[FakeLeases]:
    return FakeLeases
