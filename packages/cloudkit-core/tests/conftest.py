"""What the tests of the core have in common: an operation, an executor, and a clock that jumps."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import pytest
import trio
import trio.testing
from attrs import frozen
from cloudkit.common import CloudConfig
from cloudkit.core import CloudContext, OperationExecutor
from cloudkit.spi import Operation


@frozen(kw_only=True, eq=False)
class Ping(Operation[str]):
    """An operation whose every trait can be chosen."""

    contract: ClassVar[str] = "storage"
    name: ClassVar[str] = "ping"
    target: str = "bucket/key"
    safe: bool = True
    extra: float = 0.0

    @property
    def resource(self) -> str:
        return self.target

    @property
    def idempotent(self) -> bool:
        return self.safe

    @property
    def extra_time(self) -> float:
        return self.extra


class JumpingSelector(selectors.DefaultSelector):
    """Lets virtual time pass in place of real time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that jumps to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@pytest.fixture
def ping() -> type[Ping]:
    return Ping


@pytest.fixture
def executor() -> Callable[..., OperationExecutor]:
    """Makes an executor from the options of a constructor."""

    def make(translate_error: Any = None, **options: Any) -> OperationExecutor:
        extra = {} if translate_error is None else {"translate_error": translate_error}
        context = CloudContext.from_options("acme", CloudConfig, options, **extra)
        return OperationExecutor(context)

    return make


@pytest.fixture(params=["asyncio", "trio"])
def in_virtual_time(
    request: pytest.FixtureRequest,
) -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Runs a coroutine function under a clock that jumps over every wait."""

    def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if request.param == "trio":
            return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(main())

    return run
