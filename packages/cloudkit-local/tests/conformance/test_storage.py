"""The behaviours of ObjectStorage, in a folder and in memory."""

import pytest
from cloudkit.local import LocalCloud
from cloudkit.testing import ObjectStorageSuite


class TestFiles(ObjectStorageSuite):
    provider = "local (files)"

    @pytest.fixture
    def make_cloud(self, tmp_path):
        return lambda **options: LocalCloud(path=tmp_path / "cloud", **options)


class TestMemory(ObjectStorageSuite):
    provider = "local (memory)"

    @pytest.fixture
    def make_cloud(self):
        return lambda **options: LocalCloud(**options)
