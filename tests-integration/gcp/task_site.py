"""An application that Cloud Tasks posts to, served over real HTTP, and what its tests have in common."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from http.client import HTTPConnection
from importlib import import_module
from typing import Any

import anyio
import pytest
from attrs import define, field
from cloudkit.api.messaging import Message
from cloudkit.api.tasks import flat_task_group
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.cloud_tasks import CloudTasksQueue, TaskApplication
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.suite import CloudSuite, MakeCloud
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from emulators.cloud_tasks import CloudTasksServer
from emulators.google import jwt
from hypercorn.config import Config

ACCOUNT = "pusher@tests.iam.gserviceaccount.com"
PATIENCE = 10.0


@define
class Site:
    """Where messages are posted to.

    Attributes:
        sock: The socket that a server will listen on.
        url: Its address.
    """

    sock: socket.socket = field(factory=socket.socket)
    url: str = ""

    def __attrs_post_init__(self) -> None:
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen()  # who comes before the server has started waits for it
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}/tasks"

    @asynccontextmanager
    async def serving(self, app: TaskApplication, backend: str) -> AsyncIterator[None]:
        """Serve an application while a block runs."""
        serve: Any = import_module(f"hypercorn.{backend}").serve
        config = Config()
        config.bind = [f"fd://{os.dup(self.sock.fileno())}"]  # it closes what it is given
        config.loglevel = "WARNING"
        config.graceful_timeout = 1
        stop = anyio.Event()
        run = partial(serve, app, config, shutdown_trigger=stop.wait)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            try:
                yield
            finally:
                stop.set()


@define
class Inbox:
    """A handler that keeps what it gets.

    Attributes:
        messages: What came.
        failures: How many of the next ones it fails with.
    """

    messages: list[Message] = field(factory=list)
    failures: int = 0

    async def __call__(self, message: Message) -> None:
        """Handle a message."""
        self.messages.append(message)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not yet")

    @property
    def bodies(self) -> list[bytes]:
        """Of what came."""
        return [message.body for message in self.messages]


def certificates(server: CloudTasksServer) -> Mapping[str, str]:
    """The keys of the double's issuer, as Google shows its own."""
    found: dict[str, str] = {}
    for key in server.web_keys()["keys"]:
        parts = [int.from_bytes(jwt._decoded(key[name])) for name in ("e", "n")]
        public = rsa.RSAPublicNumbers(*parts).public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        found[key["kid"]] = pem.decode()
    return found


class CloudTasksSuite(CloudSuite):
    """To be inherited by the tests."""

    __test__ = False

    provider = "gcp"
    contract_name = "queue"

    @pytest.fixture
    def site(self) -> Any:
        site = Site()
        yield site
        site.sock.close()

    @pytest.fixture
    def make_cloud(self, cloud_tasks_server: CloudTasksServer, site: Site) -> MakeCloud:
        given: dict[str, Any] = {
            "project": "tests",
            "region": "europe-west1",
            "tasks_endpoint": cloud_tasks_server.url,
            "tasks_target": site.url,
            "tasks_service_account": ACCOUNT,
        }
        return lambda **options: GcpCloud(**{**given, **options})

    @pytest.fixture
    def tasks(self, cloud: GcpCloud) -> CloudTasksQueue:
        return cloud.cloud_tasks

    @pytest.fixture
    async def queue(self, tasks: CloudTasksQueue, cleanup: Cleanup) -> str:
        name = self.fresh_name("queue")
        cleanup.later(tasks.delete_queue, name)
        await tasks.create_queue(name)
        return name

    @pytest.fixture
    async def served(
        self,
        site: Site,
        tasks: CloudTasksQueue,
        anyio_backend: str,
        cloud_tasks_server: CloudTasksServer,
    ) -> AsyncIterator[None]:
        app = tasks.application(certificates=partial(certificates, cloud_tasks_server))
        async with site.serving(app, anyio_backend):
            yield

    @asynccontextmanager
    async def consuming(
        self, tasks: CloudTasksQueue, queue: str, handler: Any, **options: Any
    ) -> AsyncIterator[anyio.CancelScope]:
        async with flat_task_group() as group:
            group.start_soon(partial(tasks.consume, queue, handler, **options))
            await self.eventually(lambda: tasks.is_consumed(queue))
            try:
                yield group.cancel_scope
            finally:
                group.cancel_scope.cancel()

    @staticmethod
    async def _is_empty(tasks: CloudTasksQueue, queue: str) -> bool:
        return await tasks.list_tasks(queue).to_list() == []

    @staticmethod
    async def _was_attempted(tasks: CloudTasksQueue, queue: str) -> bool:
        return any([info.attempts > 0 async for info in tasks.list_tasks(queue)])

    async def _later(self, release: anyio.Event) -> None:
        await anyio.sleep(0.1)  # long enough that a handler that is not waited for would be gone
        release.set()

    @staticmethod
    def _connection(site: Site, *, timeout: float = PATIENCE) -> HTTPConnection:
        host, port = site.sock.getsockname()
        return HTTPConnection(host, port, timeout=timeout)

    def _post_and_go(self, site: Site, queue: str) -> None:
        """Post a message, and do not wait long for the answer."""
        connection = self._connection(site, timeout=1.0)
        headers = {"X-CloudTasks-QueueName": queue, "X-CloudTasks-TaskName": "a"}
        with closing(connection), suppress(TimeoutError):
            connection.request("POST", "/tasks", b"body", headers)
            connection.getresponse()

    def _post(self, site: Site, method: str, headers: Mapping[str, str]) -> int:
        connection = self._connection(site)
        with closing(connection):
            connection.request(method, "/tasks", b"body", dict(headers))
            return connection.getresponse().status
