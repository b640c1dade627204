"""The suite finds defects: each mutant fails the tests that it should."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .stores import MUTANTS

pytest_plugins = ("pytester",)

HERE = Path(__file__).parent
TELLING = ("assert", "AssertionError", "Failed: DID NOT RAISE", "cloudkit.common.errors.")
INNER = """
import pytest
from cloudkit.testing.kv import KeyValueStoreSuite

from .stores.memory import maker
from .stores import MUTANTS

for store, tests in MUTANTS.items():
    class Suite(KeyValueStoreSuite):
        backends = ("asyncio",)
        short_life = 0.1
        renewable_life = 0.3
        random_conditions = 200  # so that it is not a matter of luck

        @pytest.fixture
        def make_cloud(self, store=store):
            return maker(store)

    # Without all others, which would take seconds to collect.
    for name in dir(Suite):
        if name.startswith("test_") and name not in {test.partition("[")[0] for test in tests}:
            setattr(Suite, name, None)
    globals()[f"Test{store.__name__}"] = Suite
del Suite
"""


def test_the_suite_catches_every_mutant(pytester: pytest.Pytester) -> None:
    inner = pytester.path / "inner"
    shutil.copytree(HERE, inner, ignore=shutil.ignore_patterns("test_*", "__pycache__"))
    (inner / "test_inner.py").write_text(INNER)
    wanted = [f"Test{store.__name__}::{test}" for store, tests in MUTANTS.items() for test in tests]
    nodes = [f"inner/test_inner.py::{test}" for test in wanted]
    outcome = pytester.inline_run("--import-mode=importlib", "-q", "--tb=native", *nodes)
    failures = {
        report.nodeid.partition("::")[2]: report.longrepr.reprcrash.message
        for report in outcome.getreports("pytest_runtest_logreport")
        if report.failed
    }
    told = {test for test in wanted if any(name.startswith(test) for name in failures)}
    assert told == set(wanted)
    # A mutant that is broken rather than defective would be caught by any test.
    assert [text for text in failures.values() if not text.startswith(TELLING)] == []
