"""MessageQueue on the double of Queue."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import pytest
from anyio import create_task_group
from anyio.to_thread import run_sync
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.common import AlreadyExistsError, UnsupportedOperationError
from cloudkit.testing.queue import MessageQueueSuite
from oci.queue import models  # type: ignore[import-untyped]
from oracle.clouds import OracleClouds
from oracle.conftest import COMPARTMENT


async def queues_named(cloud: Any, name: str) -> list[Any]:
    """The queues of a name that the service has, but for deleted ones."""
    await cloud.native.prepare()
    admin = cloud.native.queue_admin
    answer = await run_sync(
        lambda: admin.list_queues(compartment_id=COMPARTMENT, display_name=name)
    )
    return [each for each in answer.data.items if each.lifecycle_state == "ACTIVE"]


class TestQueue(OracleClouds, MessageQueueSuite):
    backlog: ClassVar[int] = 100
    # Names are looked up in a list, so that a queue is missing is no error of the service.
    native_facts: ClassVar[Collection[str]] = ("request_id",)

    async def test_the_reason_of_a_dead_letter_is_kept_until_it_is_sent_back(
        self, cloud: Any, open_channel: Any
    ) -> None:
        channel = await open_channel(dead_letter=DeadLetterPolicy(max_receives=2))
        await channel.send(b"\xff", attributes={"empty": ""})
        await cloud.queue.dead_letter(await self.receive_one(channel), "why: Grüße \x00")
        (dead,) = await self.receive_dead_letters(channel)
        assert dead.dead_letter_reason == "why: Grüße \x00"
        assert dict(dead.attributes) == {"empty": ""}
        await cloud.queue.nack(dead)
        assert await cloud.queue.redrive(channel.name) == 1
        message = await self.receive_one(channel)
        assert (message.body, dict(message.attributes)) == (b"\xff", {"empty": ""})
        assert message.dead_letter_reason is None

    async def test_a_queue_goes_with_its_place_for_dead_letters(self, cloud: Any) -> None:
        name = self.fresh_name("queue")
        await cloud.queue.create_queue(name, dead_letter=DeadLetterPolicy())
        assert len(await queues_named(cloud, f"{name}_cloudkit-dead")) == 1
        await cloud.queue.delete_queue(name)
        for gone in (name, f"{name}_cloudkit-dead"):
            assert await queues_named(cloud, gone) == []

    async def test_of_two_who_create_a_queue_at_once_one_has_it(
        self, cloud: Any, cleanup: Any
    ) -> None:
        name = self.fresh_name("queue")
        cleanup.later(cloud.queue.delete_queue, name)
        refused: list[AlreadyExistsError] = []

        async def create() -> None:
            try:
                await cloud.queue.create_queue(name)
            except AlreadyExistsError as error:
                refused.append(error)

        async with create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(create)
        assert len(refused) == 2
        assert len(await queues_named(cloud, name)) == 1

    async def test_messages_of_others_are_received_from_all_channels(
        self, cloud: Any, channel: Any
    ) -> None:
        (found,) = await queues_named(cloud, channel.name)
        messages = cloud.native.queue(found.messages_endpoint)
        entry = models.PutMessagesDetailsEntry(
            content="plain",
            metadata=models.MessageMetadata(channel_id="one", custom_properties={"a": "b"}),
        )
        details = models.PutMessagesDetails(messages=[entry])
        await run_sync(messages.put_messages, found.id, details)
        message = await self.receive_one(channel)
        assert (message.body, message.group) == (b"plain", "one")
        assert dict(message.attributes) == {"a": "b"}

    async def test_dead_letters_that_the_service_keeps_itself_cannot_be_read(
        self, cloud: Any, cleanup: Any
    ) -> None:
        name = self.fresh_name("queue")
        cleanup.later(cloud.queue.delete_queue, name)
        details = models.CreateQueueDetails(
            display_name=name, compartment_id=COMPARTMENT, dead_letter_queue_delivery_count=1
        )
        await cloud.native.prepare()
        await run_sync(cloud.native.queue_admin.create_queue, details)

        async def there() -> bool:
            return bool(await cloud.queue.queue_exists(name))

        await self.eventually(there)
        info = await cloud.queue.describe_queue(name)
        assert info.dead_letter == DeadLetterPolicy(max_receives=1)
        await cloud.queue.send(name, b"body")
        (message,) = await cloud.queue.receive(name, wait=1)
        await cloud.queue.nack(message)
        assert (await cloud.queue.stats(name)).dead == 1
        with pytest.raises(UnsupportedOperationError, match="no documented request"):
            await cloud.queue.dead_letters(name)
