"""Retries: as often and as late as the policy says, and never where that could do harm."""

from __future__ import annotations

import math

import pytest
from cloudkit.common import (
    ConnectionFailedError,
    NetworkError,
    PermissionDeniedError,
    RateLimitedError,
    ServiceUnavailableError,
)
from cloudkit.spi import FixedDelay, InMemoryMetrics, NoRetry
from cloudkit.testing.common.suite import ContractSuite, Workbench
from cloudkit.testing.faults import Faults


def broken_link() -> NetworkError:
    """A failure that leaves open whether the service carried the request out."""
    return NetworkError("the test broke the connection")


def refused_link() -> ConnectionFailedError:
    """A failure that proves that the service heard of nothing."""
    return ConnectionFailedError("the test refused the connection")


class RetryBehaviours(ContractSuite):
    """One retry loop, which follows the policy exactly."""

    __test__ = False

    @pytest.mark.parametrize("failures", [1, 2])
    async def test_a_transient_failure_is_tried_again(
        self, workbench: Workbench, failures: int
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_request(self.idempotent_operation, broken_link, times=failures)
            await self.idempotent_call(contract, resource)
            assert faults.count(self.idempotent_operation) == before + failures + 1

    async def test_attempts_end_when_the_policy_says(self, workbench: Workbench) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=4, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_request(self.idempotent_operation, broken_link, times=math.inf)
            with pytest.raises(NetworkError) as caught:
                await self.idempotent_call(contract, resource)
            assert faults.count(self.idempotent_operation) == before + 4
            assert caught.value.operation == self.idempotent_operation
            faults.heal()

    async def test_no_retry_means_one_attempt(self, workbench: Workbench) -> None:
        faults = Faults()
        async with workbench(retry=NoRetry(), interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_request(self.idempotent_operation, refused_link)
            with pytest.raises(ConnectionFailedError):
                await self.idempotent_call(contract, resource)
            assert faults.count(self.idempotent_operation) == before + 1

    async def test_delays_are_those_of_the_policy(self, workbench: Workbench) -> None:
        faults, metrics = Faults(), InMemoryMetrics()
        retry = FixedDelay(max_attempts=3, delay=0.05)
        options = {"retry": retry, "interceptors": [faults], "metrics": metrics}
        async with workbench(**options) as (contract, resource):
            faults.lose_request(self.idempotent_operation, broken_link, times=2)
            await self.idempotent_call(contract, resource)
            record = next(r for r in metrics.records if r.attempts == 3)
            assert record.waited == pytest.approx(0.1)
            first, second, third = faults.times[-3:]
            assert second - first >= 0.045  # clocks are coarse
            assert third - second >= 0.045

    async def test_the_service_says_how_long_to_wait(self, workbench: Workbench) -> None:
        faults, metrics = Faults(), InMemoryMetrics()
        retry = FixedDelay(max_attempts=2, delay=0.01)
        options = {"retry": retry, "interceptors": [faults], "metrics": metrics}
        throttled = RateLimitedError("the test throttles", retry_after=0.2)
        async with workbench(**options) as (contract, resource):
            faults.lose_request(self.idempotent_operation, throttled)
            await self.idempotent_call(contract, resource)
            record = next(r for r in metrics.records if r.attempts == 2)
            assert record.waited == pytest.approx(0.2)

    async def test_what_cannot_get_better_is_not_tried_again(self, workbench: Workbench) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=3, delay=0)
        denied = PermissionDeniedError("the test denies it")
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_request(self.idempotent_operation, denied)
            with pytest.raises(PermissionDeniedError):
                await self.idempotent_call(contract, resource)
            assert faults.count(self.idempotent_operation) == before + 1

    async def test_a_lost_answer_is_asked_for_again_where_that_is_safe(
        self, workbench: Workbench
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=2, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_answer(self.idempotent_operation, broken_link)
            await self.idempotent_call(contract, resource)
            assert faults.count(self.idempotent_operation) == before + 2

    @pytest.mark.parametrize("failure", [broken_link, lambda: ServiceUnavailableError("down")])
    async def test_an_ambiguous_failure_is_never_sent_twice(
        self, workbench: Workbench, failure: type[Exception]
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=3, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.ambiguous_operation)
            faults.lose_answer(self.ambiguous_operation, failure)
            with pytest.raises((NetworkError, ServiceUnavailableError)):
                await self.ambiguous_call(contract, resource)
            assert faults.count(self.ambiguous_operation) == before + 1

    async def test_what_was_certainly_not_processed_is_sent_again(
        self, workbench: Workbench
    ) -> None:
        faults = Faults()
        retry = FixedDelay(max_attempts=2, delay=0)
        async with workbench(retry=retry, interceptors=[faults]) as (contract, resource):
            before = faults.count(self.ambiguous_operation)
            faults.lose_request(self.ambiguous_operation, refused_link)
            await self.ambiguous_call(contract, resource)
            assert faults.count(self.ambiguous_operation) == before + 2

    async def test_metrics_get_one_record_of_an_operation(self, workbench: Workbench) -> None:
        faults, metrics = Faults(), InMemoryMetrics()
        retry = FixedDelay(max_attempts=2, delay=0)
        options = {"retry": retry, "interceptors": [faults], "metrics": metrics}
        async with workbench(**options) as (contract, resource):
            before = len(metrics.records)
            faults.lose_request(self.idempotent_operation, broken_link)
            await self.idempotent_call(contract, resource)
            (record,) = metrics.records[before:]
            assert (record.service, record.operation) == (
                self.contract_name,
                self.idempotent_operation,
            )
            assert (record.outcome, record.attempts) == ("ok", 2)
            assert resource in record.resource
