from __future__ import annotations

import logging

from cloudkit.spi import (
    InMemoryMetrics,
    LoggingMetrics,
    MultiMetrics,
    OperationRecord,
    StandardLogger,
)


def record(operation="get_object", outcome="ok", attempts=1, duration=1.0, service="storage"):
    return OperationRecord(
        provider="acme",
        service=service,
        operation=operation,
        resource="b/k",
        outcome=outcome,
        attempts=attempts,
        duration=duration,
    )


def test_in_memory_sums():
    metrics = InMemoryMetrics()
    for one in (
        record(),
        record(outcome="NotFoundError", attempts=3, duration=2.0),
        record("put_object"),
        record("send", service="queue", outcome="cancelled"),
    ):
        metrics.record(one)
    totals = metrics.totals("storage", "get_object")
    assert (totals.count, totals.failures, totals.attempts, totals.duration) == (2, 1, 4, 3.0)
    assert metrics.totals("storage").count == 3
    assert metrics.totals().failures == 2
    assert {name for name, _ in metrics} == {
        ("acme", "storage", "get_object"),
        ("acme", "storage", "put_object"),
        ("acme", "queue", "send"),
    }


def test_in_memory_keeps_the_last_records_but_counts_all():
    metrics = InMemoryMetrics(keep=2)
    for name in ("a", "b", "c"):
        metrics.record(record(name))
    assert [one.operation for one in metrics.records] == ["b", "c"]
    assert metrics.totals().count == 3


def test_in_memory_may_keep_no_record_at_all():
    metrics = InMemoryMetrics(keep=0)
    metrics.record(record())
    assert metrics.records == []
    assert metrics.totals().count == 1


def test_several_collectors():
    first, second = InMemoryMetrics(), InMemoryMetrics()
    MultiMetrics(first, second).record(record())
    assert first.records == second.records
    assert len(first.records) == 1


def test_logging_metrics(caplog):
    one = record(outcome="NotFoundError", attempts=2)
    with caplog.at_level(logging.INFO, "acme.metrics"):
        LoggingMetrics("acme.metrics").record(one)
    (line,) = caplog.records
    assert line.getMessage() == (
        "acme storage.get_object outcome=NotFoundError attempts=2 duration=1.000000 waited=0.000000"
    )
    assert line.cloudkit_record is one


def test_the_standard_logger_writes_facts_and_keeps_them(caplog):
    logger = StandardLogger("acme.log")
    with caplog.at_level(logging.INFO, "acme.log"):
        assert logger.enabled(logging.INFO)
        assert not logger.enabled(logging.DEBUG)
        logger.log(logging.INFO, "it happened", resource="b/k", delay=None, name="x", args=1)
    (line,) = caplog.records
    assert line.getMessage() == "it happened resource=b/k name=x args=1"
    assert line.cloudkit == {"resource": "b/k", "delay": None, "name": "x", "args": 1}


def test_what_is_logged_stays_in_its_line(caplog):
    with caplog.at_level(logging.INFO, "acme.log"):
        StandardLogger("acme.log").log(
            logging.INFO, "it happened", resource="b/a\nERROR ü", name="é"
        )
    (line,) = caplog.records
    assert line.getMessage() == "it happened resource=b/a\\nERROR \\xfc name=é"
    assert line.cloudkit["resource"] == "b/a\nERROR ü"
