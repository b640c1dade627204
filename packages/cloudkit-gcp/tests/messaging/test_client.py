"""The client of Pub/Sub, with a server that answers as each test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from attrs import define, field
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.pubsub import client as client_module
from cloudkit.gcp.pubsub.client import PubSubClient, make_client
from cloudkit.gcp.pubsub.messages import encode
from cloudkit.gcp.pubsub.pulling import Pulling
from cloudkit.gcp.transport import ClientSettings
from google.api_core.exceptions import NotFound, PermissionDenied
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1.types import PublishRequest, PublishResponse, PullRequest, PullResponse

PATIENCE = 10.0


@define
class Service:
    """What the server does.

    Attributes:
        requests: What came.
        metadata: Of the last request.
        pull: Answers pulls.
    """

    requests: list[Any] = field(factory=list)
    metadata: dict[str, str] = field(factory=dict)
    pull: Callable[[Any, Any], Any] = lambda request, context: PullResponse.pb()()

    def answer_pull(self, request: Any, context: Any) -> Any:
        """Keep a pull, and answer it."""
        self.requests.append(request)
        self.metadata = {item.key: item.value for item in context.invocation_metadata()}
        return self.pull(request, context)

    def answer_publish(self, request: Any, context: Any) -> Any:
        """Keep what is published."""
        self.requests.append(request)
        return PublishResponse.pb()(message_ids=[str(n) for n, _ in enumerate(request.messages)])


def stall(request: Any, context: Any) -> Any:
    """Never answer, as long as somebody waits."""
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait(PATIENCE)
    return PullResponse.pb()()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def pubsub(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubClient]:
    monkeypatch.setattr(client_module, "MARGIN", 0.1)
    monkeypatch.setattr(client_module, "TICK", 0.05)
    server = grpc.server(ThreadPoolExecutor(4))
    handlers = {
        "google.pubsub.v1.Subscriber": {
            "Pull": _handler(service.answer_pull, PullRequest, PullResponse)
        },
        "google.pubsub.v1.Publisher": {
            "Publish": _handler(service.answer_publish, PublishRequest, PublishResponse)
        },
    }
    for name, methods in handlers.items():
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    config = GcpConfig(pubsub_endpoint=f"127.0.0.1:{port}")
    nobody = AnonymousCredentials()
    client = make_client(
        ClientSettings(
            config=config,
            service="pubsub",
            credentials=nobody,
            source=nobody,
            project="tests",
            user_agent="cloudkit/test",
        )
    )
    yield client
    client.close()
    server.stop(None).wait(PATIENCE)


def test_requests_name_what_they_are_about(pubsub: PubSubClient, service: Service) -> None:
    assert pubsub.pull("a~b", 7) == []
    (request,) = service.requests
    assert request.subscription == "projects/tests/subscriptions/a~b"
    assert (request.max_messages, request.return_immediately) == (7, True)
    assert service.metadata["x-goog-request-params"].startswith("subscription=projects")
    assert pubsub.publish("a", [encode(b"x", {"n": "v"}), encode(b"", {})]) == ["0", "1"]
    assert service.requests[-1].topic == "projects/tests/topics/a"


def test_a_wait_that_the_server_does_not_end_gives_nothing(
    pubsub: PubSubClient, service: Service
) -> None:
    service.pull = stall
    ticks: list[float] = []
    assert pubsub.pull("a", 1, 0.2, tick=lambda: ticks.append(time.monotonic())) == []
    assert len(ticks) >= 2
    assert not service.requests[0].return_immediately


def test_a_wait_that_the_server_ends_early_is_gone_on_with(
    pubsub: PubSubClient, service: Service
) -> None:
    message = {"ack_id": "1", "message": {"data": b"body"}}

    def answer(request: Any, context: Any) -> Any:
        many = len(service.requests) > 2
        return PullResponse.pb()(received_messages=[message] if many else [])

    service.pull = answer
    (received,) = pubsub.pull("a", 1, PATIENCE)
    assert received.message.data == b"body"
    assert len(service.requests) == 3


def test_a_pull_is_called_off_from_another_thread(pubsub: PubSubClient, service: Service) -> None:
    waits = threading.Event()
    gone = threading.Event()

    def answer(request: Any, context: Any) -> Any:
        context.add_callback(gone.set)
        waits.set()
        return stall(request, context)

    service.pull = answer
    pulling = Pulling()
    with ThreadPoolExecutor(1) as pool:
        pulled = pool.submit(pubsub.pull, "a", 1, PATIENCE, pulling=pulling)
        assert waits.wait(PATIENCE)
        pulling.cancel()
        assert pulled.result(PATIENCE / 2) == []
    assert gone.wait(PATIENCE), "the server has not heard of it"


def test_a_pull_that_is_called_off_before_it_begins_gives_nothing(
    pubsub: PubSubClient, service: Service
) -> None:
    service.pull = stall
    pulling = Pulling()
    pulling.cancel()
    assert pubsub.pull("a", 1, PATIENCE, pulling=pulling) == []


@pytest.mark.parametrize("wait", [0.0, 1.0])
def test_a_refusal_is_raised_in_the_sdks_form(
    pubsub: PubSubClient, service: Service, wait: float
) -> None:
    def refuse(request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.NOT_FOUND, "there is none")

    service.pull = refuse
    with pytest.raises(NotFound, match="there is none"):
        pubsub.pull("a", 1, wait)


def test_what_fails_meanwhile_ends_the_pull(pubsub: PubSubClient, service: Service) -> None:
    service.pull = stall

    def tick() -> None:
        raise PermissionDenied("the test forbids it")

    with pytest.raises(PermissionDenied):
        pubsub.pull("a", 1, PATIENCE, tick=tick)


def _handler(answer: Any, request: Any, response: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=request.pb().FromString,
        response_serializer=response.pb().SerializeToString,
    )
