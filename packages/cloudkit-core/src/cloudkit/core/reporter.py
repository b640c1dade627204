"""Metrics and log of the operations."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from cloudkit.common import CloudError
from cloudkit.spi import AnyOperation, Logger, MetricsCollector, NoMetrics, OperationRecord

_last_resort = logging.getLogger("cloudkit")


class Call:
    """What is known of one operation under way.

    Attributes:
        operation: What was asked for.
        attempts: How many attempts were begun.
        waited: Seconds spent waiting between them.
        last_error: Why the attempt before this one failed.
        began: Reading of ``time.perf_counter`` at the beginning.
    """

    __slots__ = ("attempts", "began", "last_error", "operation", "waited")

    def __init__(self, operation: AnyOperation) -> None:
        self.operation = operation
        self.attempts = 0
        self.waited = 0.0
        self.last_error: CloudError | None = None
        self.began = perf_counter()


class Reporter:
    """Tells collector and logger about each operation, once.

    The log has a success, a cancellation and a failure of the caller's making (not found,
    precondition failed …) at DEBUG, a retry at INFO, and at WARNING what failed in spite of all
    retries or unexpectedly.

    Args:
        provider: Name of the provider.
        metrics: Receives a record for each operation.
        logger: Receives the events.
    """

    def __init__(self, provider: str, metrics: MetricsCollector, logger: Logger) -> None:
        self._provider = provider
        # What is not there must cost nothing: no record is made when nobody takes it.
        self._metrics = None if type(metrics) is NoMetrics else metrics
        self._logger = logger

    def succeeded(self, call: Call) -> None:
        """The operation has ended well."""
        if self._metrics is not None:
            self._record(self._metrics, call, "ok", None)
        if self._enabled(logging.DEBUG):
            self._log_end(logging.DEBUG, "operation succeeded", call)

    def failed(self, call: Call, error: BaseException) -> None:
        """The operation has ended with an error or was cancelled."""
        level, event, outcome = logging.WARNING, "operation failed", type(error).__name__
        if not isinstance(error, Exception):
            # asyncio's and trio's cancellation, and what stops a program
            level, event, outcome = logging.DEBUG, "operation cancelled", "cancelled"
        elif isinstance(error, CloudError) and not error.retryable:
            level = logging.DEBUG
        if self._metrics is not None:
            self._record(self._metrics, call, outcome, error)
        if self._enabled(level):
            self._log_end(level, event, call, error=_described(error))

    def retrying(
        self, operation: AnyOperation, error: CloudError, attempt: int, delay: float
    ) -> None:
        """An attempt has failed, and another one follows after ``delay`` seconds."""
        if self._enabled(logging.INFO):
            self._log(
                logging.INFO,
                "attempt failed, trying again",
                operation,
                attempt=attempt,
                delay=round(delay, 3),
                error=_described(error),
            )

    def _record(
        self, metrics: MetricsCollector, call: Call, outcome: str, error: BaseException | None
    ) -> None:
        operation = call.operation
        record = OperationRecord(
            provider=self._provider,
            service=operation.service,
            operation=operation.name,
            resource=operation.resource,
            outcome=outcome,
            attempts=call.attempts,
            duration=perf_counter() - call.began,
            waited=call.waited,
            error=error,
        )
        try:
            metrics.record(record)
        except Exception as fault:  # noqa: BLE001  # what was done must not look as if it had failed
            self._log(
                logging.ERROR, "metrics collector failed", operation, error=type(fault).__name__
            )

    def _log_end(self, level: int, event: str, call: Call, **facts: Any) -> None:
        self._log(
            level,
            event,
            call.operation,
            attempts=call.attempts,
            seconds=round(perf_counter() - call.began, 6),
            **facts,
        )

    def _log(self, level: int, event: str, operation: AnyOperation, **facts: Any) -> None:
        try:
            self._logger.log(
                level,
                event,
                provider=self._provider,
                operation=f"{operation.service}.{operation.name}",
                resource=operation.resource or None,
                **facts,
            )
        except Exception as fault:  # noqa: BLE001  # what was done must not look as if it had failed
            _last_resort.error("the logger of a cloud failed: %s", type(fault).__name__)

    def _enabled(self, level: int) -> bool:
        try:
            return self._logger.enabled(level)
        except Exception as fault:  # noqa: BLE001  # as above
            _last_resort.error("the logger of a cloud failed: %s", type(fault).__name__)
            return False


def _described(error: BaseException) -> str:
    # Only a CloudError promises to hold no secret.
    return str(error) if isinstance(error, CloudError) else type(error).__name__
