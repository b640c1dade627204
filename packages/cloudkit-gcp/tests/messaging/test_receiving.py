"""Receives that are called off."""

from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.pubsub.pulling import Pulling
from cloudkit.gcp.pubsub.subscriptions import Settings
from google.pubsub_v1 import ReceivedMessage

pytestmark = pytest.mark.anyio

SETTINGS = Settings(
    name="work~~queue",
    topic="work~~queue",
    deadline=30,
    visibility=30.0,
    ordered=False,
    dead_letter=None,
    dead_topic=None,
    expression="",
    push_endpoint=None,
    retention=600.0,
    read_at=0.0,
)


class Pulled:
    """A client that waits until it is called off, and then has a message all the same."""

    def __init__(self) -> None:
        self.pulling = threading.Event()
        self.modified: list[tuple[str, list[str], int]] = []
        self.given_back = threading.Event()

    def pull(self, *args: Any, pulling: Pulling, **options: Any) -> list[Any]:
        called_off = threading.Event()
        pulling.begin(SimpleNamespace(cancel=called_off.set))
        self.pulling.set()
        assert called_off.wait(30)
        return [ReceivedMessage(ack_id="lease")._pb]

    def modify(self, name: str, leases: list[str], length: int) -> None:
        self.modified.append((name, leases, length))
        if length == 0:
            self.given_back.set()


@pytest.mark.parametrize("visibility", [30, 45])
async def test_messages_of_a_receive_that_is_called_off_are_given_back(
    monkeypatch: pytest.MonkeyPatch, visibility: int
) -> None:
    client = Pulled()
    async with GcpCloud(project="p", anonymous=True) as cloud:
        monkeypatch.setattr(cloud._clients, "_make", lambda name, credentials: client)
        monkeypatch.setattr(cloud.queue, "_find", lambda client, source: SETTINGS)
        monkeypatch.setattr(cloud.queue, "_meanwhile", lambda client, source: None)
        async with anyio.create_task_group() as tasks:
            receive = partial(cloud.queue.receive, "work", visibility=visibility, wait=20)
            tasks.start_soon(receive)
            await anyio.to_thread.run_sync(client.pulling.wait, 30)
            tasks.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(client.given_back.wait, 30)
    assert client.modified == [("work~~queue", ["lease"], 0)]
