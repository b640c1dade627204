"""ObjectStorage on S3, as two emulators have it."""

from __future__ import annotations

import pytest
from aws.clouds import AwsClouds
from cloudkit.common import AccessKeyCredentials
from cloudkit.testing import ObjectStorageSuite
from emulators import localstack as localstack_emulator
from emulators import moto as moto_emulator
from emulators.process import Server


class TestLocalStack(AwsClouds, ObjectStorageSuite):
    provider = "aws"
    known_defects = localstack_emulator.STORAGE_DEFECTS

    @pytest.fixture
    def server(self, localstack: Server) -> Server:
        return localstack

    @pytest.fixture
    def credentials(self, localstack: Server) -> AccessKeyCredentials:
        key, secret = localstack_emulator.credentials(localstack.url)
        return AccessKeyCredentials(access_key_id=key, secret_access_key=secret)


class TestMoto(AwsClouds, ObjectStorageSuite):
    provider = "aws"
    known_defects = moto_emulator.STORAGE_DEFECTS

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        return moto
