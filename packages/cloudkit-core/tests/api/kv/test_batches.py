"""Batches: split as the service takes them, sent again where it left something undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import frozen
from cloudkit.api.contract import Contract
from cloudkit.common import (
    ClientClosedError,
    CloudError,
    CloudResult,
    KeyValueCapabilities,
    NetworkError,
    RateLimitedError,
    ServiceUnavailableError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core import OperationExecutor
from cloudkit.spi import FixedDelay, NoRetry, Operation

pytestmark = pytest.mark.anyio


@frozen(kw_only=True, eq=False)
class Send(Operation[Sequence[CloudResult[int]]]):
    contract = "kv"
    name = "send"
    idempotent = True
    numbers: tuple[int, ...]

    @property
    def resource(self) -> str:
        return "things"

    def check(self, capabilities: Any) -> None:
        capabilities.require("scan", "sending")


class Sender(Contract[KeyValueCapabilities]):
    """Sends numbers; what comes back is ten times as much, or what ``answer`` says."""

    def __init__(
        self,
        runner: OperationExecutor,
        answer: Callable[[int, int], CloudError | None] = lambda number, request: None,
        capabilities: KeyValueCapabilities | None = None,
    ) -> None:
        super().__init__(runner, capabilities or KeyValueCapabilities())
        self.requests: list[tuple[int, ...]] = []
        self._answer = answer

    async def send(self, numbers: Sequence[int], **options: Any) -> list[CloudResult[int]]:
        return await self._run_batch(
            numbers, 3, lambda some: Send(numbers=tuple(some)), self._send, **options
        )

    async def _send(self, op: Send) -> list[CloudResult[int]]:
        self.requests.append(op.numbers)
        results: list[CloudResult[int]] = []
        for number in op.numbers:
            error = self._answer(number, len(self.requests))
            results.append(
                CloudResult.success(number * 10) if error is None else CloudResult.failure(error)
            )
        return results


def values(results: list[CloudResult[int]]) -> list[int]:
    return [result.value for result in results]


async def test_split_by_count(executor):
    sender = Sender(executor())
    assert values(await sender.send(range(7))) == [0, 10, 20, 30, 40, 50, 60]
    assert sender.requests == [(0, 1, 2), (3, 4, 5), (6,)]


async def test_nothing_is_nothing(executor):
    sender = Sender(executor())
    assert await sender.send([]) == []
    assert sender.requests == []


async def test_split_by_weight(executor):
    sender = Sender(executor())
    numbers = [4, 4, 4, 11, 1, 1, 1, 1, 9, 2]
    results = await sender.send(numbers, weigh=lambda number: number, max_weight=10)
    assert values(results) == [number * 10 for number in numbers]
    assert sender.requests == [(4, 4), (4,), (11,), (1, 1, 1), (1, 9), (2,)]


async def test_only_what_may_be_repeated_is_sent_again_in_order(executor):
    def answer(number: int, request: int) -> CloudError | None:
        if number == 1:
            return ValidationError("one is refused for good")
        return RateLimitedError("slow down") if number > request else None

    sender = Sender(executor(retry=FixedDelay(delay=0, max_attempts=5)), answer)
    results = await sender.send([2, 1, 3])
    assert sender.requests == [(2, 1, 3), (2, 3), (3,)]
    assert [result.value_or(-1) for result in results] == [20, -1, 30]
    error = results[1].error
    assert error is not None
    assert (error.provider, error.operation, error.resource) == ("acme", "send", "things")


async def test_the_policy_ends_it(executor):
    sender = Sender(
        executor(retry=FixedDelay(delay=0, max_attempts=3)),
        lambda number, request: RateLimitedError("no"),
    )
    results = await sender.send([1, 2])
    assert sender.requests == [(1, 2)] * 3
    assert all(isinstance(result.error, RateLimitedError) for result in results)


async def test_without_retries_nothing_is_sent_again(executor):
    sender = Sender(executor(retry=NoRetry()), lambda number, request: RateLimitedError("no"))
    results = await sender.send([1])
    assert sender.requests == [(1,)]
    assert not results[0].ok


async def test_bad_items_are_failures_and_the_others_are_sent(executor):
    def validate(number: int) -> None:
        if number < 0:
            raise ValidationError(f"{number} is negative")

    sender = Sender(executor())
    results = await sender.send([1, -1, 2, -2, 3, 4], validate=validate)
    assert [result.value_or(0) for result in results] == [10, 0, 20, 0, 30, 40]
    assert sender.requests == [(1, 2, 3), (4,)]
    error = results[1].error
    assert isinstance(error, ValidationError)
    assert error.provider == "acme"
    assert (await sender.send([-1], validate=validate))[0].error is not None
    assert len(sender.requests) == 2


async def test_request_that_fails_fails_its_items_only(executor):
    class Unlucky(Sender):
        async def _send(self, op: Send) -> list[CloudResult[int]]:
            if 1 in op.numbers:
                self.requests.append(op.numbers)
                raise ServiceUnavailableError("down")
            return await super()._send(op)

    sender = Unlucky(executor(retry=FixedDelay(delay=0, max_attempts=2)))
    results = await sender.send([1, 2, 3, 4])
    assert [result.ok for result in results] == [False, False, False, True]
    assert isinstance(results[0].error, ServiceUnavailableError)
    # The executor has repeated it as often as the policy allows; nothing more comes of it.
    assert sender.requests == [(1, 2, 3), (1, 2, 3), (4,)]


async def test_what_is_wrong_with_the_call_raises_before_anything_is_sent(executor):
    sender = Sender(executor(), capabilities=KeyValueCapabilities(scan=False))
    with pytest.raises(UnsupportedOperationError):
        await sender.send([1, 2])
    assert sender.requests == []


async def test_closed_client_raises(executor):
    runner = executor()
    await runner._context.aclose()
    with pytest.raises(ClientClosedError):
        await Sender(runner).send([1])


@frozen(kw_only=True, eq=False)
class SendOnce(Send):
    """A negative number must not be sent twice; a positive one may."""

    @property
    def idempotent(self) -> bool:
        return all(number > 0 for number in self.numbers)


class OnceSender(Sender):
    async def send(self, numbers: Sequence[int], **options: Any) -> list[CloudResult[int]]:
        return await self._run_batch(
            numbers, 9, lambda some: SendOnce(numbers=tuple(some)), self._send, **options
        )


async def test_what_may_have_been_done_is_not_sent_again_with_what_was_not(executor):
    def answer(number: int, request: int) -> CloudError | None:
        if request > 1 or number == -4:
            return None
        return RateLimitedError("not done") if number == -1 else NetworkError("who knows")

    sender = OnceSender(executor(retry=FixedDelay(delay=0)), answer)
    results = await sender.send([-1, -2, 3, -4])
    assert sender.requests == [(-1, -2, 3, -4), (-1, 3)]
    assert [result.value_or(0) for result in results] == [-10, 0, 30, -40]
    assert isinstance(results[1].error, NetworkError)


async def test_what_was_not_done_is_sent_again_whatever_comes_first(executor):
    def answer(number: int, request: int) -> CloudError | None:
        if request > 1:
            return None
        return NetworkError("who knows") if number == -1 else RateLimitedError("not done")

    sender = OnceSender(executor(retry=FixedDelay(delay=0)), answer)
    results = await sender.send([-1, -2])
    assert sender.requests == [(-1, -2), (-2,)]
    assert [result.ok for result in results] == [False, True]
