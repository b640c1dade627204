"""Base of the behaviours of functions: which are deployed, and what there is to call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeAlias

import pytest
from cloudkit.api.functions import Functions
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.functions.refusals import REFUSALS
from cloudkit.testing.outcome import unsupported

Witness: TypeAlias = Callable[[bytes], Awaitable[bool]]
"""Tells whether the function ``witness`` was invoked with a payload."""


class FunctionsBase(ContractSuite):
    """Base of the behaviours of functions.

    The contract invokes functions but does not deploy them, so who runs the suite does that before:
    those of [handlers][cloudkit.testing.functions.handlers], bytes in and bytes out:

    - ``echo`` answers with its payload, byte for byte.
    - ``nothing`` answers with nothing.
    - ``unicode`` answers with ``Grüße, 世界 😀`` in UTF-8.
    - ``add`` answers ``{"numbers": [1, 2]}`` with ``{"sum": 3}``.
    - ``fail`` raises ``ValueError("the function fails on purpose")``.
    - ``slow`` waits as many seconds as its payload says (``b"2.5"``), and answers with the payload.
    - ``log`` logs the warning ``this is a line of the function's log``; where ``capabilities.functions.logs``.
    - ``witness``, if there is one, notes its payload where the fixture ``witness`` can see it.

    Attributes:
        deployed: Name that the suite knows a function by → name it is invoked by. A name that is
            missing stands for itself.
        slow_seconds: How long a call of ``slow`` takes; more than ``short_timeout`` and
            ``deadline_slack`` together.
        tells_failures: Whether the service passes on what an exception says. Where functions are web
            applications, callers see no more than that there was one.
        qualifier: A version or alias that ``echo`` can be invoked by; None where there is none.
    """

    __test__ = False

    contract_name = "functions"
    refusals = REFUSALS
    idempotent_operation = "function_exists"
    ambiguous_operation = "invoke"
    deployed: ClassVar[Mapping[str, str]] = {}
    slow_seconds: ClassVar[float] = 2.5
    tells_failures: ClassVar[bool] = True
    qualifier: ClassVar[str | None] = None

    @pytest.fixture
    def functions(self, cloud: Any) -> Functions:
        """The contract under test."""
        functions: Functions = cloud.functions
        return functions

    @pytest.fixture
    def witness(self) -> Witness:
        """Tells whether the function ``witness`` was invoked with a payload."""
        unsupported("fixture witness", "the suite gives no way to see whether a function has run")

    def name_of(self, function: str) -> str:
        """The name by which a function is invoked."""
        return self.deployed.get(function, function)

    async def create_resource(self, contract: Functions) -> str:
        """A function that is there already."""
        return self.name_of("echo")

    async def remove_resource(self, contract: Functions, resource: str) -> None:
        """It stays."""

    async def idempotent_call(self, contract: Functions, resource: str) -> None:
        """Ask whether it exists."""
        assert await contract.function_exists(resource)

    async def ambiguous_call(self, contract: Functions, resource: str) -> None:
        """Invoke it."""
        assert (await contract.invoke(resource, b"payload")).ok

    async def missing_call(self, contract: Functions, resource: str) -> None:
        """Invoke a function that does not exist."""
        await contract.invoke(resource, b"payload")
