"""What errors say, and what they never say."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from cloudkit.common import (
    AuthenticationError,
    CloudError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
)
from cloudkit.testing.common.suite import ContractSuite, Workbench
from cloudkit.testing.faults import Faults
from cloudkit.testing.outcome import unsupported


class ForeignError(Exception):
    """An error that no provider knows."""


class ErrorBehaviours(ContractSuite):
    """Errors are CloudErrors that name provider, operation and resource, and hold no secret."""

    __test__ = False

    async def test_errors_name_provider_service_operation_and_resource(
        self, cloud: Any, contract: Any
    ) -> None:
        name = self.fresh_name("missing")
        error = await self._missing(contract, name)
        assert error.provider == cloud.provider
        assert error.service == self.contract_name
        assert error.operation
        assert name in (error.resource or "")
        assert all(part in str(error) for part in (cloud.provider, error.operation, name))

    async def test_errors_of_the_service_carry_its_own_facts(self, contract: Any) -> None:
        if not self.native_facts:
            unsupported("native errors", "the provider has no service behind it that reports any")
        error = await self._missing(contract, self.fresh_name("missing"))
        for fact in self.native_facts:
            value = error.__cause__ if fact == "cause" else getattr(error, fact)
            assert value is not None, f"the error has no {fact}: {error!r}"

    async def test_errors_hold_no_secret(self, contract: Any) -> None:
        if not self.secrets:
            unsupported("secrets", "the suite gives its clients no secret that could show")
        self._check_secrets(await self._missing(contract, self.fresh_name("missing")))

    async def test_wrong_credentials_are_refused_as_such(self, bad_credentials_cloud: Any) -> None:
        contract = getattr(bad_credentials_cloud, self.contract_name)
        with pytest.raises((AuthenticationError, PermissionDeniedError)) as caught:
            await self.missing_call(contract, self.fresh_name("missing"))
        assert caught.value.operation
        self._check_secrets(caught.value)

    async def test_an_endpoint_that_is_down_is_a_network_error(
        self, unreachable_cloud: Any
    ) -> None:
        contract = getattr(unreachable_cloud, self.contract_name)
        with pytest.raises(NetworkError) as caught:
            await self.missing_call(contract, self.fresh_name("missing"))
        assert caught.value.retryable
        assert caught.value.unprocessed
        assert caught.value.operation

    async def test_an_error_that_is_not_of_the_service_passes_unchanged(
        self, workbench: Workbench
    ) -> None:
        faults = Faults()
        foreign = ForeignError("a defect of the caller's")
        async with workbench(interceptors=[faults]) as (contract, resource):
            before = faults.count(self.idempotent_operation)
            faults.lose_request(self.idempotent_operation, foreign)
            with pytest.raises(ForeignError) as caught:
                await self.idempotent_call(contract, resource)
            assert caught.value is foreign
            assert faults.count(self.idempotent_operation) == before + 1

    async def _missing(self, contract: Any, name: str) -> CloudError:
        with pytest.raises(NotFoundError) as caught:
            await self.missing_call(contract, name)
        return caught.value

    def _check_secrets(self, error: CloudError) -> None:
        shown = (str(error), repr(error), repr(vars(error)), *traceback.format_exception(error))
        for secret in self.secrets:
            assert not any(secret in text for text in shown)
