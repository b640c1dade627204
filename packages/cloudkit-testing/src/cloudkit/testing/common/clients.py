"""Clients: closing, independence, many tasks at once, and what a provider cannot do."""

from __future__ import annotations

import math
from typing import Any

import anyio
import pytest
from cloudkit.common import ClientClosedError, NetworkError, UnsupportedOperationError
from cloudkit.spi import InMemoryMetrics, NoRetry
from cloudkit.testing.common.suite import ContractSuite, Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.suite import MakeCloud

TASKS = 64


class ClientBehaviours(ContractSuite):
    """A client stands for itself, serves many tasks and is of no use once closed."""

    __test__ = False

    async def test_use_after_close_raises(self, make_cloud: MakeCloud) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            contract = getattr(cloud, self.contract_name)
        with pytest.raises(ClientClosedError) as caught:
            await self.missing_call(contract, self.fresh_name("missing"))
        assert caught.value.operation
        assert faults.count() == 0

    async def test_closing_twice_is_fine(self, make_cloud: MakeCloud) -> None:
        async with make_cloud() as cloud:
            await cloud.aclose()
            await cloud.aclose()
        with pytest.raises(ClientClosedError):
            await self.missing_call(getattr(cloud, self.contract_name), self.fresh_name("missing"))

    async def test_two_clients_share_no_state(self, workbench: Workbench) -> None:
        faults, ours, theirs = Faults(), InMemoryMetrics(), InMemoryMetrics()
        options = {"retry": NoRetry(), "interceptors": [faults], "metrics": ours}
        async with workbench(metrics=theirs) as (other, other_resource):
            async with workbench(**options) as (contract, resource):
                faults.lose_request(
                    self.idempotent_operation, NetworkError("broken"), times=math.inf
                )
                seen = len(ours.records)
                await self.idempotent_call(other, other_resource)
                assert len(ours.records) == seen
                with pytest.raises(NetworkError):
                    await self.idempotent_call(contract, resource)
                faults.heal()
            await self.idempotent_call(other, other_resource)  # the first is closed by now
        assert all(record.outcome != "NetworkError" for record in theirs.records)

    async def test_many_tasks_use_one_client_at_once(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            async with anyio.create_task_group() as tasks:
                for _ in range(TASKS):
                    tasks.start_soon(self.idempotent_call, contract, resource)
            assert faults.count(self.idempotent_operation) == before + TASKS

    async def test_what_is_not_supported_is_refused_before_anything_is_sent(
        self, make_cloud: MakeCloud, refused_flag: str
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            contract: Any = getattr(cloud, self.contract_name)
            # Only this one is missing, whatever the provider has: one flag may stand on another.
            self.restrict(contract, **{flag: flag != refused_flag for flag in self.refusals})
            with pytest.raises(UnsupportedOperationError) as caught:
                await self.refusals[refused_flag](contract)
        error = caught.value
        assert error.capability == f"{self.contract_name}.{refused_flag}"
        assert error.provider == cloud.provider
        assert error.operation
        assert faults.count() == 0
