from __future__ import annotations

import anyio
import pytest
from cloudkit.common import NotFoundError, ServiceUnavailableError
from cloudkit.spi import FixedDelay
from cloudkit.spi.opentelemetry import OpenTelemetryMetrics, OpenTelemetryTracing
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

pytestmark = pytest.mark.anyio

NAMES = {
    "cloudkit.provider": "acme",
    "cloudkit.service": "storage",
    "cloudkit.operation": "ping",
}


@pytest.fixture
def spans():
    """A tracer provider, and what it exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    provider.shutdown()


@pytest.fixture
def points():
    """A meter provider, and a function that reads its points as {name: {error type: value}}."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])

    def read():
        found = {}
        data = reader.get_metrics_data()
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.data.data_points:
                attributes = dict(point.attributes)
                error = attributes.pop("error.type", None)
                assert attributes == NAMES
                value = point.value if hasattr(point, "value") else point.count
                found.setdefault(metric.name, {})[error] = value
        return found

    yield provider, read
    provider.shutdown()


def failing(*errors):
    left = list(errors)

    async def hook(operation):
        if left:
            raise left.pop(0)
        return "pong"

    return hook


async def test_metrics(executor, ping, points):
    provider, read = points
    runner = executor(metrics=OpenTelemetryMetrics(provider), retry=FixedDelay(delay=0))
    await runner.run(ping(), failing(ServiceUnavailableError("down")))
    with pytest.raises(NotFoundError):
        await runner.run(ping(), failing(NotFoundError("gone")))
    with anyio.move_on_after(0.001):
        await runner.run(ping(), lambda _: anyio.sleep_forever())
    assert read() == {
        "cloudkit.client.operation.duration": {None: 1, "NotFoundError": 1, "cancelled": 1},
        "cloudkit.client.operation.attempts": {None: 2, "NotFoundError": 1, "cancelled": 1},
        "cloudkit.client.operation.errors": {"NotFoundError": 1, "cancelled": 1},
    }


async def test_a_span_for_each_operation_with_failed_attempts_as_events(executor, ping, spans):
    provider, exporter = spans
    tracing = OpenTelemetryTracing(provider, attributes={"cloudkit.provider": "acme"})
    runner = executor(interceptors=[tracing], retry=FixedDelay(delay=0))
    inside = []

    async def hook(operation):
        inside.append(trace.get_current_span().get_span_context().span_id)
        if len(inside) == 1:
            raise ServiceUnavailableError("down")

    await runner.run(ping(), hook)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("storage.ping", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {**NAMES, "cloudkit.resource": "bucket/key"}
    ((event, attributes),) = [(event.name, dict(event.attributes)) for event in span.events]
    assert (event, attributes) == ("attempt failed", {"error.type": "ServiceUnavailableError"})
    assert inside == [span.context.span_id] * 2


async def test_an_error_is_told_without_the_native_one(executor, ping, spans):
    provider, exporter = spans
    runner = executor(
        lambda error, _: NotFoundError("gone", code="NoSuchKey", status=404, request_id="R1"),
        interceptors=[OpenTelemetryTracing(provider)],
    )
    with pytest.raises(NotFoundError):
        await runner.run(ping(), failing(KeyError("s3cret")))
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith("acme storage.ping bucket/key: gone")
    assert span.attributes["error.type"] == "NotFoundError"
    assert span.attributes["cloudkit.provider"] == "acme"
    assert span.attributes["cloudkit.error.code"] == "NoSuchKey"
    assert span.attributes["cloudkit.error.status"] == 404
    assert span.attributes["cloudkit.error.request_id"] == "R1"
    assert "s3cret" not in span.to_json()


async def test_an_unknown_error_is_named_only(executor, ping, spans):
    provider, exporter = spans
    runner = executor(interceptors=[OpenTelemetryTracing(provider)])
    with pytest.raises(KeyError):
        await runner.run(ping(), failing(KeyError("s3cret")))
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "KeyError"
    assert "s3cret" not in span.to_json()


async def test_a_cancellation_is_no_error(executor, ping, spans):
    provider, exporter = spans
    runner = executor(interceptors=[OpenTelemetryTracing(provider)])
    with anyio.move_on_after(0.001):
        await runner.run(ping(), lambda _: anyio.sleep_forever())
    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET
