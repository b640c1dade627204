"""The behaviours of Functions, in a folder and in memory."""

import pytest
from cloudkit.local import LocalCloud
from cloudkit.testing.functions import HANDLERS, FunctionsSuite


class _Suite(FunctionsSuite):
    __test__ = False
    native_facts = ()  # nothing stands behind the provider that could report any

    @pytest.fixture
    def witnessed(self) -> list[bytes]:
        return []

    @pytest.fixture
    def witness(self, witnessed):
        async def was_invoked_with(payload: bytes) -> bool:
            return payload in witnessed

        return was_invoked_with

    @pytest.fixture
    def deploy(self, witnessed):
        return {**HANDLERS, "witness": witnessed.append}


class TestFiles(_Suite):
    __test__ = True
    provider = "local (files)"

    @pytest.fixture
    def make_cloud(self, tmp_path_factory, deploy):
        folder = tmp_path_factory.mktemp("local") / "cloud"
        return lambda **options: LocalCloud(path=folder, functions=deploy, **options)


class TestMemory(_Suite):
    __test__ = True
    provider = "local (memory)"

    @pytest.fixture
    def make_cloud(self, deploy):
        return lambda **options: LocalCloud(functions=deploy, **options)
