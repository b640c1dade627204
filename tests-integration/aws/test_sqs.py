"""MessageQueue on SQS, as two emulators have it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from aws.clouds import AwsClouds
from cloudkit.testing.queue import MessageQueueSuite
from emulators import localstack, moto
from emulators.process import Server


class TestLocalStack(AwsClouds, MessageQueueSuite):
    provider = "aws"
    known_defects = localstack.QUEUE_DEFECTS
    backlog: ClassVar[int] = 100

    @pytest.fixture
    def server(self, localstack: Server) -> Server:
        return localstack


class TestMoto(AwsClouds, MessageQueueSuite):
    provider = "aws"
    known_defects = moto.QUEUE_DEFECTS
    backlog: ClassVar[int] = 100

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        return moto
