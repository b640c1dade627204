"""What the executor costs an operation: a no-op hook through it against a bare await of the hook."""

from __future__ import annotations

import time
from typing import Any

import anyio
from attrs import frozen
from cloudkit.common import CloudConfig
from cloudkit.core import CloudContext, OperationExecutor
from cloudkit.spi import Operation

from tools.bench.report import Row, print_rows

ROUNDS = 7
CALLS = 5000
TARGET = 40e-6


@frozen(kw_only=True, eq=False)
class _Nothing(Operation[None]):
    contract = "bench"
    name = "nothing"
    safe = True


async def _hook(operation: _Nothing) -> None:
    return None


async def _measure() -> tuple[float, float]:
    """Seconds a call: bare, and through the executor; the best of several rounds."""
    context: CloudContext[Any] = CloudContext(provider="bench", config=CloudConfig())
    executor = OperationExecutor(context)
    operation = _Nothing()
    bare = through = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await _hook(operation)
        bare = min(bare, time.perf_counter() - began)
        began = time.perf_counter()
        for _ in range(CALLS):
            await executor.run(operation, _hook)
        through = min(through, time.perf_counter() - began)
    await context.aclose()
    return bare / CALLS, through / CALLS


def run() -> bool:
    """Measure and print.

    Returns:
        Whether all targets were met.
    """
    rows = []
    for backend in ("asyncio", "trio"):
        bare, through = anyio.run(_measure, backend=backend)
        cost = through - bare
        met = cost <= TARGET if backend == "asyncio" else None
        target = f"at most {TARGET * 1e6:.0f} µs" if backend == "asyncio" else "(reported only)"
        value = f"{cost * 1e6:.1f} µs"
        rows.append(
            Row(f"executor on top of a hook, {backend}", value, through / bare, target, met)
        )
    return print_rows("executor", rows)
