"""Service Bus: ways to sign in, what survives a lost connection, what other programs made."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.to_thread import run_sync
from azure.clouds import make_service_bus_cloud
from azure.service_bus_clients import make_administration, make_client
from azure.servicebus import ServiceBusMessage
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.azure import AzureCloud
from cloudkit.azure.service_bus.place import ROOT_POLICY, Place
from cloudkit.common import (
    AccountKeyCredentials,
    ClientClosedError,
    ConnectionStringCredentials,
    Credentials,
    InvalidCredentialsError,
    PermissionDeniedError,
    PreconditionFailedError,
    SharedAccessSignatureCredentials,
    TokenCredentials,
    ValidationError,
)
from cloudkit.spi import AuthProvider, FixedDelay, NoRetry, StaticAuthProvider
from cloudkit.testing import flaky_endpoint
from emulators.process import HOST, Server
from emulators.service_bus import KEY, TOKEN, connection_string

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def signature(host: str, path: str = "") -> str:
    place = Place(host, False, "tests", 5, 5, policy=ROOT_POLICY, key=KEY)
    return place.access(f"sb://{host}{path}").token


WAYS: dict[str, Callable[[str], Credentials]] = {
    "key": lambda host: AccountKeyCredentials(account=ROOT_POLICY, key=KEY),
    "key of the root policy": lambda host: AccountKeyCredentials(key=KEY),
    "signature": lambda host: SharedAccessSignatureCredentials(signature=signature(host)),
    "token": lambda host: TokenCredentials(
        token=TOKEN, expires_at=datetime.now(UTC) + timedelta(hours=1)
    ),
    "connection string": lambda host: ConnectionStringCredentials(
        connection_string=connection_string(f"http://{host}")
    ),
}


def fresh(kind: str) -> str:
    return f"ways-{kind}-{time.monotonic_ns()}"


def without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a connection string can say so; these credentials come without one."""
    original = Place.__init__

    def made(self: Place, host: str, secure: bool, *args: Any, **options: Any) -> None:
        original(self, host, False, *args, **options)

    monkeypatch.setattr(Place, "__init__", made)


@pytest.mark.parametrize("way", WAYS)
async def test_credentials_of_each_kind_open_the_namespace(
    service_bus: Server, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    host = urlsplit(service_bus.url).netloc
    without_tls(monkeypatch)
    auth = StaticAuthProvider(WAYS[way](host))
    async with AzureCloud(
        service_bus_namespace=host, service_bus_management_endpoint=service_bus.url, auth=auth
    ) as cloud:
        queue = fresh("queue")
        await cloud.queue.create_queue(queue)
        await cloud.queue.send(queue, b"body")
        (message,) = await cloud.queue.receive(queue, wait=5)
        await cloud.queue.ack(message)
        await cloud.queue.delete_queue(queue)


async def test_leases_outlive_the_credentials_that_they_were_got_with(
    service_bus: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = urlsplit(service_bus.url).netloc
    without_tls(monkeypatch)

    class Tokens(AuthProvider):
        async def get_credentials(self) -> Credentials:
            return TokenCredentials(token=TOKEN, expires_at=datetime.now(UTC) + timedelta(hours=1))

    async with AzureCloud(
        service_bus_namespace=host,
        service_bus_management_endpoint=service_bus.url,
        auth=Tokens(),
    ) as cloud:
        for fifo in (False, True):
            queue = fresh("queue")
            await cloud.queue.create_queue(queue, fifo=fifo)
            await cloud.queue.send(queue, b"body", group="group" if fifo else None)
            (message,) = await cloud.queue.receive(queue, wait=5)
            client = cloud._clients.client("service_bus")
            assert cloud._clients._bridge is not None
            await cloud._clients._bridge.renew()
            assert cloud._clients.client("service_bus") is not client
            assert client.pool._idle == [], "of no use any more"
            await cloud.queue.ack(await cloud.queue.extend(message, 30))
            assert (await cloud.queue.stats(queue)).available == 0


async def test_a_signature_for_one_queue_opens_no_other(
    service_bus: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = urlsplit(service_bus.url).netloc
    without_tls(monkeypatch)
    mine, other = fresh("mine"), fresh("other")
    async with make_service_bus_cloud(service_bus.url) as cloud:
        for queue in (mine, other):
            await cloud.queue.create_queue(queue)
    auth = SharedAccessSignatureCredentials(signature=signature(host, f"/{mine}"))
    async with AzureCloud(service_bus_namespace=host, auth=auth, retry=NoRetry()) as cloud:
        await cloud.queue.send(mine, b"body")
        with pytest.raises((InvalidCredentialsError, PermissionDeniedError)):
            await cloud.queue.send(other, b"body")


async def test_a_message_is_settled_by_a_client_that_did_not_receive_it(
    service_bus: Server,
) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as first:
        await first.queue.create_queue(queue, visibility=30)
        await first.queue.send(queue, b"body")
        (message,) = await first.queue.receive(queue, wait=5)
    async with make_service_bus_cloud(service_bus.url) as second:
        longer = await second.queue.extend(message, 30)
        await second.queue.ack(longer)
        with pytest.raises(PreconditionFailedError):
            await second.queue.nack(longer)
        assert (await second.queue.stats(queue)).available == 0


async def test_the_lock_of_a_session_goes_with_its_client(service_bus: Server) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as second:
        async with make_service_bus_cloud(service_bus.url) as first:
            await first.queue.create_queue(queue, fifo=True, visibility=30)
            await first.queue.send(queue, b"body", group="group")
            (message,) = await first.queue.receive(queue, wait=5)
            assert await second.queue.receive(queue) == []
        with pytest.raises(PreconditionFailedError):
            await second.queue.ack(message)
        (again,) = await second.queue.receive(queue, wait=5)
        assert (again.body, again.group, again.receive_count) == (b"body", "group", 1)
        await second.queue.ack(again)


async def test_a_lock_outlives_its_connection_and_a_session_does_not(service_bus: Server) -> None:
    port = urlsplit(service_bus.url).port
    assert port is not None
    async with (
        flaky_endpoint(HOST, port) as endpoint,
        make_service_bus_cloud(endpoint.url, retry=FixedDelay(max_attempts=3, delay=0)) as cloud,
    ):
        queues = [fresh("queue"), fresh("fifo")]
        leased = []
        for queue in queues:
            await cloud.queue.create_queue(queue, fifo=queue == queues[1])
            await cloud.queue.send(queue, b"body")
            leased += await cloud.queue.receive(queue, wait=5)
        await endpoint.refuse()
        await endpoint.heal()
        await cloud.queue.ack(leased[0])
        with pytest.raises(PreconditionFailedError):
            await cloud.queue.ack(leased[1])
        assert await cloud.queue.receive(queues[0]) == []
        (again,) = await cloud.queue.receive(queues[1], wait=5)
        await cloud.queue.ack(again)
        await cloud.queue.send(queues[0], b"works on")
        (message,) = await cloud.queue.receive(queues[0], wait=5)
        assert message.body == b"works on"


async def until_nobody_receives(cloud: AzureCloud) -> None:
    """Wait until the thread of a receive that was cancelled has given its connection back."""
    pool = cloud._clients.client("service_bus").pool
    with anyio.fail_after(30):
        while not pool._idle:  # noqa: ASYNC110  # another thread gives it back
            await anyio.sleep(0.01)


async def test_who_waits_for_a_session_gets_it_or_leaves_it(service_bus: Server) -> None:
    queue = fresh("queue")
    async with (
        make_service_bus_cloud(service_bus.url) as waiting,
        make_service_bus_cloud(service_bus.url) as other,
    ):
        await waiting.queue.create_queue(queue, fifo=True, visibility=30)
        received: list[bytes] = []

        async def receive() -> None:
            with anyio.fail_after(20):
                for message in await waiting.queue.receive(queue, wait=30):
                    received.append(message.body)
                    await waiting.queue.ack(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            await anyio.sleep(0.3)
            await other.queue.send(queue, b"first", group="group")
        assert received == [b"first"]
        with anyio.move_on_after(0.3):
            await waiting.queue.receive(queue, wait=30)
        await until_nobody_receives(waiting)
        await other.queue.send(queue, b"second", group="group")
        (message,) = await other.queue.receive(queue, wait=2)
        assert (message.body, message.receive_count) == (b"second", 1)


async def test_sessions_are_found_out_about(service_bus: Server) -> None:
    queue = fresh("queue")
    administration = make_administration(service_bus)
    await run_sync(lambda: administration.create_queue(queue, requires_session=True))
    for attempt in ("send", "receive", "purge"):
        async with make_service_bus_cloud(service_bus.url) as cloud:
            if attempt == "send":
                await cloud.queue.send(queue, b"without a group")
                await cloud.queue.send(queue, b"with one", group="group")
            elif attempt == "receive":
                (one,) = await cloud.queue.receive(queue, wait=5)
                assert (one.body, one.group) == (b"without a group", None)
            else:
                await cloud.queue.purge(queue)
                assert (await cloud.queue.stats(queue)).available == 0


async def test_a_group_is_refused_where_it_would_keep_no_order(service_bus: Server) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as cloud:
        await cloud.queue.create_queue(queue)
        for only_fifo in ("group", "dedup_id"):
            options: dict[str, Any] = {only_fifo: "name"}
            with pytest.raises(ValidationError, match="fifo"):
                await cloud.queue.send(queue, b"body", **options)


async def test_messages_of_other_programs_are_read(service_bus: Server) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as cloud:
        await cloud.queue.create_queue(queue)

        def send() -> None:
            with make_client(service_bus) as client, client.get_queue_sender(queue) as sender:
                properties: Any = {"number": 7}
                sender.send_messages(
                    ServiceBusMessage("text", application_properties=properties, message_id="id")
                )

        await run_sync(send)
        (message,) = await cloud.queue.receive(queue, wait=5)
        assert (message.id, message.body) == ("id", b"text")
        assert dict(message.attributes) == {"number": "7"}


async def test_a_dead_letter_is_sent_back_although_duplicates_are_dropped(
    service_bus: Server,
) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as cloud:
        await cloud.queue.create_queue(queue, fifo=True, dead_letter=DeadLetterPolicy())
        await cloud.queue.send(queue, b"body", group="group", dedup_id="id", attributes={"a": "b"})
        (message,) = await cloud.queue.receive(queue, wait=5)
        await cloud.queue.dead_letter(message, "why")
        assert await cloud.queue.redrive(queue) == 1
        (again,) = await cloud.queue.receive(queue, wait=5)
        assert (again.body, again.group, dict(again.attributes)) == (b"body", "group", {"a": "b"})
        assert again.receive_count == 1


async def test_a_receive_that_ends_leaves_nothing_behind_that_takes_messages(
    service_bus: Server,
) -> None:
    queue = fresh("queue")
    async with (
        make_service_bus_cloud(service_bus.url) as idle,
        make_service_bus_cloud(service_bus.url) as busy,
    ):
        await idle.queue.create_queue(queue)
        assert await idle.queue.receive(queue, max_messages=10, wait=0.3) == []
        with anyio.move_on_after(0.3):
            await idle.queue.receive(queue, max_messages=10, wait=30)
        await until_nobody_receives(idle)
        for number in range(5):
            await busy.queue.send(queue, str(number))
        assert len(await busy.queue.receive(queue, max_messages=5, wait=1)) == 5


@pytest.mark.parametrize("fifo", [False, True], ids=["plain", "fifo"])
async def test_closing_ends_what_waits(service_bus: Server, fifo: bool) -> None:
    queue = fresh("queue")

    async def receive(cloud: AzureCloud) -> None:
        with suppress(ClientClosedError):
            assert await cloud.queue.receive(queue, wait=30) == []

    async with make_service_bus_cloud(service_bus.url) as other:
        await other.queue.create_queue(queue, fifo=fifo, visibility=30)
        with anyio.fail_after(10):
            async with (
                anyio.create_task_group() as tasks,
                make_service_bus_cloud(service_bus.url) as closing,
            ):
                tasks.start_soon(receive, closing)
                await anyio.sleep(0.5)  # it waits, in its thread
        await other.queue.send(queue, b"body", group="group" if fifo else None)
        (message,) = await other.queue.receive(queue, wait=2)
        assert message.receive_count == 1


async def test_links_are_kept_and_connections_shared(service_bus: Server) -> None:
    async with make_service_bus_cloud(service_bus.url) as cloud:
        queues = [fresh("queue") for _ in range(3)]
        for queue in queues:
            await cloud.queue.create_queue(queue)
            for _ in range(5):
                await cloud.queue.send(queue, b"body")
                (message,) = await cloud.queue.receive(queue, wait=5)
                await cloud.queue.ack(message)
        pool = cloud._clients.client("service_bus").pool
        assert len(pool._idle) == 1
        assert len(pool._idle[0]._links) == 9  # to send, to receive and to settle, for each


async def test_the_clients_of_the_sdk_are_at_hand(service_bus: Server) -> None:
    queue = fresh("queue")
    async with make_service_bus_cloud(service_bus.url) as cloud:
        await cloud.queue.create_queue(queue)
        await cloud.native.prepare()

        def send() -> str:
            with cloud.native.service_bus.get_queue_sender(queue) as sender:
                sender.send_messages(ServiceBusMessage(b"body"))
            return cloud.native.service_bus_administration.get_queue(queue).name

        assert await run_sync(send) == queue
        (message,) = await cloud.queue.receive(queue, wait=5)
        assert message.body == b"body"
