"""One record for each operation, and where it goes."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator

from attrs import frozen


@frozen(kw_only=True)
class OperationRecord:
    """What happened to one operation.

    Attributes:
        provider: For example ``"aws"``.
        service: For example ``"storage"``.
        operation: For example ``"get_object"``.
        resource: What it was about.
        outcome: ``"ok"``, ``"cancelled"`` or the name of the error's class.
        attempts: How many attempts were made.
        duration: Seconds from begin to end.
        waited: Seconds of it spent waiting between attempts.
        error: The error, when there was one.
    """

    provider: str
    service: str
    operation: str
    resource: str
    outcome: str
    attempts: int
    duration: float
    waited: float = 0.0
    error: BaseException | None = None


class MetricsCollector(ABC):
    """Receives a record for each operation. Called in the event loop, so it must not block."""

    @abstractmethod
    def record(self, record: OperationRecord) -> None:
        """Take note of an operation that has ended."""


class NoMetrics(MetricsCollector):
    """Keeps nothing. The default."""

    def record(self, record: OperationRecord) -> None:
        """Do nothing with it."""


class LoggingMetrics(MetricsCollector):
    """Writes each record to a logger of the standard library.

    Args:
        logger: Name of the logger.
        level: Its level for these records.
    """

    def __init__(self, logger: str = "cloudkit.metrics", level: int = logging.INFO) -> None:
        self._logger = logging.getLogger(logger)
        self._level = level

    def record(self, record: OperationRecord) -> None:
        """Log one line with the facts, and the record as ``cloudkit_record``."""
        self._logger.log(
            self._level,
            "%s %s.%s outcome=%s attempts=%d duration=%.6f waited=%.6f",
            record.provider,
            record.service,
            record.operation,
            record.outcome,
            record.attempts,
            record.duration,
            record.waited,
            extra={"cloudkit_record": record},
        )


@frozen
class OperationTotals:
    """Sums over the operations of one kind.

    Attributes:
        count: Operations.
        failures: Those of them that did not end well.
        attempts: Attempts of all of them.
        duration: Seconds of all of them.
    """

    count: int = 0
    failures: int = 0
    attempts: int = 0
    duration: float = 0.0


class InMemoryMetrics(MetricsCollector):
    """Keeps sums, and the last records; for tests and small programs.

    Args:
        keep: How many records are kept.
    """

    def __init__(self, keep: int = 1000) -> None:
        self._records: deque[OperationRecord] = deque(maxlen=keep)
        self._totals: dict[tuple[str, str, str], OperationTotals] = {}
        self._lock = threading.Lock()

    def record(self, record: OperationRecord) -> None:
        """Add it to the sums."""
        name = (record.provider, record.service, record.operation)
        with self._lock:
            self._records.append(record)
            old = self._totals.get(name, OperationTotals())
            self._totals[name] = OperationTotals(
                old.count + 1,
                old.failures + (record.outcome != "ok"),
                old.attempts + record.attempts,
                old.duration + record.duration,
            )

    @property
    def records(self) -> list[OperationRecord]:
        """The last records, oldest first."""
        with self._lock:
            return list(self._records)

    def totals(self, service: str | None = None, operation: str | None = None) -> OperationTotals:
        """Sums over all operations, or those of one service or name."""
        result = OperationTotals()
        for (_, its_service, its_operation), totals in self:
            if service in (None, its_service) and operation in (None, its_operation):
                result = OperationTotals(
                    result.count + totals.count,
                    result.failures + totals.failures,
                    result.attempts + totals.attempts,
                    result.duration + totals.duration,
                )
        return result

    def __iter__(self) -> Iterator[tuple[tuple[str, str, str], OperationTotals]]:
        """((provider, service, operation), totals) for each kind seen."""
        with self._lock:
            return iter(list(self._totals.items()))


class MultiMetrics(MetricsCollector):
    """Hands each record to several collectors.

    Args:
        *collectors: The collectors, in the order they are called.
    """

    def __init__(self, *collectors: MetricsCollector) -> None:
        self._collectors = collectors

    def record(self, record: OperationRecord) -> None:
        """Pass it on."""
        for collector in self._collectors:
            collector.record(record)
