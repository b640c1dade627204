"""The plugin: both runtimes, unsupported behaviours, the table."""

import re
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ("pytester",)

SUITE = """
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import sniffio
from cloudkit.common import Capabilities, StorageCapabilities
from cloudkit.testing import CloudSuite, behaviour

class ThingSuite(CloudSuite):
    __test__ = False
    contract_name = "storage"

    async def test_it_runs(self, cloud, request):
        backend = request.node.callspec.params["anyio_backend"]
        assert sniffio.current_async_library() == backend

    @behaviour("storage.presigned_get")
    async def test_it_gives_links(self, cloud):
        assert cloud.links

def factory(**flags):
    storage = StorageCapabilities(reasons={"presigned_get": "no keys here"}, **flags)

    @asynccontextmanager
    async def make(**options):
        capabilities = Capabilities(storage=storage)
        yield SimpleNamespace(provider="acme", capabilities=capabilities, links=True)

    return make
"""

USE = """
import pytest
from suite import CloudSuite, ThingSuite, factory

class TestThing(ThingSuite):
    @pytest.fixture
    def make_cloud(self):
        return factory({flags})
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite=SUITE)
    pytester.syspathinsert()


def run(pytester: pytest.Pytester, *options: str) -> tuple[dict[str, int], pytest.RunResult]:
    result = pytester.runpytest_subprocess("--strict-markers", *options, timeout=60)
    last = next(line for line in reversed(result.outlines) if re.search(r" in [\d.]+s", line))
    return {kind: int(n) for n, kind in re.findall(r"(\d+) (\w+)", last)}, result


def test_each_behaviour_runs_on_both_runtimes(pytester: pytest.Pytester):
    pytester.makepyfile(test_it=USE.format(flags=""))
    counts, result = run(pytester, "-v")
    assert counts == {"passed": 4}
    result.stdout.fnmatch_lines_random(
        ["*::TestThing::test_it_runs?asyncio? PASSED*", "*::TestThing::test_it_runs?trio? PASSED*"]
    )


def test_a_suite_may_restrict_the_runtimes(pytester: pytest.Pytester):
    pytester.makepyfile(test_it=USE.format(flags="") + "\n    backends = ('trio',)\n")
    counts, _ = run(pytester)
    assert counts == {"passed": 2}


def test_a_missing_capability_is_a_category_of_its_own(pytester: pytest.Pytester):
    pytester.makepyfile(test_it=USE.format(flags="presigned_get=False"))
    counts, result = run(pytester)
    assert counts == {"passed": 2, "unsupported": 2}
    result.stdout.fnmatch_lines(
        ["test_it.py *u*", "acme: storage.presigned_get: no keys here (2 tests)"]
    )


def test_other_reporters_see_a_skip_with_the_reason(pytester: pytest.Pytester):
    pytester.makepyfile(test_it=USE.format(flags="presigned_get=False"))
    run(pytester, "--junit-xml=report.xml")
    tree = ET.parse(pytester.path / "report.xml")
    messages = [skip.get("message", "") for skip in tree.iter("skipped")]
    assert len(messages) == 2
    assert all("unsupported: storage.presigned_get: no keys here" in m for m in messages)


def test_a_missing_fixture_is_told(pytester: pytest.Pytester):
    pytester.makepyfile(
        test_it="from suite import ThingSuite\n\nclass TestThing(ThingSuite):\n    pass"
    )
    counts, result = run(pytester)
    assert counts == {"unsupported": 4}
    result.stdout.fnmatch_lines(["TestThing: fixture make_cloud: *(4 tests)"])


def test_a_cloud_fixture_is_enough(pytester: pytest.Pytester):
    pytester.makepyfile(
        test_it="""
        import pytest
        from suite import ThingSuite, factory

        class TestThing(ThingSuite):
            @pytest.fixture
            async def cloud(self):
                async with factory()() as cloud:
                    yield cloud
        """
    )
    counts, _ = run(pytester)
    assert counts == {"passed": 4}


def test_base_classes_are_not_collected_where_they_are_imported(pytester: pytest.Pytester):
    pytester.makepyfile(test_it="from suite import *\nfrom cloudkit.testing import *")
    result = pytester.runpytest_subprocess("-o", "python_classes=*Suite *Behaviours", timeout=60)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_failure_is_a_failure(pytester: pytest.Pytester):
    pytester.makepyfile(
        test_it=USE.format(flags="")
        + "\n    async def test_it_gives_links(self, cloud):\n        assert not cloud.links\n"
    )
    counts, result = run(pytester, "--cloudkit-table")
    assert counts == {"passed": 2, "failed": 2}
    result.stdout.fnmatch_lines(["storage: it gives links  FAIL*FAIL*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_table_shows_each_provider_and_runtime(
    pytester: pytest.Pytester, workers: tuple[str, ...]
):
    second = USE.format(flags="presigned_get=False").replace("TestThing", "TestOther")
    pytester.makepyfile(
        test_it=USE.format(flags=""), test_other=second + "\n    provider = 'other'\n"
    )
    counts, result = run(pytester, "--cloudkit-table", *workers)
    assert counts == {"passed": 6, "unsupported": 2}
    result.stdout.fnmatch_lines(
        [
            "*= unsupported behaviours =*",
            "other: storage.presigned_get: no keys here (2 tests)",
            "*= conformance =*",
            "behaviour                acme asyncio  acme trio    other asyncio  other trio",
            "storage: it gives links  pass          pass         unsupported    unsupported",
            "storage: it runs         pass          pass         pass           pass",
        ]
    )


def test_no_table_unless_asked_for(pytester: pytest.Pytester):
    pytester.makepyfile(test_it=USE.format(flags=""))
    _, result = run(pytester)
    result.stdout.no_fnmatch_line("*conformance*")


def test_tests_of_others_are_left_alone(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        def test_plain():
            pass

        def test_skipped():
            pytest.skip("for a reason")
        """
    )
    counts, _ = run(pytester, "--cloudkit-table")
    assert counts == {"passed": 1, "skipped": 1}
