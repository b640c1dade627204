"""Deadlines and cancellation.

The bounds are those of the contract: a deadline is kept within half a second and a cancelled call
returns within a tenth. Each is measured several times and the best counts, because another process
on the same machine can only make a measurement longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from cloudkit.common import OperationTimeoutError
from cloudkit.testing.common.suite import ContractSuite, Workbench
from cloudkit.testing.faults import Faults


async def _cancelled_after(call: Callable[[], Coroutine[Any, Any, object]], ready: Any) -> float:
    """Seconds that a call takes to return once it is cancelled."""
    cancelled = math.inf
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await ready()
        cancelled = anyio.current_time()
        tasks.cancel_scope.cancel()
    return anyio.current_time() - cancelled


class LimitBehaviours(ContractSuite):
    """A call ends in time, also when the service does not."""

    __test__ = False

    async def test_a_deadline_is_kept(self, workbench: Workbench) -> None:
        faults = Faults()
        options = {"timeout": self.short_timeout, "interceptors": [faults]}
        async with workbench(**options) as (contract, resource):

            async def overrun() -> float:
                faults.delay(self.idempotent_operation, math.inf)
                began = anyio.current_time()
                with pytest.raises(OperationTimeoutError) as caught:
                    await self.idempotent_call(contract, resource)
                assert caught.value.operation == self.idempotent_operation
                return anyio.current_time() - began - self.short_timeout

            assert await self.fastest(overrun, self.deadline_slack) <= self.deadline_slack

    async def test_a_cancelled_call_returns_at_once(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(interceptors=[faults]) as (contract, resource):

            async def lateness() -> float:
                count = faults.count(self.idempotent_operation)
                faults.delay(self.idempotent_operation, math.inf)
                return await _cancelled_after(
                    lambda: self.idempotent_call(contract, resource),
                    lambda: self.eventually(
                        lambda: faults.count(self.idempotent_operation) > count
                    ),
                )

            assert await self.fastest(lateness, self.cancel_slack) <= self.cancel_slack

    async def test_a_client_works_on_after_a_cancelled_call(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(interceptors=[faults]) as (contract, resource):
            faults.delay(self.idempotent_operation, math.inf)
            with anyio.move_on_after(0.05) as scope:
                await self.idempotent_call(contract, resource)
            assert scope.cancelled_caught
            await self.idempotent_call(contract, resource)

    async def test_a_limit_of_the_callers_own_is_not_a_timeout_of_the_operation(
        self, workbench: Workbench
    ) -> None:
        faults = Faults()
        async with workbench(interceptors=[faults]) as (contract, resource):
            faults.delay(self.idempotent_operation, math.inf)
            with pytest.raises(TimeoutError) as caught, anyio.fail_after(0.05):
                await self.idempotent_call(contract, resource)
            assert not isinstance(caught.value, OperationTimeoutError)

    async def test_a_deadline_is_kept_when_the_server_hangs(self, stalled_cloud: Any) -> None:
        contract = getattr(stalled_cloud, self.contract_name)

        async def overrun() -> float:
            began = anyio.current_time()
            with pytest.raises(OperationTimeoutError):
                await self.missing_call(contract, self.fresh_name("missing"))
            return anyio.current_time() - began - self.short_timeout

        assert await self.fastest(overrun, self.deadline_slack) <= self.deadline_slack

    async def test_a_call_is_cancelled_at_once_when_the_server_hangs(
        self, stalled_cloud: Any
    ) -> None:
        contract = getattr(stalled_cloud, self.contract_name)

        async def lateness() -> float:
            return await _cancelled_after(
                lambda: self.missing_call(contract, self.fresh_name("missing")),
                lambda: anyio.sleep(self.short_timeout / 4),
            )

        assert await self.fastest(lateness, self.cancel_slack) <= self.cancel_slack
