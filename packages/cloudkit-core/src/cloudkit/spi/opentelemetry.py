"""Metrics and traces for OpenTelemetry: ``pip install cloudkit-core[opentelemetry]``.

Both use the providers that the program has set up. Names of resources are on spans only: as an
attribute of a metric, each object would be a time series.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloudkit.common import CloudError
from cloudkit.spi.interceptor import Interceptor
from cloudkit.spi.metrics import MetricsCollector, OperationRecord
from cloudkit.spi.operation import AnyOperation
from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

SCOPE = "cloudkit"


class OpenTelemetryMetrics(MetricsCollector):
    """Three instruments, with provider, service, operation and, on failure, ``error.type``.

    ``cloudkit.client.operation.duration`` (histogram, s), ``cloudkit.client.operation.attempts`` and
    ``cloudkit.client.operation.errors`` (counters).

    Args:
        provider: Where the instruments are made; the global one when None.
    """

    def __init__(self, provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter(SCOPE, meter_provider=provider)
        self._duration = meter.create_histogram(
            "cloudkit.client.operation.duration",
            unit="s",
            description="Duration of operations with all their attempts",
        )
        self._attempts = meter.create_counter(
            "cloudkit.client.operation.attempts",
            unit="{attempt}",
            description="Attempts of operations",
        )
        self._errors = meter.create_counter(
            "cloudkit.client.operation.errors",
            unit="{operation}",
            description="Operations that failed or were cancelled",
        )

    def record(self, record: OperationRecord) -> None:
        """Add the operation to the instruments."""
        attributes = {
            "cloudkit.provider": record.provider,
            "cloudkit.service": record.service,
            "cloudkit.operation": record.operation,
        }
        if record.outcome != "ok":
            attributes["error.type"] = record.outcome
            self._errors.add(1, attributes)
        self._duration.record(record.duration, attributes)
        self._attempts.add(record.attempts, attributes)


class OpenTelemetryTracing(Interceptor):
    """A client span around each operation; attempts that failed are events on it.

    Args:
        provider: Where the tracer is made; the global one when None.
        attributes: What all spans carry, for example ``{"cloudkit.provider": "aws"}``.
    """

    def __init__(
        self,
        provider: trace.TracerProvider | None = None,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=provider)
        self._attributes = dict(attributes or {})

    async def around_operation(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Open the span; what is done inside, also in worker threads, becomes its child."""
        with self._tracer.start_as_current_span(
            f"{operation.service}.{operation.name}",
            kind=SpanKind.CLIENT,
            attributes={
                **self._attributes,
                "cloudkit.service": operation.service,
                "cloudkit.operation": operation.name,
                "cloudkit.resource": operation.resource,
            },
            # The traceback would show the native error, which may hold a secret.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                return await proceed(operation)
            except Exception as error:
                _describe(span, error)
                raise
            except BaseException:
                span.set_attribute("error.type", "cancelled")
                raise

    async def around_attempt(
        self, operation: AnyOperation, proceed: Callable[[AnyOperation], Awaitable[Any]]
    ) -> Any:
        """Note the attempt on the span when it fails."""
        try:
            return await proceed(operation)
        except Exception as error:
            event = {"error.type": type(error).__name__}
            trace.get_current_span().add_event("attempt failed", event)
            raise


def _describe(span: Span, error: Exception) -> None:
    span.set_attribute("error.type", type(error).__name__)
    if not isinstance(error, CloudError):
        span.set_status(Status(StatusCode.ERROR))
        return
    span.set_status(Status(StatusCode.ERROR, str(error)))
    facts = {
        "cloudkit.provider": error.provider,
        "cloudkit.error.code": error.code,
        "cloudkit.error.status": error.status,
        "cloudkit.error.request_id": error.request_id,
    }
    for name, value in facts.items():
        if value is not None:
            span.set_attribute(name, value)
