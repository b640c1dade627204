"""The pytest plugin: fixtures for applications; suites for providers on both runtimes, and their report.

It is found by itself when cloudkit-testing is installed. A test of a suite that ends as unsupported shows as
``u`` and is counted and listed on its own; ``--cloudkit-table`` prints each behaviour's outcome for
each provider and runtime.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from cloudkit.testing.fixtures import local_cloud, local_cloud_faults, local_cloud_options
from cloudkit.testing.outcome import MARK, Unsupported
from cloudkit.testing.suite import CloudSuite
from cloudkit.testing.table import BEHAVIOUR, PROVIDER, RUNTIME, SUITE, UNSUPPORTED, Table, facts

__all__ = ["local_cloud", "local_cloud_faults", "local_cloud_options"]  # pytest finds them here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cloudkit-table``."""
    parser.getgroup("cloudkit").addoption(
        "--cloudkit-table",
        action="store_true",
        help="print a table of the conformance suites: behaviour by provider and runtime",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that strict runs accept it."""
    config.addinivalue_line(
        "markers", f"{MARK}(flags): the capabilities that a conformance behaviour needs"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each behaviour on each runtime of its suite, and refusals for each capability."""
    suite = metafunc.cls
    if suite is None or not issubclass(suite, CloudSuite):
        return
    if "anyio_backend" in metafunc.fixturenames:
        metafunc.parametrize("anyio_backend", suite.backends, indirect=True)
    if "refused_flag" in metafunc.fixturenames:
        metafunc.parametrize("refused_flag", sorted(suite.refusals))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what the table needs, before anything can fail."""
    suite = getattr(item, "cls", None)
    if suite is None or not issubclass(suite, CloudSuite):
        return
    assert isinstance(item, pytest.Function)
    backend = item.callspec.params.get("anyio_backend", "") if hasattr(item, "callspec") else ""
    name = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
    item.user_properties += [
        (SUITE, suite.__name__),
        (BEHAVIOUR, f"{suite.contract_name}: {name}"),
        (RUNTIME, backend),
    ]
    if suite.provider is not None:
        item.user_properties.append((PROVIDER, suite.provider))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the missing capability into the report, where xdist and JUnit carry it along."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, Unsupported):
        missing = call.excinfo.value
        report.user_properties.append((UNSUPPORTED, f"{missing.capability}: {missing.reason}"))
    return report


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Show unsupported behaviours as what they are."""
    if report.skipped and UNSUPPORTED in facts(report):
        return "unsupported", "u", ("UNSUPPORTED", {"cyan": True})
    return None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List what is unsupported, and print the table when it was asked for."""
    table = Table()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "user_properties"):
                table.add(report)
    if table.missing:
        terminalreporter.section("unsupported behaviours")
        for line in table.missing_lines():
            terminalreporter.line(line)
    if config.getoption("cloudkit_table") and table.behaviours:
        terminalreporter.section("conformance")
        for line in table.lines():
            terminalreporter.line(line)
