"""The behaviours of MessageQueue, in a folder and in memory."""

import pytest
from cloudkit.local import LocalCloud
from cloudkit.testing.queue import MessageQueueSuite


class TestFiles(MessageQueueSuite):
    provider = "local (files)"
    native_facts = ()  # nothing stands behind the provider that could report any
    short_retention = 1.0

    @pytest.fixture
    def make_cloud(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("local") / "cloud"
        return lambda **options: LocalCloud(path=folder, **options)


class TestMemory(MessageQueueSuite):
    provider = "local (memory)"
    native_facts = ()
    short_retention = 1.0

    @pytest.fixture
    def make_cloud(self):
        return LocalCloud
