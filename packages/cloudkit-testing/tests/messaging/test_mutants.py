"""The suites find defects: each mutant fails the tests that it should."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .services import MUTANTS

pytest_plugins = ("pytester",)

HERE = Path(__file__).parent
TELLING = (
    "assert",
    "AssertionError",
    "TimeoutError",
    "Failed: DID NOT RAISE",
    "cloudkit.common.errors.",
)
INNER = """
import pytest
from cloudkit.testing.functions import FunctionsSuite
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.queue import MessageQueueSuite

from .services import MUTANTS
from .services.cloud import maker
from .services.functions import MemoryFunctions
from .services.pubsub import MemoryPubSub

SUITES = {MemoryFunctions: FunctionsSuite, MemoryPubSub: PubSubSuite}

for mutant, tests in MUTANTS.items():
    suite = next((s for kind, s in SUITES.items() if issubclass(mutant, kind)), MessageQueueSuite)

    class Suite(suite):
        backends = ("asyncio",)
        patience = 0.4
        tries = 2
        quiet = 0.05
        receive_wait = 0.1
        long_wait = 1.0
        brief_lease = 0.05
        kept_lease = 0.3
        delay = 0.15
        short_timeout = 0.1
        deadline_slack = 0.1
        short_retention = 1.0
        slow_seconds = 0.3
        qualifier = "1"

        @pytest.fixture
        def make_cloud(self, mutant=mutant):
            return maker(mutant)

        @pytest.fixture
        def witness(self, cloud):
            async def seen(payload):
                return ("witness", payload) in cloud.functions.later

            return seen

    # Without all others, which would take seconds to collect.
    for name in dir(Suite):
        if name.startswith("test_") and name not in {test.partition("[")[0] for test in tests}:
            setattr(Suite, name, None)
    globals()[f"Test{mutant.__name__}"] = Suite
del Suite, suite
"""


def test_the_suites_catch_every_mutant(pytester: pytest.Pytester) -> None:
    inner = pytester.path / "inner"
    shutil.copytree(HERE, inner, ignore=shutil.ignore_patterns("test_*", "__pycache__"))
    (inner / "test_inner.py").write_text(INNER)
    wanted = [f"Test{kind.__name__}::{test}" for kind, tests in MUTANTS.items() for test in tests]
    nodes = [f"inner/test_inner.py::{test}" for test in wanted]
    outcome = pytester.inline_run(
        "--import-mode=importlib", "-q", "--tb=native", "-p", "no:logging", *nodes
    )
    failures = {
        report.nodeid.partition("::")[2]: report.longrepr.reprcrash.message
        for report in outcome.getreports("pytest_runtest_logreport")
        if report.failed
    }
    told = {test for test in wanted if any(name.startswith(test) for name in failures)}
    assert sorted(set(wanted) - told) == []
    # A mutant that is broken rather than defective would be caught by any test.
    assert [text for text in failures.values() if not text.startswith(TELLING)] == []
