"""What all conformance suites have in common.

A suite is a class. Somebody who wrote a provider subclasses it and gives one fixture, a factory of
clients::

    from cloudkit.testing import ObjectStorageSuite

    class TestAcmeStorage(ObjectStorageSuite):
        @pytest.fixture
        def make_cloud(self):
            return lambda **options: AcmeCloud("https://acme.test", **options)

Subclassing is enough: each behaviour runs on asyncio and on trio. ``make_cloud(**options)`` returns
an asynchronous context manager of a client; the options are those that every provider takes
(``retry``, ``interceptors``, ``metrics``, ``timeout`` …). The ``cloud`` fixture that most behaviours
use is ``make_cloud()``. A suite that defines ``cloud`` instead of ``make_cloud`` works too, but then
the behaviours under faults, which need clients of their own, are reported as unsupported.

Further fixtures are optional (see [CommonBehaviours][cloudkit.testing.common.CommonBehaviours]);
what is not given is reported as unsupported too, never passed over in silence.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeAlias

import pytest
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.outcome import MARK, require, unsupported
from cloudkit.testing.table import PROVIDER
from cloudkit.testing.waiting import eventually

MakeCloud: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
"""Makes a client from keyword options."""

Refusal: TypeAlias = Callable[[Any], Awaitable[object]]
"""Asks a contract for what a capability stands for, with names that need not exist."""


class CloudSuite:
    """Base of the suites.

    A class that sets ``__test__ = False`` is a base for others and not collected itself.

    Attributes:
        provider: Name of the column in the table; the client's provider when None.
        backends: The runtimes to run on.
        contract_name: The contract that the suite is about.
        refusals: For each capability flag of the contract: how to ask for it.
        patience: Seconds to wait for what the service does in its own time.
        poll: Seconds between two looks meanwhile.
        deadline_slack: Seconds by which a call may overrun its timeout.
        cancel_slack: Seconds within which a cancelled call returns.
        tries: How often a measurement is repeated before it counts as failed: on a machine that is
            busy with something else a single one proves nothing.
    """

    __test__ = False
    pytestmark = pytest.mark.anyio

    provider: ClassVar[str | None] = None
    backends: ClassVar[Sequence[str]] = ("asyncio", "trio")
    contract_name: ClassVar[str] = ""
    refusals: ClassVar[Mapping[str, Refusal]] = {}
    patience: ClassVar[float] = 10.0
    poll: ClassVar[float] = 0.02
    deadline_slack: ClassVar[float] = 0.5
    cancel_slack: ClassVar[float] = 0.1
    tries: ClassVar[int] = 5

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__test__" not in cls.__dict__:
            cls.__test__ = True

    # Fixtures to give

    @pytest.fixture
    def make_cloud(self) -> MakeCloud:
        """Factory of clients; to be given by the suite's subclass."""
        unsupported("fixture make_cloud", "the suite's subclass gives no fixture make_cloud")

    @pytest.fixture
    async def cloud(self, make_cloud: MakeCloud) -> AsyncIterator[Any]:
        """The client under test."""
        async with make_cloud() as cloud:
            yield cloud

    # Fixtures to use

    @pytest.fixture
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        """The runtime of this test; the plugin gives one after the other of ``backends``."""
        return str(request.param)

    @pytest.fixture(autouse=True)
    def _gate(self, request: pytest.FixtureRequest, cloud: Any) -> None:
        if self.provider is None:
            request.node.user_properties.append((PROVIDER, cloud.provider))
        for mark in request.node.iter_markers(MARK):
            flags = mark.args[0]
            require(
                cloud.capabilities,
                *(flag if "." in flag else f"{self.contract_name}.{flag}" for flag in flags),
            )

    @pytest.fixture
    async def cleanup(self, cloud: Any) -> AsyncIterator[Cleanup]:
        """Calls to make at the end of the test, while the client is still open."""
        cleanup = Cleanup()
        try:
            yield cleanup
        finally:
            await cleanup.run()

    # To use in tests

    def fresh_name(self, kind: str) -> str:
        """A name that nobody else uses: lower-case letters, digits and hyphens.

        Args:
            kind: What it names, for who reads it: ``"bucket"``.
        """
        return f"ck-{kind}-{secrets.token_hex(6)}"

    async def eventually(self, condition: Callable[[], Any]) -> Any:
        """Wait until something is true, with the patience of this suite."""
        return await eventually(condition, self.patience, poll=self.poll)
