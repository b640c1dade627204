"""Queues of Cloud Tasks: made, paused, purged, removed; and what they cannot do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from cloudkit.api.messaging import Message, Source
from cloudkit.common import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.gcp.cloud_tasks import CloudTasksQueue
from cloudkit.testing.suite import MakeCloud
from gcp.task_site import CloudTasksSuite, Inbox


class TestQueues(CloudTasksSuite):
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


def _message() -> Message:
    return Message(id="ck-never-sent", body=b"", source=Source("queue", "ck-queue"), lease="a")
