"""The behaviours of PubSub, in a folder and in memory."""

import pytest
from cloudkit.local import LocalCloud
from cloudkit.testing.pubsub import PubSubSuite


class TestFiles(PubSubSuite):
    provider = "local (files)"
    native_facts = ()  # nothing stands behind the provider that could report any

    @pytest.fixture
    def make_cloud(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("local") / "cloud"
        return lambda **options: LocalCloud(path=folder, **options)


class TestMemory(PubSubSuite):
    provider = "local (memory)"
    native_facts = ()

    @pytest.fixture
    def make_cloud(self):
        return LocalCloud
