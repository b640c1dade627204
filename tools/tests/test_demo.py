"""The demo says what is true of the provider that it ran on, and leaves nothing behind."""

from __future__ import annotations

import math
from pathlib import Path

import anyio
import pytest
from cloudkit.prelude import Cloud, CloudError, CloudKit, PermissionDeniedError
from cloudkit.testing import Faults

from tools.demo.__main__ import first_error
from tools.demo.application import FUNCTION, Application
from tools.demo.digest import digest
from tools.demo.report import SERVICES, what_next

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("# One\nsome words about clouds\n")
    (tmp_path / "b.txt").write_text("other words about clouds\n")
    return tmp_path


async def _left(cloud: Cloud) -> list[str]:
    return [
        *[bucket.name async for bucket in cloud.storage.list_buckets()],
        *[table.name async for table in cloud.kv.list_tables()],
        *[queue.name async for queue in cloud.queue.list_queues()],
        *[topic.name async for topic in cloud.pubsub.list_topics()],
    ]


@pytest.mark.parametrize("deployed", [True, False])
async def test_all_files_are_handled(folder: Path, deployed: bool) -> None:
    async with CloudKit.local(functions={FUNCTION: digest} if deployed else {}) as cloud:
        outcome = await Application(cloud, folder).run()
        assert {str(item.key.sort): item["words"] for item in outcome.documents} == {
            "a.md": 6,
            "b.txt": 4,
        }
        assert outcome.deployed is deployed
        assert await _left(cloud) == []


async def test_a_function_that_may_only_be_called_is_called(folder: Path) -> None:
    faults = Faults()
    faults.lose_request("function_exists", PermissionDeniedError("only the owner may look"))
    async with CloudKit.local(functions={FUNCTION: digest}, interceptors=[faults]) as cloud:
        outcome = await Application(cloud, folder).run()
        assert outcome.deployed
        assert faults.count("invoke") == len(outcome.documents) == 2


@pytest.mark.parametrize("operation", ["create_table", "update"])
async def test_what_fails_for_good_is_raised_and_cleaned_up(folder: Path, operation: str) -> None:
    faults = Faults()
    faults.lose_request(operation, PermissionDeniedError("not yours"), times=math.inf)
    async with CloudKit.local(interceptors=[faults]) as cloud:
        with anyio.fail_after(60), pytest.raises((CloudError, ExceptionGroup)) as raised:
            await Application(cloud, folder, workers=1).run()
        assert isinstance(first_error(raised.value), PermissionDeniedError)
        assert await _left(cloud) == []


@pytest.mark.parametrize("provider", SERVICES)
@pytest.mark.parametrize("emulated", [True, False])
def test_the_last_words_are_about_the_provider(provider: str, emulated: bool) -> None:
    text = what_next(provider, emulated=emulated)
    assert f"CloudKit.{provider}()" in text
    assert (f"providers/{provider}.md" in text) is emulated
    others = {name for key, name in SERVICES.items() if key != provider}
    assert not [name for name in others if name in text]


def test_the_last_words_after_local_name_the_others() -> None:
    text = what_next("local", emulated=False)
    assert all(name in text for name in SERVICES)


def test_the_last_words_about_a_provider_of_somebody_else() -> None:
    assert 'CloudKit.connect("acme")' in what_next("acme", emulated=False)
