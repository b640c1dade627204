"""What the five contracts have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from cloudkit.api.paging import Page, Pager
from cloudkit.common import CloudError, CloudResult, ContractCapabilities
from cloudkit.spi import AnyOperation, OperationRunner

T = TypeVar("T")
CapabilitiesT = TypeVar("CapabilitiesT", bound=ContractCapabilities)
OperationT = TypeVar("OperationT", bound=AnyOperation)


class Contract(Generic[CapabilitiesT]):
    """Base of the contracts: checks operations against the capabilities and has them run.

    Args:
        runner: Runs the operations; ``cloudkit.core.OperationExecutor``.
        capabilities: What this provider can do.
    """

    def __init__(self, runner: OperationRunner, capabilities: CapabilitiesT) -> None:
        self._runner = runner
        self._capabilities = capabilities

    @property
    def capabilities(self) -> CapabilitiesT:
        """Flags and limits of this contract at this provider."""
        return self._capabilities

    async def _run(self, operation: OperationT, hook: Callable[[OperationT], Awaitable[T]]) -> T:
        self._check(operation)
        return await self._runner.run(operation, hook)

    def _check(self, operation: AnyOperation) -> None:
        try:
            operation.check(self._capabilities)
        except CloudError as error:
            raise error.complete(
                provider=self._runner.provider,
                service=operation.service,
                operation=operation.name,
                resource=operation.resource or None,
            ) from None

    def _pager(
        self,
        make: Callable[[str | None], OperationT],
        hook: Callable[[OperationT], Awaitable[Page[T]]],
        *,
        token: str | None = None,
        limit: int | None = None,
    ) -> Pager[T]:
        # The first operation is made at once, so that bad arguments fail where they stand.
        self._check(make(token))
        return Pager(lambda at: self._run(make(at), hook), token=token, limit=limit)


def failures(count: int, error: CloudError) -> list[CloudResult[T]]:
    """The same failure for each item of a batch."""
    return [CloudResult.failure(error) for _ in range(count)]


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
