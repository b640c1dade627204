"""What gRPC's services say when no token is to be had: the same as those that speak HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from cloudkit.common import ConnectionFailedError, InvalidCredentialsError, ServiceUnavailableError
from cloudkit.gcp import GcpCloud
from cloudkit.spi import NoRetry
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("trusted_front")]

Call = Callable[[GcpCloud], Awaitable[object]]
CALLS: dict[str, Call] = {
    "firestore": lambda cloud: cloud.kv.describe_table("table"),
    "pubsub": lambda cloud: cloud.pubsub.publish("news", b"body"),
    "queue": lambda cloud: cloud.queue.receive("work"),
    "tasks": lambda cloud: cloud.cloud_tasks.send("work", b"body"),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def silent_service(front_files: tuple[Path, Path]) -> Iterator[str]:
    """URL of a server of gRPC that has no services, for what never gets there."""
    certificate, key = (path.read_bytes() for path in front_files)
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield f"https://127.0.0.1:{port}"
    server.stop(None).wait()


class _Refusing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Says nothing."""


@pytest.fixture
def sign_in() -> Iterator[Any]:
    """A server that gives no tokens; its ``answer`` may be changed."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    server.answer = 400, b'{"error": "invalid_grant", "error_description": "secret reason"}'
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def private_key() -> str:
    """Of a service account."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def cloud_of(url: str, private_key: str, port: int) -> GcpCloud:
    return GcpCloud(
        project="project",
        region="region",
        firestore_endpoint=url,
        pubsub_endpoint=url,
        tasks_endpoint=url,
        tasks_target="https://example.com/",
        retry=NoRetry(),
        timeout=20,
        service_account_info={
            "type": "service_account",
            "client_email": "tester@project.iam.gserviceaccount.com",
            "private_key": private_key,
            "token_uri": f"http://127.0.0.1:{port}/token",
        },
    )


@pytest.mark.parametrize("service", CALLS)
async def test_a_key_that_is_refused_is_no_outage(
    service: str,
    silent_service: str,
    private_key: str,
    sign_in: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with cloud_of(silent_service, private_key, sign_in.server_port) as cloud:
        with pytest.raises(InvalidCredentialsError) as caught:
            await CALLS[service](cloud)
    assert not caught.value.retryable
    assert caught.value.code == "RefreshError"
    assert caught.value.hint is not None
    assert "secret reason" not in str(caught.value) + caplog.text


async def test_a_sign_in_that_cannot_be_reached_has_sent_nothing(
    silent_service: str, private_key: str
) -> None:
    async with cloud_of(silent_service, private_key, 9) as cloud:
        with pytest.raises(ConnectionFailedError) as caught:
            await cloud.pubsub.publish("news", b"body")
    assert caught.value.retryable
    assert caught.value.unprocessed


async def test_a_sign_in_that_is_out_of_order_says_nothing_against_the_key(
    silent_service: str, private_key: str, sign_in: Any
) -> None:
    sign_in.answer = 503, b'{"error": "temporarily_unavailable"}'
    async with cloud_of(silent_service, private_key, sign_in.server_port) as cloud:
        with pytest.raises(ServiceUnavailableError) as caught:
            await cloud.pubsub.publish("news", b"body")
    assert caught.value.retryable
    assert caught.value.unprocessed
