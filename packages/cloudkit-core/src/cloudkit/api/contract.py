"""What the five contracts have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from cloudkit.api.paging import Page, Pager
from cloudkit.common import ClientClosedError, CloudError, CloudResult, ContractCapabilities
from cloudkit.spi import AnyOperation, OperationRunner

T = TypeVar("T")
ItemT = TypeVar("ItemT")
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
            raise self._completed(error, operation) from None

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

    async def _run_batch(
        self,
        items: Sequence[ItemT],
        size: int,
        make: Callable[[Sequence[ItemT]], OperationT],
        hook: Callable[[OperationT], Awaitable[Sequence[CloudResult[T]]]],
        *,
        validate: Callable[[ItemT], object] = lambda item: None,
        weigh: Callable[[ItemT], int] = lambda item: 0,
        max_weight: int = 0,
    ) -> list[CloudResult[T]]:
        """Send a batch in requests that the service takes, and again what it left undone.

        Args:
            items: What to send.
            size: Most items of one request.
            make: Makes the operation for some of the items.
            hook: The provider's code for it.
            validate: Raises a CloudError for an item that cannot be sent; the others are.
            weigh: Bytes of an item, where the service limits those of a request.
            max_weight: That limit.

        Returns:
            One result an item, in order.

        Raises:
            CloudError: The call as a whole cannot be sent, or the client has been closed.
        """
        self._check(make(items[:0]))
        results: list[CloudResult[T] | None] = [None] * len(items)
        good: list[int] = []
        for index, item in enumerate(items):
            try:
                validate(item)
                good.append(index)
            except CloudError as error:
                results[index] = CloudResult.failure(self._completed(error, make([item])))
        for run in _runs(good, size, lambda index: weigh(items[index]), max_weight):
            await self._send_run(run, items, make, hook, results)
        return [result for result in results if result is not None]

    async def _send_run(
        self,
        pending: list[int],
        items: Sequence[ItemT],
        make: Callable[[Sequence[ItemT]], OperationT],
        hook: Callable[[OperationT], Awaitable[Sequence[CloudResult[T]]]],
        results: list[CloudResult[T] | None],
    ) -> None:
        attempt = 0
        while pending:
            attempt += 1
            operation = make([items[index] for index in pending])
            try:
                outcomes = await self._run(operation, hook)
            except ClientClosedError:
                raise
            except CloudError as error:
                outcomes, retry = [CloudResult.failure(error)] * len(pending), False
            else:
                retry = True
            for index, outcome in zip(pending, outcomes, strict=True):
                if outcome.error is not None:
                    self._completed(outcome.error, operation)
                results[index] = outcome
            again = [
                (index, outcome.error)
                for index, outcome in zip(pending, outcomes, strict=True)
                if retry and outcome.error and _repeatable(outcome.error, make([items[index]]))
            ]
            if not again:
                return
            pending = [index for index, _ in again]
            # One speaks for all: that which may be repeated whatever it is, with the longest wait.
            spokesman = max(
                (e for _, e in again), key=lambda e: (e.unprocessed, e.retry_after or 0.0)
            )
            operation = make([items[index] for index in pending])
            if not await self._runner.wait_to_retry(spokesman, attempt, operation):
                return

    def _completed(self, error: CloudError, operation: AnyOperation) -> CloudError:
        return error.complete(
            provider=self._runner.provider,
            service=operation.service,
            operation=operation.name,
            resource=operation.resource or None,
        )


def _repeatable(error: CloudError, operation: AnyOperation) -> bool:
    return error.retryable and (operation.idempotent or error.unprocessed)


def _runs(
    indexes: Sequence[int], size: int, weigh: Callable[[int], int], max_weight: int
) -> list[list[int]]:
    """The indexes in runs of at most ``size`` and, unless it is 0, of at most ``max_weight``."""
    runs: list[list[int]] = []
    total = 0
    for index in indexes:
        weight = weigh(index)
        full = not runs or len(runs[-1]) >= size or (max_weight and total + weight > max_weight)
        if full:
            runs.append([])
            total = 0
        runs[-1].append(index)
        total += weight
    return runs
