"""The suites on services that do what the contracts say: nothing in them asks for too much."""

from __future__ import annotations

import pytest
from cloudkit.testing.functions import FunctionsSuite
from cloudkit.testing.messaging import MessagingSuite
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.queue import MessageQueueSuite

from .services.cloud import maker


class Quick(MessagingSuite):
    """Nothing here takes long."""

    __test__ = False

    native_facts = ()
    quiet = 0.05
    receive_wait = 0.1
    brief_lease = 0.1
    kept_lease = 0.5
    delay = 0.2

    @pytest.fixture
    def make_cloud(self):
        return maker()


class TestMemoryQueue(Quick, MessageQueueSuite):
    backends = ("trio",)
    short_retention = 1.0


class TestMemoryPubSub(Quick, PubSubSuite):
    backends = ("asyncio",)


class TestMemoryFunctions(FunctionsSuite):
    native_facts = ()
    short_timeout = 0.3
    slow_seconds = 1.0
    qualifier = "1"

    @pytest.fixture
    def make_cloud(self):
        return maker()

    @pytest.fixture
    def witness(self, functions):
        async def seen(payload):
            return ("witness", payload) in functions.later

        return seen
