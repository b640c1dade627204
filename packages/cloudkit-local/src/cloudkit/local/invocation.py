"""Calls of Python functions, and what comes of them."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any

from attrs import frozen
from cloudkit.api.functions import FunctionFault
from cloudkit.api.json import to_json
from cloudkit.core import WorkerThreads

_OURS = ("cloudkit.local", "cloudkit.core")


@frozen
class Outcome:
    """What a call came to.

    Attributes:
        payload: What the function returned.
        fault: How it failed; None when it did not.
    """

    payload: bytes = b""
    fault: FunctionFault | None = None


async def call(
    function: Callable[[bytes], Any], payload: bytes, threads: WorkerThreads, most: int
) -> Outcome:
    """Call a function: a plain one in a thread, an async one here.

    Args:
        function: The function.
        payload: What it gets.
        threads: Where plain functions run.
        most: Most bytes that it may return.
    """
    try:
        result: Any
        if _is_async(function):
            result = await function(payload)
        else:
            result = await threads.run(function, payload)
            if inspect.isawaitable(result):
                result = await result
        answer = _to_bytes(result)
    # A function that wants to end the process has failed; the process is not its own.
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever the function raises)
        return Outcome(fault=_fault(error))
    if len(answer) > most:
        message = f"the function returned {len(answer):,} bytes; the limit is {most:,} bytes"
        return Outcome(fault=FunctionFault(message=message, kind="PayloadTooLargeError"))
    return Outcome(answer)


def _is_async(function: Callable[[bytes], Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  (an object with an async __call__)
    )


def _to_bytes(result: Any) -> bytes:
    if result is None:
        return b""
    if isinstance(result, str):
        return result.encode()
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    return to_json(result)


def _fault(error: BaseException) -> FunctionFault:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    return FunctionFault(message=str(error), kind=type(error).__name__, trace="".join(lines))
