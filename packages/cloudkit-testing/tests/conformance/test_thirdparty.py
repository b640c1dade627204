"""A provider of somebody else's: found by its entry point, certified by the suite."""

import re
import shutil
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

THIRDPARTY = Path(__file__).parents[1] / "thirdparty"
GUIDE = Path(__file__).parents[4] / "docs/content/guides/writing-a-provider.md"

BROKEN = """
from acme_suite import TestAcmeStorage
from acme.storage import AcmeStorage
import attrs

async def forgiving(self, op, delete=AcmeStorage._delete_object):
    await delete(self, attrs.evolve(op, missing_ok=True))

AcmeStorage._delete_object = forgiving
"""

# Acme has no network and no credentials; interceptors stand for what would go wrong there.
FIXTURES = """
import math
import pytest
from acme import AcmeCloud
from acme_suite import TestAcmeStorage as Suite
from cloudkit.common import ConnectionFailedError, InvalidCredentialsError
from cloudkit.spi import NoRetry
from cloudkit.testing import Faults

SECRET = "hunter2"

class TestFixtures(Suite):
    secrets = [SECRET]

    @pytest.fixture
    async def bad_credentials_cloud(self):
        faults = Faults()
        faults.lose_request("*", InvalidCredentialsError("MESSAGE"), times=math.inf)
        async with AcmeCloud(interceptors=[faults]) as cloud:
            yield cloud

    @pytest.fixture
    async def unreachable_cloud(self):
        faults = Faults()
        faults.lose_request("*", ConnectionFailedError("refused"), times=math.inf)
        async with AcmeCloud(interceptors=[faults], retry=NoRetry()) as cloud:
            yield cloud

    @pytest.fixture
    async def stalled_cloud(self):
        faults = Faults()
        faults.delay("*", math.inf, times=math.inf)
        async with AcmeCloud(interceptors=[faults], timeout=self.short_timeout) as cloud:
            yield cloud

del Suite
"""
OPTIONAL = "hangs or credentials or endpoint or secret"


@pytest.fixture
def installed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Acme's distribution on the path, as an installer leaves it."""
    site = pytester.path / "site"
    shutil.copytree(THIRDPARTY / "acme", site / "acme")
    shutil.copy(THIRDPARTY / "acme_suite.py", site)
    facts = site / "acme_cloudkit-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-cloudkit\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[cloudkit.providers]\nacme = acme:AcmeCloud\n")
    (facts / "RECORD").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    """The counts of the last line."""
    return {kind: int(n) for n, kind in re.findall(r"(\d+) (\w+)", result.outlines[-1])}


def test_a_provider_of_somebody_elses_is_certified(installed: pytest.Pytester):
    installed.makepyfile(test_acme="from acme_suite import TestAcmeStorage")
    result = installed.runpytest_subprocess("--cloudkit-table", "-q", timeout=110)
    counts = outcomes(result)
    assert result.ret == 0, result.stdout.str()
    assert counts["passed"] > 500
    assert counts["unsupported"] > 50
    assert "failed" not in counts
    assert "skipped" not in counts
    result.stdout.fnmatch_lines(
        [
            "*unsupported behaviours*",
            "acme: storage.conditional_copy: Acme copies without looking (2 tests)",
            "*conformance*",
            "behaviour*acme asyncio*acme trio",
            "storage: a copy replaces only what it may *unsupported*unsupported*",
            "storage: a copy takes only the revision it names *pass*pass*",
        ]
    )


def test_a_broken_behaviour_fails_its_own_test_and_no_other(installed: pytest.Pytester):
    installed.makepyfile(test_broken=BROKEN)
    result = installed.runpytest_subprocess("--cloudkit-table", "-q", "-n", "2", timeout=110)
    failed = sorted(
        line.split("::")[-1].split(" ")[0] for line in result.outlines if line.startswith("FAILED")
    )
    assert failed == [
        "test_deleting_what_is_missing_fails_when_asked_for[asyncio]",
        "test_deleting_what_is_missing_fails_when_asked_for[trio]",
    ]
    result.stdout.fnmatch_lines(
        ["storage: deleting what is missing fails when asked for *FAIL*FAIL*"]
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [("unknown key", {"passed": 10}), ("unknown key hunter2", {"passed": 8, "failed": 2})],
    ids=["sound", "shows a secret"],
)
def test_further_fixtures_certify_more(
    installed: pytest.Pytester, message: str, expected: dict[str, int]
):
    installed.makepyfile(test_more=FIXTURES.replace("MESSAGE", message))
    counts = outcomes(installed.runpytest_subprocess("-q", "-k", OPTIONAL, timeout=60))
    counts.pop("deselected")
    assert counts == expected


@pytest.mark.parametrize("name", ["cloud.py", "errors.py", "storage.py", "service.py"])
def test_the_guide_shows_the_provider_that_is_tested(name: str):
    source = (THIRDPARTY / "acme" / name).read_text()
    assert f'title="acme/{name}"\n{source}```' in GUIDE.read_text()


def test_the_guide_shows_the_suite_that_is_run():
    source = (THIRDPARTY / "acme_suite.py").read_text()
    assert f'title="tests/test_acme.py"\n{source}```' in GUIDE.read_text()
