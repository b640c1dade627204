"""Queues: creating, finding, describing, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.api.queue import MessageQueue
from cloudkit.common import AlreadyExistsError, NotFoundError, ValidationError
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.faults import Faults
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import OpenChannel
from cloudkit.testing.outcome import behaviour, require
from cloudkit.testing.queue.suite import QueueSuite
from cloudkit.testing.suite import MakeCloud

INVALID_NAMES = ["", "a/b", "../up", "two words", "nul\x00", "x" * 300, "-", "ümlaut", "a\nb"]

CALLS: dict[str, Callable[[MessageQueue, str], Awaitable[Any]]] = {
    "describe_queue": lambda queues, name: queues.describe_queue(name),
    "delete_queue": lambda queues, name: queues.delete_queue(name),
    "send": lambda queues, name: queues.send(name, b"body"),
    "receive": lambda queues, name: queues.receive(name),
    "receive_waiting": lambda queues, name: queues.receive(name, wait=1),
    "consume": lambda queues, name: queues.consume(name, print),
    "purge": lambda queues, name: queues.purge(name),
    "stats": lambda queues, name: queues.stats(name),
    "dead_letters": lambda queues, name: queues.dead_letters(name, max_messages=1),
    "redrive": lambda queues, name: queues.redrive(name),
}
NEEDS = {
    "purge": ["queue.purge"],
    "stats": ["queue.stats"],
    "dead_letters": ["queue.list_dead_letters"],
    "redrive": ["queue.redrive"],
}


class QueueBehaviours(QueueSuite):
    """Queues come and go, and keep their messages apart."""

    __test__ = False

    async def test_a_queue_exists_from_create_to_delete(
        self, queues: MessageQueue, cleanup: Cleanup
    ) -> None:
        name = self.fresh_name("queue")
        assert not await queues.queue_exists(name)
        cleanup.later(queues.delete_queue, name)
        created = await queues.create_queue(name)
        assert created.name == name
        assert await queues.queue_exists(name)
        assert (await queues.describe_queue(name)).name == name
        await queues.delete_queue(name)
        assert not await queues.queue_exists(name)

    async def test_a_queue_has_the_settings_that_were_asked_for(
        self, queues: MessageQueue, cleanup: Cleanup
    ) -> None:
        name, limits = self.fresh_name("queue"), queues.capabilities
        visibility = max(12.0, limits.min_visibility_seconds)
        policy = self.few_receives(limits) if limits.dead_letter else None
        retention: dict[str, Any] = {"retention": 86400} if limits.retention else {}
        cleanup.later(queues.delete_queue, name)
        created = await queues.create_queue(
            name, visibility=visibility, dead_letter=policy, **retention
        )
        described = await queues.describe_queue(name)
        for info in (created, described):
            assert (info.fifo, info.visibility) == (False, visibility)
            assert info.dead_letter == policy
            if limits.retention:
                assert info.retention in {None, 86400}

    @behaviour("fifo")
    async def test_a_fifo_queue_says_so(self, queues: MessageQueue, ordered: Channel) -> None:
        assert (await queues.describe_queue(ordered.name)).fifo

    async def test_creating_a_queue_twice_fails_and_loses_nothing(
        self, queues: MessageQueue, channel: Channel
    ) -> None:
        await channel.send(b"body")
        for visibility in (60, 45):
            with pytest.raises(AlreadyExistsError) as caught:
                await queues.create_queue(channel.name, visibility=visibility)
            assert channel.name in str(caught.value)
        assert (await self.receive_one(channel)).body == b"body"

    async def test_a_queue_is_deleted_with_its_messages(
        self, queues: MessageQueue, channel: Channel, cleanup: Cleanup
    ) -> None:
        for number in range(3):
            await channel.send(f"body {number}")
        await self.receive_one(channel)
        await queues.delete_queue(channel.name)
        assert not await queues.queue_exists(channel.name)
        with pytest.raises(NotFoundError):
            await channel.send(b"body")
        await anyio.sleep(self.recreate_after)
        cleanup.later(queues.delete_queue, channel.name)
        await queues.create_queue(channel.name)
        await self.assert_nothing_comes(channel)

    async def test_queues_keep_their_messages_apart(self, open_channel: OpenChannel) -> None:
        first, second = await open_channel(), await open_channel()
        await first.send(b"for the first")
        await self.assert_nothing_comes(second)
        assert await self.take_bodies(first, 1) == [b"for the first"]

    async def test_queues_are_listed_by_name(
        self, queues: MessageQueue, open_channel: OpenChannel
    ) -> None:
        mine = {(await open_channel()).name for _ in range(3)}
        whole = [info.name async for info in queues.list_queues()]
        assert mine <= set(whole)
        assert whole == sorted(set(whole))
        paged = [info.name async for info in queues.list_queues(page_size=1, prefix="ck-queue-")]
        assert mine <= set(paged)
        assert len(paged) == len(set(paged))
        assert [info async for info in queues.list_queues(prefix="no-such-queue-")] == []

    async def test_listing_continues_after_the_page_of_a_token(
        self, queues: MessageQueue, open_channel: OpenChannel
    ) -> None:
        for _ in range(2):
            await open_channel()
        first = await anext(queues.list_queues(page_size=1).pages())
        assert len(first.items) == 1
        assert first.next_token is not None
        rest = [info.name async for info in queues.list_queues(page_token=first.next_token)]
        assert rest
        assert first.items[0].name not in rest

    @behaviour("dead_letter")
    async def test_places_of_dead_letters_are_not_listed(
        self, queues: MessageQueue, open_channel: OpenChannel, contract: Any
    ) -> None:
        channel = await open_channel(dead_letter=self.few_receives(contract.capabilities))
        await channel.send(b"body")
        await queues.dead_letter(await self.receive_one(channel))
        listed = await queues.list_queues(prefix=channel.name).to_list()
        assert [info.name for info in listed] == [channel.name]

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_missing_queue_is_not_found_and_named(
        self, cloud: Any, queues: MessageQueue, call: str
    ) -> None:
        require(cloud.capabilities, *NEEDS.get(call, []))
        name = self.fresh_name("missing")
        with pytest.raises(NotFoundError) as caught:
            await CALLS[call](queues, name)
        assert name in str(caught.value)
        assert not await queues.queue_exists(name)

    async def test_a_batch_to_a_missing_queue_fails_message_by_message(
        self, queues: MessageQueue
    ) -> None:
        name = self.fresh_name("missing")
        results = await queues.send_batch(name, [b"first", b"second"])
        assert len(results) == 2
        for result in results:
            assert isinstance(result.error, NotFoundError)
            assert name in str(result.error)

    @pytest.mark.parametrize("name", INVALID_NAMES, ids=ascii)
    async def test_an_invalid_queue_name_is_refused_before_sending(
        self, make_cloud: MakeCloud, name: str
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            for call in (
                cloud.queue.create_queue(name),
                cloud.queue.queue_exists(name),
                cloud.queue.send(name, b"body"),
                cloud.queue.receive(name),
                cloud.queue.consume(name, print),
            ):
                with pytest.raises(ValidationError):
                    await call
        assert faults.count() == 0

    async def test_limits_of_a_queue_are_checked_before_sending(
        self, make_cloud: MakeCloud
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            queues, name = cloud.queue, self.fresh_name("queue")
            limits = queues.capabilities
            wrong: list[dict[str, Any]] = [
                {"visibility": limits.max_visibility_seconds + 1},
                {"visibility": -1},
                {"visibility": "30"},
            ]
            if limits.retention:
                wrong += [{"retention": 0}, {"retention": limits.max_retention_seconds + 1}]
            if limits.dead_letter:
                policy = DeadLetterPolicy(max_receives=limits.max_receives + 1)
                wrong.append({"dead_letter": policy})
            for options in wrong:
                with pytest.raises(ValidationError):
                    await queues.create_queue(name, **options)
        assert faults.count() == 0
