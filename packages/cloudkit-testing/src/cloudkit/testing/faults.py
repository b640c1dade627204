"""Faults between a contract and its provider: requests lost, answers lost, delays."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import anyio
from attrs import define
from cloudkit.spi import AnyOperation, Interceptor

Failure: TypeAlias = Exception | Callable[[], Exception]
"""An error, or what makes a fresh one each time. Native errors of the provider are welcome."""


@define
class _Fault:
    operation: str
    kind: Literal["request", "answer", "delay"]
    left: float
    failure: Failure | None = None
    seconds: float = 0.0

    def error(self) -> Exception:
        assert self.failure is not None  # only a delay has none
        return self.failure if isinstance(self.failure, Exception) else self.failure()


class Faults(Interceptor):
    """An interceptor that breaks attempts as it is told, and counts them.

    ::

        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            faults.lose_request("get_object", ConnectionFailedError("refused"), times=2)

    An operation is named as in its errors: ``"get_object"``; ``"*"`` stands for all. Faults that
    were set first strike first.

    Attributes:
        attempts: The operations attempted, in order, also those that a fault kept from the provider.
        times: When each of them began, by the clock of the event loop.
    """

    def __init__(self) -> None:
        self.attempts: list[AnyOperation] = []
        self.times: list[float] = []
        self._faults: list[_Fault] = []

    def lose_request(self, operation: str, failure: Failure, *, times: float = 1) -> None:
        """Fail before the provider hears of it.

        Args:
            operation: Name of the operation.
            failure: What is raised.
            times: How many attempts; ``math.inf`` for all.
        """
        self._faults.append(_Fault(operation, "request", times, failure))

    def lose_answer(self, operation: str, failure: Failure, *, times: float = 1) -> None:
        """Fail after the provider has done it.

        Args:
            operation: Name of the operation.
            failure: What is raised.
            times: How many attempts; ``math.inf`` for all.
        """
        self._faults.append(_Fault(operation, "answer", times, failure))

    def delay(self, operation: str, seconds: float, *, times: float = 1) -> None:
        """Wait before the provider hears of it.

        Args:
            operation: Name of the operation.
            seconds: How long; ``math.inf`` until the task is cancelled.
            times: How many attempts; ``math.inf`` for all.
        """
        self._faults.append(_Fault(operation, "delay", times, seconds=seconds))

    def heal(self) -> None:
        """Drop all faults that have not struck yet."""
        self._faults.clear()

    def count(self, operation: str = "*") -> int:
        """How many attempts were made.

        Args:
            operation: Name of the operation; ``"*"`` for all.
        """
        return sum(operation in {"*", attempt.name} for attempt in self.attempts)

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Apply the first fault that fits."""
        self.attempts.append(operation)
        self.times.append(anyio.current_time())
        fault = self._next(operation)
        if fault is None:
            return await proceed(operation)
        if fault.kind == "request":
            raise fault.error()
        if fault.kind == "delay":
            await (
                anyio.sleep_forever() if fault.seconds == math.inf else anyio.sleep(fault.seconds)
            )
            return await proceed(operation)
        await proceed(operation)
        raise fault.error()

    def _next(self, operation: AnyOperation) -> _Fault | None:
        for fault in self._faults:
            if fault.left > 0 and fault.operation in {"*", operation.name}:
                fault.left -= 1
                return fault
        return None
