"""Base of the suites of one contract: what there is to call, and clients to call it with."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, TypeAlias

import pytest
from attrs import evolve
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.outcome import unsupported
from cloudkit.testing.suite import CloudSuite, MakeCloud

Workbench: TypeAlias = Callable[..., AbstractAsyncContextManager[tuple[Any, str]]]
"""Opens a client with options; gives its contract and the name of a fresh resource in it."""


class ContractSuite(CloudSuite):
    """Base of the suites of one contract.

    Attributes:
        idempotent_operation: Name of the operation that ``idempotent_call`` makes.
        ambiguous_operation: Name of the operation that ``ambiguous_call`` makes.
        native_facts: What the errors of the service carry: any of ``"cause"``, ``"code"``,
            ``"status"`` and ``"request_id"``; nothing for a provider with no service behind it.
        secrets: What the clients of this suite were given and no error may show.
        short_timeout: Seconds: the limit of clients whose calls are made to run into it.
    """

    __test__ = False

    idempotent_operation: ClassVar[str] = ""
    ambiguous_operation: ClassVar[str] = ""
    native_facts: ClassVar[Collection[str]] = ("cause", "code")
    secrets: ClassVar[Sequence[str]] = ()
    short_timeout: ClassVar[float] = 1.0

    # What a contract's suite defines

    async def create_resource(self, contract: Any) -> str:
        """Create what the calls below are about (a bucket, a queue …); returns its name."""
        raise NotImplementedError

    async def remove_resource(self, contract: Any, resource: str) -> None:
        """Remove it with all that is in it."""
        raise NotImplementedError

    async def idempotent_call(self, contract: Any, resource: str) -> object:
        """Make a call that may be repeated, and that succeeds as often as it is made."""
        raise NotImplementedError

    async def ambiguous_call(self, contract: Any, resource: str) -> object:
        """Make a call that must not be sent twice when its outcome is unknown."""
        raise NotImplementedError

    async def missing_call(self, contract: Any, resource: str) -> object:
        """Make a call about a resource of this name, which does not exist."""
        raise NotImplementedError

    @staticmethod
    def restrict(contract: Any, **capabilities: Any) -> None:
        """Give a contract of the test's own client lower limits, or take capabilities away.

        So behaviours at a limit need not move thousands of things, and a refusal can be seen at
        providers that can do everything.
        """
        contract._capabilities = evolve(contract.capabilities, **capabilities)

    async def fastest(self, measure: Callable[[], Awaitable[float]], bound: float) -> float:
        """The shortest of several measurements; a busy machine can only make them longer.

        Args:
            measure: Measures once, in seconds.
            bound: What is short enough to stop.
        """
        best = math.inf
        for _ in range(self.tries):
            best = min(best, await measure())
            if best <= bound:
                break
        return best

    # Fixtures that a provider may give

    @pytest.fixture
    def bad_credentials_cloud(self) -> Any:
        """A client whose credentials the service does not accept."""
        unsupported("fixture bad_credentials_cloud", "the suite gives no client to be turned away")

    @pytest.fixture
    def unreachable_cloud(self) -> Any:
        """A client whose endpoint refuses connections; see ``closed_port``."""
        unsupported("fixture unreachable_cloud", "the suite gives no client without a server")

    @pytest.fixture
    def stalled_cloud(self) -> Any:
        """A client with a ``timeout`` of ``short_timeout`` whose endpoint takes requests and never answers.

        See [FlakyEndpoint][cloudkit.testing.endpoint.FlakyEndpoint].
        """
        unsupported("fixture stalled_cloud", "the suite gives no client whose server hangs")

    # Fixtures to use

    @pytest.fixture
    def contract(self, cloud: Any) -> Any:
        """The contract under test."""
        return getattr(cloud, self.contract_name)

    @pytest.fixture
    def workbench(self, make_cloud: MakeCloud) -> Workbench:
        """Opens clients with options of the test's own, each with a resource to work on."""

        @asynccontextmanager
        async def open_workbench(**options: Any) -> AsyncIterator[tuple[Any, str]]:
            async with make_cloud(**options) as cloud:
                contract = getattr(cloud, self.contract_name)
                cleanup = Cleanup()
                resource = await self.create_resource(contract)
                cleanup.later(self.remove_resource, contract, resource)
                try:
                    yield contract, resource
                finally:
                    await cleanup.run()

        return open_workbench
