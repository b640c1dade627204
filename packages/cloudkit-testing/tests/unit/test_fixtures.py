"""The fixtures that the plugin brings along for applications."""

import re

import pytest

pytest_plugins = ("pytester",)

MARK = "import pytest\npytestmark = pytest.mark.anyio\n"


def run(pytester: pytest.Pytester, *options: str) -> dict[str, int]:
    """How many tests passed, failed …, with whatever is not clean as an error."""
    arguments = ("--strict-markers", "-W", "error", "-p", "no:cacheprovider", *options)
    result = pytester.runpytest_subprocess(*arguments, timeout=60)
    last = next(line for line in reversed(result.outlines) if re.search(r" in [\d.]+s", line))
    return {kind: int(n) for n, kind in re.findall(r"(\d+) (\w+)", last)}


def test_each_test_has_an_empty_cloud_on_its_own_runtime(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {
        "PATH": str(pytester.path / "kept"),
        "TIMEOUT": "1",
        "FUNCTIONS": "?",
    }.items():
        monkeypatch.setenv(f"CLOUD_{name}", value)
    pytester.makepyfile(
        MARK
        + """
import os
import anyio, sniffio
from cloudkit.local import LocalCloud

clouds = []

@pytest.mark.parametrize("number", [1, 2])
async def test_use(local_cloud, anyio_backend_name, number):
    assert all(cloud.closed for cloud in clouds)
    clouds.append(local_cloud)
    assert type(local_cloud) is LocalCloud and not local_cloud.closed
    assert sniffio.current_async_library() == anyio_backend_name
    await local_cloud.storage.create_bucket("bucket")  # there is none of another test
    async def double(payload):
        return payload * 2
    local_cloud.functions.register("double", double)
    await local_cloud.functions.invoke_async("double", b"x")
    assert (await local_cloud.functions.invoke("double", b"x")).payload == b"xx"
    assert local_cloud.config.path is None
    assert local_cloud.config.timeout == 60

def test_they_are_closed():
    assert len({id(cloud) for cloud in clouds}) == 4
    assert all(cloud.closed for cloud in clouds)
    assert os.environ["CLOUD_TIMEOUT"] == "1"  # as before
"""
    )
    assert run(pytester) == {"passed": 5}
    assert not (pytester.path / "kept").exists()


def test_faults_strike_the_local_cloud(pytester: pytest.Pytester):
    pytester.makepyfile(
        MARK
        + """
import math
from cloudkit.common import NetworkError, ServiceUnavailableError

async def test_an_outage(local_cloud, local_cloud_faults):
    await local_cloud.kv.create_table("table")
    local_cloud_faults.lose_request("put", ServiceUnavailableError("down"), times=3)
    await local_cloud.kv.put("table", "key", {})
    assert local_cloud_faults.count("put") == 4
    local_cloud_faults.lose_answer("get", NetworkError("broken"), times=math.inf)
    with pytest.raises(NetworkError):
        await local_cloud.kv.get("table", "key")
    assert local_cloud_faults.count("get") == 4

async def test_another_test_has_none(local_cloud, local_cloud_faults):
    assert local_cloud_faults.count() == 0
    assert not await local_cloud.kv.table_exists("table")
    assert local_cloud_faults.count() == 1
"""
    )
    assert run(pytester) == {"passed": 4}


def test_options_and_runtimes_are_the_tests_own(pytester: pytest.Pytester):
    pytester.makeconftest(
        """
import pytest
from cloudkit.spi import Interceptor, NoRetry

class Counting(Interceptor):
    def __init__(self):
        self.seen = []
    async def around_attempt(self, operation, proceed):
        self.seen.append(operation.name)
        return await proceed(operation)

@pytest.fixture
def counting():
    return Counting()

@pytest.fixture
def local_cloud_options(tmp_path, counting):
    path = tmp_path / "cloud"
    return {"path": path, "timeout": 5, "retry": NoRetry(), "interceptors": [counting]}

@pytest.fixture
def anyio_backend():
    return "trio"
"""
    )
    pytester.makepyfile(
        MARK
        + """
from cloudkit.common import ServiceUnavailableError

async def test_use(local_cloud, local_cloud_faults, counting, tmp_path):
    assert local_cloud.config.path == tmp_path / "cloud"
    assert local_cloud.config.timeout == 5
    local_cloud_faults.lose_request("bucket_exists", ServiceUnavailableError("down"))
    with pytest.raises(ServiceUnavailableError):
        await local_cloud.storage.bucket_exists("bucket")
    assert counting.seen == ["bucket_exists"]  # the fault is behind it, where a real one would be
"""
    )
    assert run(pytester) == {"passed": 1}


def test_fixtures_of_the_same_names_come_first(pytester: pytest.Pytester):
    pytester.makepyfile(
        MARK
        + """
@pytest.fixture
def local_cloud():
    return "mine"

def test_use(local_cloud):
    assert local_cloud == "mine"
"""
    )
    assert run(pytester) == {"passed": 1}


def test_pytest_tells_of_them(pytester: pytest.Pytester):
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess("--fixtures", timeout=60)
    result.stdout.fnmatch_lines(["local_cloud -- *fixtures.py:*", "*A cloud of the test's own*"])
