"""The least that is a Functions."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
from cloudkit.api.functions import FunctionFault, FunctionInfo, Functions, Invocation, InvokeResult
from cloudkit.api.paging import Page
from cloudkit.common import NotFoundError
from cloudkit.testing.functions.handlers import HANDLERS, LOGGED

from .queue import page_of

NAMES = (*HANDLERS, "witness")


class MemoryFunctions(Functions):
    """The suite's functions, which need no thread to wait in."""

    def __init__(self, runner: Any, capabilities: Any) -> None:
        super().__init__(runner, capabilities)
        self.later: list[tuple[str, bytes]] = []

    async def call(self, name: str, payload: bytes) -> bytes:
        if name == "slow":
            await anyio.sleep(float(payload))
            return payload
        return HANDLERS[name](payload)

    def check(self, name: str) -> None:
        if name not in NAMES:
            raise NotFoundError(f"there is no function {name}", resource=name)

    async def _invoke(self, op) -> InvokeResult:
        await anyio.lowlevel.checkpoint()
        self.check(op.function)
        if op.qualifier not in {None, "1"}:
            raise NotFoundError(f"{op.function} has no version {op.qualifier}")
        return await self.outcome(op)

    async def outcome(self, op) -> InvokeResult:
        logs = LOGGED if op.logs and op.function == "log" else None
        try:
            return InvokeResult(payload=await self.call(op.function, op.payload), logs=logs)
        except Exception as error:  # noqa: BLE001  (whatever the function raises)
            fault = FunctionFault(message=str(error), kind=type(error).__name__)
            return InvokeResult(error=fault, logs=logs)

    async def _invoke_async(self, op) -> Invocation:
        await anyio.lowlevel.checkpoint()
        self.check(op.function)
        self.later.append((op.function, op.payload))
        return Invocation(request_id="later")

    async def _function_exists(self, op) -> bool:
        await anyio.lowlevel.checkpoint()
        return op.function in NAMES

    async def _list_functions(self, op) -> Page[FunctionInfo]:
        await anyio.lowlevel.checkpoint()
        return page_of({name: FunctionInfo(name=name) for name in NAMES}, op)
