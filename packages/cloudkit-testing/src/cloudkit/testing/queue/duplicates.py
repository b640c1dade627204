"""Fifo queues drop duplicates."""

from __future__ import annotations

from cloudkit.api.messaging import OutgoingMessage
from cloudkit.api.queue import MessageQueue
from cloudkit.testing.cleanup import Cleanup
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.suite import values
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.queue.suite import QueueSuite


class DuplicateBehaviours(QueueSuite):
    """A message with a ``dedup_id`` that came already is dropped for a while."""

    __test__ = False

    @behaviour("fifo", "dedup")
    async def test_a_duplicate_is_dropped(self, queues: MessageQueue, ordered: Channel) -> None:
        for body in (b"first", b"again", b"once more"):
            await queues.send(ordered.name, body, group="group", dedup_id="id")
        await queues.send(ordered.name, b"other", group="group", dedup_id="another-id")
        assert await self._taken(ordered) == [b"first", b"other"]

    @behaviour("fifo", "dedup")
    async def test_a_duplicate_is_dropped_after_the_first_was_acknowledged_as_well(
        self, queues: MessageQueue, ordered: Channel
    ) -> None:
        await queues.send(ordered.name, b"first", group="group", dedup_id="id")
        assert await self._taken(ordered) == [b"first"]
        await queues.send(ordered.name, b"again", group="group", dedup_id="id")
        await self.assert_nothing_comes(ordered)

    @behaviour("fifo", "dedup")
    async def test_duplicates_in_a_batch_are_dropped(
        self, queues: MessageQueue, ordered: Channel
    ) -> None:
        messages = [
            OutgoingMessage(body=f"body {n}", group="group", dedup_id=f"id-{n // 2}")
            for n in range(6)
        ]
        values(await queues.send_batch(ordered.name, messages))
        assert await self._taken(ordered) == [b"body 0", b"body 2", b"body 4"]

    @behaviour("fifo")
    async def test_equal_messages_without_an_id_are_no_duplicates(
        self, queues: MessageQueue, ordered: Channel
    ) -> None:
        for _ in range(3):
            await queues.send(ordered.name, b"the same", group="group")
        found = 0

        async def all_taken() -> bool:
            nonlocal found
            for message in await ordered.receive(wait=self.waiting(ordered)):
                await ordered.ack(message)
                found += 1
            return found >= 3

        await self.eventually(all_taken)
        await self.assert_nothing_comes(ordered)

    @behaviour("fifo", "dedup")
    async def test_the_same_id_in_two_queues_is_no_duplicate(
        self, queues: MessageQueue, ordered: Channel, contract: MessageQueue, cleanup: Cleanup
    ) -> None:
        other = await self.new_channel(contract, cleanup, ordered=True)
        for channel in (ordered, other):
            await queues.send(channel.name, b"body", group="group", dedup_id="id")
        for channel in (ordered, other):
            assert await self._taken(channel) == [b"body"]

    async def _taken(self, channel: Channel) -> list[bytes]:
        """Receive and acknowledge until nothing comes any more; the bodies in order."""
        bodies: list[bytes] = []
        message = await self.receive_one(channel)
        while True:
            bodies.append(message.body)
            await channel.ack(message)
            messages = await channel.receive(wait=self.waiting(channel))
            if not messages:
                return bodies
            (message,) = messages
