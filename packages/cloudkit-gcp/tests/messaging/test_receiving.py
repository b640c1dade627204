"""Receives that are called off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.api.messaging import Receive, Source
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.pubsub.pulling import Pulling
from cloudkit.gcp.pubsub.subscriptions import Settings

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


@pytest.mark.parametrize("called_off_at", [30, 45])
def test_messages_of_a_receive_that_is_called_off_are_given_back(
    monkeypatch: pytest.MonkeyPatch, called_off_at: int
) -> None:
    pulling, modified = Pulling(), []

    def pull(*args: Any, **options: Any) -> list[Any]:
        if called_off_at == SETTINGS.deadline:
            pulling.cancel()
        return [SimpleNamespace(ack_id="lease")]

    def modify(name: str, leases: list[str], length: int) -> None:
        modified.append((name, leases, length))
        pulling.cancel()  # while the lease is made as long as it should be

    queue: Any = GcpCloud(project="p", anonymous=True).queue
    monkeypatch.setattr(queue, "_find", lambda client, source: SETTINGS)
    monkeypatch.setattr(queue, "_meanwhile", lambda client, source: None)
    op = Receive(source=Source("queue", "work"), visibility=float(called_off_at))
    client = SimpleNamespace(pull=pull, modify=modify)
    assert queue._receive_from(client, op, pulling) == []
    assert modified[-1] == ("work~~queue", ["lease"], 0)
