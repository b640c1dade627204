"""Metrics and log: one record for each operation, whatever becomes of it."""

from __future__ import annotations

import logging

import anyio
import pytest
from cloudkit.common import NotFoundError, OperationTimeoutError, ServiceUnavailableError
from cloudkit.spi import (
    FixedDelay,
    InMemoryMetrics,
    Interceptor,
    Logger,
    MetricsCollector,
    NoRetry,
    StandardLogger,
)

pytestmark = pytest.mark.anyio


class Events(Logger):
    def __init__(self, level=logging.DEBUG):
        self.level = level
        self.events = []

    def enabled(self, level):
        return level >= self.level

    def log(self, level, event, **fields):
        self.events.append((level, event, fields))


async def ok(operation):
    return "pong"


def failing(*errors):
    left = list(errors)

    async def hook(operation):
        if left:
            raise left.pop(0)
        return "pong"

    return hook


@pytest.mark.parametrize(
    ("error", "outcome", "attempts"),
    [
        (None, "ok", 1),
        (NotFoundError("gone"), "NotFoundError", 1),
        (ServiceUnavailableError("down"), "ServiceUnavailableError", 2),
        (KeyError("bug"), "KeyError", 1),
    ],
)
async def test_one_record_for_each_outcome(executor, ping, error, outcome, attempts):
    metrics = InMemoryMetrics()
    runner = executor(metrics=metrics, retry=FixedDelay(max_attempts=2, delay=0))
    hook = ok if error is None else failing(error, error)
    if error is None:
        await runner.run(ping(), hook)
    else:
        with pytest.raises(type(error)):
            await runner.run(ping(), hook)
    (record,) = metrics.records
    assert (record.provider, record.service, record.operation) == ("acme", "storage", "ping")
    assert (record.resource, record.outcome, record.attempts) == ("bucket/key", outcome, attempts)
    assert record.error is error
    assert record.duration >= 0
    assert record.waited == 0


async def test_one_record_for_a_timeout(executor, ping):
    metrics = InMemoryMetrics()
    with pytest.raises(OperationTimeoutError):
        await executor(metrics=metrics, timeout=0.001).run(ping(), lambda _: anyio.sleep_forever())
    assert [record.outcome for record in metrics.records] == ["OperationTimeoutError"]


async def test_one_record_for_an_answer_of_an_interceptor(executor, ping):
    class Cache(Interceptor):
        async def around_operation(self, operation, proceed):
            return "cached"

    metrics = InMemoryMetrics()
    assert await executor(metrics=metrics, interceptors=[Cache()]).run(ping(), ok) == "cached"
    (record,) = metrics.records
    assert (record.outcome, record.attempts) == ("ok", 0)


async def test_a_broken_collector_does_not_make_an_operation_fail(executor, ping):
    class Broken(MetricsCollector):
        def record(self, record):
            raise RuntimeError("s3cret")

    logger = Events()
    runner = executor(metrics=Broken(), logger=logger)
    assert await runner.run(ping(), ok) == "pong"
    level, event, fields = logger.events[0]
    assert (level, event, fields["error"]) == (
        logging.ERROR,
        "metrics collector failed",
        "RuntimeError",
    )
    with pytest.raises(NotFoundError):
        await runner.run(ping(), failing(NotFoundError("gone")))


async def test_the_levels_of_the_log(executor, ping):
    logger = Events()
    runner = executor(logger=logger, retry=FixedDelay(max_attempts=2, delay=0))
    down = ServiceUnavailableError("down", code="E1")
    await runner.run(ping(), failing(down))
    with pytest.raises(ServiceUnavailableError):
        await runner.run(ping(), failing(down, down))
    with pytest.raises(NotFoundError):
        await runner.run(ping(), failing(NotFoundError("gone")))
    with pytest.raises(KeyError):
        await runner.run(ping(), failing(KeyError("s3cret")))
    assert [(level, event) for level, event, _ in logger.events] == [
        (logging.INFO, "attempt failed, trying again"),
        (logging.DEBUG, "operation succeeded"),
        (logging.INFO, "attempt failed, trying again"),
        (logging.WARNING, "operation failed"),
        (logging.DEBUG, "operation failed"),
        (logging.WARNING, "operation failed"),
    ]
    retry, success, failure, bug = (logger.events[at][2] for at in (0, 1, 3, 5))
    assert (retry["attempt"], retry["delay"], retry["operation"]) == (1, 0, "storage.ping")
    assert (success["attempts"], success["resource"]) == (2, "bucket/key")
    assert failure["error"] == "acme storage.ping bucket/key: down (code E1)"
    # What a native error says is not ours to vouch for.
    assert bug["error"] == "KeyError"


async def test_a_cancellation_is_no_warning(executor, ping):
    logger = Events()
    with anyio.move_on_after(0.001):
        await executor(logger=logger).run(ping(), lambda _: anyio.sleep_forever())
    ((level, event, _),) = logger.events
    assert (level, event) == (logging.DEBUG, "operation cancelled")


async def test_the_logger_is_asked_first(executor, ping):
    logger = Events(level=logging.ERROR)
    runner = executor(logger=logger, retry=NoRetry())
    await runner.run(ping(), ok)
    with pytest.raises(ServiceUnavailableError):
        await runner.run(ping(), failing(ServiceUnavailableError("down")))
    assert logger.events == []


async def test_the_standard_logger(executor, ping, caplog):
    with caplog.at_level(logging.DEBUG, "cloudkit"):
        await executor(logger=StandardLogger()).run(ping(), ok)
    (line,) = caplog.records
    assert line.name == "cloudkit"
    assert line.getMessage().startswith(
        "operation succeeded provider=acme operation=storage.ping resource=bucket/key attempts=1"
    )


@pytest.mark.parametrize("method", ["enabled", "log"])
async def test_a_broken_logger_does_not_make_an_operation_fail(executor, ping, caplog, method):
    class Broken(Events):
        pass

    def fail(*args, **fields):
        raise RuntimeError("s3cret")

    setattr(Broken, method, fail)
    runner = executor(logger=Broken(), retry=FixedDelay(max_attempts=2, delay=0))
    assert await runner.run(ping(), failing(ServiceUnavailableError("down"))) == "pong"
    with pytest.raises(NotFoundError):
        await runner.run(ping(), failing(NotFoundError("gone")))
    assert "the logger of a cloud failed: RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text
