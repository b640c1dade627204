"""Pushing under failures, closing and restarts; the endpoint is a server on 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import anyio
import pytest
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.local import LocalCloud, push

pytestmark = pytest.mark.anyio


class Endpoint:
    """A server that answers with the statuses it is given, and with 204 from then on."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests.append((self.path, dict(self.headers), body))
                status = endpoint.statuses.pop(0) if endpoint.statuses else 204
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=1"

    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.requests]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.01,))
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()
    thread.join()


async def until(condition) -> None:
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110  (the condition is set by another thread)
            await anyio.sleep(0.01)


async def subscribe(cloud, url, **options) -> None:
    await cloud.pubsub.create_topic("t", ordering=True)
    await cloud.pubsub.create_subscription("t", "s", push_endpoint=url, **options)


async def test_what_a_request_looks_like(endpoint):
    async with LocalCloud() as cloud:
        await subscribe(cloud, endpoint.url)
        attributes = {"a": " ä\r\nx: y ", "B.c-d": ""}
        sent = await cloud.pubsub.publish(
            "t", b"\x00\xff", attributes=attributes, ordering_key="key-1"
        )
        await until(lambda: endpoint.requests)
    path, headers, body = endpoint.requests[0]
    facts = {n: unquote(v) for n, v in headers.items() if n.startswith("cloudkit-")}
    assert (path, body) == ("/hook?token=1", b"\x00\xff")
    assert facts.pop("cloudkit-sent-at").endswith("+00:00")
    assert facts == {
        "cloudkit-message-id": sent.id,
        "cloudkit-topic": "t",
        "cloudkit-subscription": "s",
        "cloudkit-receive-count": "1",
        "cloudkit-ordering-key": "key-1",
        "cloudkit-attribute-a": " ä\r\nx: y ",
        "cloudkit-attribute-B.c-d": "",
    }


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_what_is_not_taken_comes_again_in_order(endpoint, status, monkeypatch):
    monkeypatch.setattr(push, "_RETRY_DELAY", 0.01)
    endpoint.statuses = [status, status]
    async with LocalCloud() as cloud:
        await subscribe(cloud, endpoint.url)
        for body in (b"1", b"2", b"3"):
            await cloud.pubsub.publish("t", body, ordering_key="key")
        await until(lambda: len(endpoint.requests) == 5)
    assert endpoint.bodies() == [b"1", b"1", b"1", b"2", b"3"]
    assert {path for path, _, _ in endpoint.requests} == {"/hook?token=1"}


async def test_what_nobody_takes_becomes_a_dead_letter(monkeypatch):
    monkeypatch.setattr(push, "_RETRY_DELAY", 0.01)
    async with LocalCloud() as cloud:
        policy = DeadLetterPolicy(max_receives=2)
        await subscribe(cloud, "http://127.0.0.1:1/", dead_letter=policy)  # nobody listens there
        await cloud.pubsub.publish("t", b"x")
        with anyio.fail_after(10):
            while not (dead := await cloud.pubsub.dead_letters("t", "s")):  # noqa: ASYNC110
                await anyio.sleep(0.01)
        assert dead[0].body == b"x"


async def test_what_was_not_pushed_is_pushed_by_the_next_process(tmp_path, endpoint):
    endpoint.statuses = [503] * 1000
    async with LocalCloud(path=tmp_path) as cloud:
        await subscribe(cloud, endpoint.url)
        await cloud.pubsub.publish("t", b"x")
        await until(lambda: endpoint.requests)
    endpoint.statuses = []
    before = len(endpoint.requests)
    async with LocalCloud(path=tmp_path) as cloud:
        assert await cloud.pubsub.topic_exists("t")  # opens the topic
        await until(lambda: len(endpoint.requests) > before)
    assert endpoint.bodies() == [b"x"] * (before + 1)


async def test_pushing_goes_on_in_the_event_loop_that_comes_next(endpoint):
    cloud = LocalCloud()

    async def publish() -> None:
        await cloud.pubsub.publish("t", b"x")
        await until(lambda: len(endpoint.requests) == 2)

    await subscribe(cloud, endpoint.url)
    await cloud.pubsub.publish("t", b"x")
    await until(lambda: len(endpoint.requests) == 1)
    await anyio.to_thread.run_sync(anyio.run, publish)
    await cloud.aclose()
