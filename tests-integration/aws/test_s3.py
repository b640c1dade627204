"""ObjectStorage on S3, as two emulators have it."""

from __future__ import annotations

import pytest
from aws.clouds import AwsClouds
from cloudkit.testing import ObjectStorageSuite
from emulators import localstack, moto
from emulators.process import Server


class TestLocalStack(AwsClouds, ObjectStorageSuite):
    provider = "aws"
    known_defects = localstack.KNOWN_DEFECTS

    @pytest.fixture
    def server(self, localstack: Server) -> Server:
        return localstack


class TestMoto(AwsClouds, ObjectStorageSuite):
    provider = "aws"
    known_defects = moto.KNOWN_DEFECTS

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        return moto
