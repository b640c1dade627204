"""Functions on Oracle's Functions, as their double has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from cloudkit.api.functions import Functions
from cloudkit.common import ConflictError, NotFoundError, SigningKeyCredentials
from cloudkit.oracle import OracleCloud
from cloudkit.testing import FunctionsSuite, MakeCloud
from cloudkit.testing.functions.suite import Witness
from emulators.process import Server
from oracle.clouds import OracleClouds, make_oracle


class TestFunctions(OracleClouds, FunctionsSuite):
    """The behaviours of all providers, in one application."""

    slow_seconds = 5.0  # more than short_timeout

    @pytest.fixture
    def make_cloud(self, oci_double: Server, credentials: SigningKeyCredentials) -> MakeCloud:
        type(self).secrets = (credentials.private_key,)

        def make(**options: Any) -> OracleCloud:
            return make_oracle(oci_double.url, credentials, application="suite", **options)

        return make

    @pytest.fixture
    async def everything(
        self, oci_double: Server, credentials: SigningKeyCredentials
    ) -> AsyncIterator[OracleCloud]:
        """A client of all applications."""
        async with make_oracle(oci_double.url, credentials) as cloud:
            yield cloud

    @pytest.fixture
    def witness(self, cloud: OracleCloud) -> Witness:
        async def witness(payload: bytes) -> bool:
            return (await cloud.functions.invoke("witnessed", payload)).payload == b"true"

        return witness

    async def missing_call(self, contract: Functions, resource: str) -> None:
        # One that is missing by name is not found in a list: no request fails.
        await contract.invoke(f"ocid1.fnfunc.oc1.iad.{resource}", b"payload")

    async def test_a_dry_run_runs_nothing(self, cloud: OracleCloud, witness: Witness) -> None:
        payload = self.fresh_name("payload").encode()
        await cloud.functions.check_invoke("witness", payload)
        assert not await witness(payload)
        with pytest.raises(NotFoundError):
            await cloud.functions.check_invoke(self.fresh_name("missing"), payload)

    async def test_a_function_says_how_it_failed(self, cloud: OracleCloud) -> None:
        result = await cloud.functions.invoke("fail", b"payload")
        assert result.error is not None
        assert result.error.kind == "ValueError"
        assert (result.status, bool(result.request_id)) == (500, True)
        result = await cloud.functions.invoke("failing/refuse")
        assert result.error is not None
        assert (result.error.message, result.status) == ("not like this", 422)

    async def test_an_exception_that_is_let_through_is_a_failure(self, cloud: OracleCloud) -> None:
        result = await cloud.functions.invoke("failing/crash")
        assert result.error is not None
        assert result.error.kind == "FunctionInvokeExecutionFailed"
        assert result.error.message == "function failed"
        assert (result.status, bool(result.request_id)) == (502, True)

    async def test_functions_of_all_applications_have_its_name_before(
        self, everything: OracleCloud
    ) -> None:
        names = [info.name async for info in everything.functions.list_functions()]
        assert {"suite/echo", "failing/echo", "failing/crash"} <= set(names)
        assert (await everything.functions.invoke("failing/echo", b"1")).payload == b"1"
        assert (await everything.functions.invoke("add", b'{"numbers": [1]}')).ok
        with pytest.raises(ConflictError, match="application/function"):
            await everything.functions.invoke("echo", b"1")

    async def test_a_function_is_invoked_by_its_ocid(self, cloud: OracleCloud) -> None:
        place, _ = await cloud.functions._directory.find("echo")
        assert (await cloud.functions.invoke(place.identity, b"1")).payload == b"1"
        assert await cloud.functions.function_exists(place.identity)
        assert not await cloud.functions.function_exists(f"{place.identity}x")
