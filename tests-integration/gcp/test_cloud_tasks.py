"""The push form of MessageQueue: Cloud Tasks posts to an application that serves over real HTTP."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from http.client import HTTPConnection
from importlib import import_module
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from attrs import define, field
from cloudkit.api.messaging import Message, Source
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)
from cloudkit.gcp import GcpCloud
from cloudkit.gcp.cloud_tasks import CloudTasksQueue, TaskApplication
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.samples import BODIES, NAMES, STRANGE_TEXTS
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


class TestCloudTasks(CloudSuite):
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

    # Messages

    async def test_a_message_is_posted_to_the_handler_of_its_queue(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        began = utc_now()
        async with self.consuming(tasks, queue, inbox):
            sent = await tasks.send(queue, b"\x00body\xff", attributes={"Name": " a=b&ä\r\n"})
            await self.eventually(lambda: inbox.messages)
        (message,) = inbox.messages
        assert message.id == sent.id
        assert (message.body, message.attributes) == (b"\x00body\xff", {"Name": " a=b&ä\r\n"})
        assert (message.receive_count, message.source) == (1, Source("queue", queue))
        assert message.leased_until is not None
        assert message.leased_until > began

    async def test_bodies_and_attributes_arrive_as_they_are(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        attributes = {f"a{number}": text for number, text in enumerate(STRANGE_TEXTS)}
        attributes |= {name: name for name in NAMES}
        async with self.consuming(tasks, queue, inbox):
            for body in BODIES.values():
                await tasks.send(queue, body, attributes=attributes)
            await self.eventually(lambda: len(inbox.messages) == len(BODIES))
        assert sorted(inbox.bodies) == sorted(BODIES.values())
        assert all(message.attributes == attributes for message in inbox.messages)

    async def test_a_message_whose_handler_raises_is_posted_again(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox(failures=2)
        async with self.consuming(tasks, queue, inbox):
            await tasks.send(queue, b"body")
            await self.eventually(lambda: len(inbox.messages) == 3)
            await self.eventually(partial(self._is_empty, tasks, queue))
        assert [message.receive_count for message in inbox.messages] == [1, 2, 3]

    async def test_what_nobody_consumes_comes_when_somebody_does(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        await tasks.send(queue, b"body")
        await self.eventually(partial(self._was_attempted, tasks, queue))
        async with self.consuming(tasks, queue, inbox):
            await self.eventually(lambda: inbox.messages)
        assert inbox.messages[0].receive_count > 1

    async def test_a_delayed_message_comes_later(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        async with self.consuming(tasks, queue, inbox):
            began = anyio.current_time()
            await tasks.send(queue, b"later", delay=0.6)
            await tasks.send(queue, b"now")
            await self.eventually(lambda: len(inbox.messages) == 2)
        assert inbox.bodies == [b"now", b"later"]
        assert anyio.current_time() - began >= 0.5

    async def test_a_duplicate_is_dropped_also_when_the_first_was_handled(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        async with self.consuming(tasks, queue, inbox):
            first = await tasks.send(queue, b"first", dedup_id="id:1/2")
            await self.eventually(partial(self._is_empty, tasks, queue))
            again = await tasks.send(queue, b"again", dedup_id="id:1/2")
            assert again.id == first.id
            await tasks.send(queue, b"other", dedup_id="another")
            await self.eventually(lambda: b"other" in inbox.bodies)
        assert inbox.bodies == [b"first", b"other"]
        assert inbox.messages[0].dedup_id == "id:1/2"

    async def test_a_batch_is_as_good_as_its_messages(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        bodies = [f"body {number}".encode() for number in range(25)]
        large = bytes(tasks.capabilities.max_message_bytes + 1)
        async with self.consuming(tasks, queue, inbox):
            results = await tasks.send_batch(queue, [*bodies, large])
            await self.eventually(lambda: len(inbox.messages) == 25)
        assert [result.ok for result in results] == [True] * 25 + [False]
        assert isinstance(results[-1].error, PayloadTooLargeError)
        assert sorted(inbox.bodies) == sorted(bodies)

    async def test_a_message_as_large_as_the_limit_arrives(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox, body = Inbox(), b"\xff" * tasks.capabilities.max_message_bytes
        async with self.consuming(tasks, queue, inbox):
            await tasks.send(queue, body)
            await self.eventually(lambda: inbox.messages)
        assert inbox.bodies == [body]

    async def test_a_batch_to_a_missing_queue_fails_message_by_message(
        self, tasks: CloudTasksQueue
    ) -> None:
        name = self.fresh_name("missing")
        for result in await tasks.send_batch(name, [b"first", b"second"]):
            assert isinstance(result.error, NotFoundError)
            assert name in str(result.error)

    # Consuming

    async def test_no_more_handlers_run_at_once_than_allowed(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        now = most = done = 0

        async def handle(message: Message) -> None:
            nonlocal now, most, done
            now += 1
            most = max(most, now)
            await anyio.sleep(0.02)
            now -= 1
            done += 1

        async with self.consuming(tasks, queue, handle, concurrency=2):
            await tasks.send_batch(queue, [str(number) for number in range(8)])
            await self.eventually(lambda: done == 8)
        assert most == 2

    async def test_a_running_handler_ends_after_consuming_is_cancelled(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        begun, ended, release = anyio.Event(), anyio.Event(), anyio.Event()

        async def handle(message: Message) -> None:
            begun.set()
            await release.wait()
            ended.set()

        async with (
            anyio.create_task_group() as group,
            self.consuming(tasks, queue, handle) as scope,
        ):
            await tasks.send(queue, b"body")
            await begun.wait()
            scope.cancel()
            group.start_soon(self._later, release)
        assert ended.is_set()
        await self.eventually(partial(self._is_empty, tasks, queue))

    async def test_a_handler_that_does_not_end_in_time_is_cancelled_and_its_message_comes_again(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        begun = anyio.Event()
        inbox = Inbox()

        async def handle(message: Message) -> None:
            begun.set()
            await anyio.sleep_forever()

        async with self.consuming(tasks, queue, handle, drain_timeout=0):
            await tasks.send(queue, b"body")
            await begun.wait()
        async with self.consuming(tasks, queue, inbox):
            await self.eventually(lambda: inbox.messages)
        assert inbox.messages[0].receive_count > 1

    async def test_a_handler_is_cancelled_when_nobody_waits_for_it(
        self, tasks: CloudTasksQueue, queue: str, site: Site, anyio_backend: str
    ) -> None:
        begun, cancelled = anyio.Event(), anyio.Event()

        async def handle(message: Message) -> None:
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.set()

        app = tasks.application(authenticated=False)
        async with site.serving(app, anyio_backend), self.consuming(tasks, queue, handle):
            await run_sync(self._post_and_go, site, queue)
            with anyio.fail_after(PATIENCE):
                await begun.wait()
                await cancelled.wait()

    async def test_a_queue_is_consumed_once_at_a_time(
        self, tasks: CloudTasksQueue, queue: str
    ) -> None:
        refused: list[ConflictError] = []

        async def consume() -> None:
            try:
                await tasks.consume(queue, print)
            except ConflictError as error:
                refused.append(error)

        async with flat_task_group() as group:
            for _ in range(2):
                group.start_soon(consume)
            await self.eventually(lambda: refused)
            group.cancel_scope.cancel()
        assert len(refused) == 1

    async def test_consuming_from_a_missing_queue_is_not_found(
        self, tasks: CloudTasksQueue
    ) -> None:
        with pytest.raises(NotFoundError):
            await tasks.consume(self.fresh_name("missing"), print)

    # Who may post

    @pytest.mark.parametrize("wrong", ["none", "scheme", "no token", "audience", "account"])
    async def test_who_has_no_token_for_this_application_is_refused(
        self,
        tasks: CloudTasksQueue,
        queue: str,
        served: None,
        site: Site,
        make_cloud: MakeCloud,
        wrong: str,
    ) -> None:
        inbox = Inbox()
        async with self.consuming(tasks, queue, inbox):
            if wrong in {"audience", "account"}:
                options = {
                    "audience": {"tasks_audience": "https://elsewhere.example"},
                    "account": {"tasks_service_account": "other@tests.iam.gserviceaccount.com"},
                }[wrong]
                async with make_cloud(**options) as other:
                    await other.cloud_tasks.send(queue, b"body")
                await self.eventually(partial(self._was_attempted, tasks, queue))
            else:
                given = {"scheme": "Basic abc", "no token": "Bearer abc.def.ghi"}.get(wrong)
                headers = {"X-CloudTasks-QueueName": queue, "X-CloudTasks-TaskName": "a"}
                if given is not None:
                    headers["Authorization"] = given
                assert await run_sync(self._post, site, "POST", headers) == 401
        assert inbox.messages == []

    async def test_other_methods_are_refused(self, served: None, site: Site) -> None:
        assert await run_sync(self._post, site, "GET", {}) == 405

    # Queues

    async def test_a_queue_comes_and_goes(self, tasks: CloudTasksQueue) -> None:
        name = self.fresh_name("queue")
        assert not await tasks.queue_exists(name)
        created = await tasks.create_queue(name)
        assert created == await tasks.describe_queue(name)
        assert (created.name, created.visibility, created.fifo) == (name, 600.0, False)
        with pytest.raises(AlreadyExistsError):
            await tasks.create_queue(name)
        listed = [info.name async for info in tasks.list_queues(prefix=name[:12])]
        assert name in listed
        assert listed == sorted(listed)
        await tasks.delete_queue(name)
        assert not await tasks.queue_exists(name)
        with pytest.raises(ConflictError, match="3 days"):
            await tasks.create_queue(name)
        for call in (tasks.delete_queue, tasks.purge, tasks.pause, tasks.is_paused):
            with pytest.raises(NotFoundError) as caught:
                await call(name)
            assert name in str(caught.value)

    async def test_a_paused_queue_keeps_its_messages(
        self, tasks: CloudTasksQueue, queue: str, served: None
    ) -> None:
        inbox = Inbox()
        await tasks.pause(queue)
        assert await tasks.is_paused(queue)
        async with self.consuming(tasks, queue, inbox):
            sent = [await tasks.send(queue, str(number)) for number in range(3)]
            listed = [info async for info in tasks.list_tasks(queue, page_size=1)]
            assert sorted(info.id for info in listed) == sorted(item.id for item in sent)
            assert {info.attempts for info in listed} == {0}
            await tasks.delete_task(queue, sent[1].id)
            with pytest.raises(NotFoundError):
                await tasks.delete_task(queue, sent[1].id)
            assert inbox.messages == []
            await tasks.resume(queue)
            await self.eventually(lambda: len(inbox.messages) == 2)
        assert not await tasks.is_paused(queue)
        assert sorted(inbox.bodies) == [b"0", b"2"]

    async def test_purging_drops_all_messages(self, tasks: CloudTasksQueue, queue: str) -> None:
        await tasks.pause(queue)
        for number in range(3):
            await tasks.send(queue, str(number))
        await tasks.purge(queue)
        assert await tasks.list_tasks(queue).to_list() == []

    # What it cannot do

    async def test_receiving_is_refused_with_the_reason(self, tasks: CloudTasksQueue) -> None:
        with pytest.raises(UnsupportedOperationError) as caught:
            await tasks.receive("ck-never-sent")
        assert caught.value.capability == "queue.pull"
        assert "posts messages to an application" in str(caught.value)

    @pytest.mark.parametrize(
        "call",
        [
            lambda tasks: tasks.stats("ck-never-sent"),
            lambda tasks: tasks.dead_letters("ck-never-sent"),
            lambda tasks: tasks.redrive("ck-never-sent"),
            lambda tasks: tasks.create_queue("ck-never-sent", fifo=True),
            lambda tasks: tasks.create_queue("ck-never-sent", visibility=45),
            lambda tasks: tasks.create_queue("ck-never-sent", retention=3600),
            lambda tasks: tasks.send("ck-never-sent", b"body", group="a"),
            lambda tasks: tasks.ack(_message()),
            lambda tasks: tasks.nack(_message()),
            lambda tasks: tasks.extend(_message(), 60),
            lambda tasks: tasks.consume("ck-never-sent", print, visibility=60),
            lambda tasks: tasks.consume("ck-never-sent", print, retry_delay=1),
            lambda tasks: tasks.consume("ck-never-sent", print, stop_when_empty=True),
        ],
        ids=[
            *("stats", "dead_letters", "redrive", "fifo", "visibility", "retention", "group"),
            *("ack", "nack", "extend", "lease", "retry_delay", "stop_when_empty"),
        ],
    )
    async def test_what_cloud_tasks_cannot_do_is_refused(
        self, tasks: CloudTasksQueue, call: Callable[[CloudTasksQueue], Awaitable[object]]
    ) -> None:
        with pytest.raises(UnsupportedOperationError) as caught:
            await call(tasks)
        assert caught.value.hint

    async def test_what_is_wrong_is_refused_before_sending(self, tasks: CloudTasksQueue) -> None:
        with pytest.raises(ValidationError):
            await tasks.send("under_score", b"body")
        with pytest.raises(ValidationError):
            await tasks.send("ck-queue", b"body", delay=31 * 86400)
        with pytest.raises(PayloadTooLargeError):
            await tasks.send("ck-queue", b"body", attributes={"a": "ä" * 4000})

    async def test_what_is_needed_is_asked_for(self, make_cloud: MakeCloud) -> None:
        async with make_cloud(tasks_target=None) as cloud:
            with pytest.raises(ConfigurationError, match="tasks_target"):
                await cloud.cloud_tasks.send("ck-queue", b"body")
        async with make_cloud(tasks_service_account=None) as cloud:
            with pytest.raises(ConfigurationError, match="tasks_service_account"):
                cloud.cloud_tasks.application()
        async with make_cloud(region=None) as cloud:
            with pytest.raises(ConfigurationError, match="region"):
                await cloud.cloud_tasks.describe_queue("ck-queue")

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


def _message() -> Message:
    return Message(id="ck-never-sent", body=b"", source=Source("queue", "ck-queue"), lease="a")
