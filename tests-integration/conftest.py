"""The servers of the integration tests: each is started once, when a test first asks for it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from emulators import azurite as azurite_server
from emulators import localstack as localstack_server
from emulators import moto as moto_server
from emulators import pubsub as pubsub_server
from emulators.cloud_tasks import CloudTasksServer, cloud_tasks
from emulators.defects import Erratic
from emulators.process import Server


@pytest.fixture(scope="session")
def localstack() -> Iterator[Server]:
    """LocalStack: S3, SQS, SNS."""
    with localstack_server.localstack() as server:
        yield server


@pytest.fixture(scope="session")
def azurite() -> Iterator[Server]:
    """Azurite: Blob Storage."""
    with azurite_server.azurite() as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """moto: DynamoDB, and a second opinion on S3, SQS, SNS."""
    with moto_server.moto() as server:
        yield server


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[Server]:
    """Google's emulator of Pub/Sub, where the Cloud SDK has it."""
    with pubsub_server.pubsub() as server:
        yield server


@pytest.fixture(scope="session")
def cloud_tasks_server() -> Iterator[CloudTasksServer]:
    """The double of Cloud Tasks."""
    with cloud_tasks() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the behaviours to fail that a suite names as wrong in its emulator, and only those."""
    for item in items:
        defects = getattr(getattr(item, "cls", None), "known_defects", {})
        name = getattr(item, "originalname", item.name)
        for key in (name, _without_backend(item)):
            if key in defects:
                always = not isinstance(defects[key], Erratic)
                # Plain text: processes of one run tell each other the reason.
                item.add_marker(pytest.mark.xfail(reason=str(defects[key]), strict=always))


def _without_backend(item: pytest.Item) -> str:
    """The name with its parameters, but for the runtime."""
    callspec = getattr(item, "callspec", None)
    backend = None if callspec is None else callspec.params.get("anyio_backend")
    return item.name.replace(f"[{backend}-", "[").replace(f"-{backend}]", "]")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_LOG_SIZES] = {id(server): server.log_size for server in Server.running}
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for server in Server.running:
            tail = server.log_tail(item.stash[_LOG_SIZES].get(id(server), 0))
            if tail:
                report.sections.append((f"log of {server.name}", tail))
    return report


_LOG_SIZES = pytest.StashKey[dict[int, int]]()
