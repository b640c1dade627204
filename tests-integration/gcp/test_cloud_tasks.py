"""The push form of MessageQueue: what is sent is posted to the handlers of an application."""

from __future__ import annotations

from functools import partial

import anyio
import pytest
from anyio.to_thread import run_sync
from cloudkit.api.messaging import Message, Source
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import (
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    utc_now,
)
from cloudkit.gcp.cloud_tasks import CloudTasksQueue
from cloudkit.testing.messaging.samples import BODIES, NAMES, STRANGE_TEXTS
from cloudkit.testing.suite import MakeCloud
from gcp.task_site import PATIENCE, CloudTasksSuite, Inbox, Site


class TestMessages(CloudTasksSuite):
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
