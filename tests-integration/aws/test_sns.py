"""PubSub on SNS and SQS, as two emulators have it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from anyio.to_thread import run_sync
from aws.clouds import AwsClouds
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest
from emulators import localstack, moto
from emulators.process import Server, answers


class SnsSuite(AwsClouds, PubSubSuite):
    __test__ = False

    provider = "aws"
    backlog: ClassVar[int] = 100

    def decode_push(self, request: PushRequest) -> tuple[bytes, Mapping[str, str]] | None:
        """As SNS's documentation describes what it posts, and CloudKit's how it encodes."""
        envelope = json.loads(request.body)
        if envelope["Type"] != "Notification":
            return None
        attributes = {
            name: _text(value["Type"], value["Value"])
            for name, value in envelope.get("MessageAttributes", {}).items()
        }
        encoding = attributes.pop("cloudkit.encoding", None)
        text: str = envelope["Message"]
        if encoding == "empty":
            return b"", attributes
        return base64.b64decode(text) if encoding == "base64" else text.encode(), attributes

    @pytest.fixture(autouse=True)
    def _keep_url(self, server: Server) -> None:
        self.url = server.url

    async def answer_push(self, request: PushRequest) -> PushAnswer:
        """Confirm that the endpoint wants the messages."""
        # Emulators name themselves by a host that only the public DNS knows.
        query = urlsplit(json.loads(request.body)["SubscribeURL"]).query
        assert await run_sync(answers, f"{self.url}/?{query}")
        return PushAnswer()


def _text(kind: str, value: str) -> str:
    if kind != "Binary":
        return value
    raw = base64.b64decode(value)
    return "" if raw == b"\xff" else raw.decode()


class TestLocalStack(SnsSuite):
    known_defects = localstack.PUBSUB_DEFECTS

    @pytest.fixture
    def server(self, localstack: Server) -> Server:
        return localstack


class TestMoto(SnsSuite):
    backends = ("asyncio",)  # a second opinion on the service, not on the runtimes
    known_defects = moto.PUBSUB_DEFECTS

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        return moto
