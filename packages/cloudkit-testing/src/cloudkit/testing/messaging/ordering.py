"""Order inside a group, or of an ordering key."""

from __future__ import annotations

import anyio
from cloudkit.api.messaging import Message, OutgoingMessage
from cloudkit.testing.messaging.channel import Channel
from cloudkit.testing.messaging.handling import HandlerError
from cloudkit.testing.messaging.suite import MessagingSuite, values


class OrderingBehaviours(MessagingSuite):
    """Messages of one group come in the order they were sent, whatever happens to some of them.

    A contract's suite gives the ``ordered`` channel, and gates the tests with it.
    """

    __test__ = False

    async def test_messages_of_a_group_come_in_order(self, ordered: Channel) -> None:
        bodies = [f"body {number:02}".encode() for number in range(12)]
        for body in bodies:
            await ordered.send(body, group="group")
        assert await self._in_turn(ordered, len(bodies)) == bodies
        await self.assert_nothing_comes(ordered)

    async def test_a_batch_of_a_group_comes_in_order(self, ordered: Channel) -> None:
        bodies = [f"body {number:02}".encode() for number in range(25)]
        messages = [OutgoingMessage(body=body, group="group") for body in bodies]
        values(await ordered.send_batch(messages))
        assert await self._in_turn(ordered, len(bodies)) == bodies

    async def test_a_message_names_its_group(self, ordered: Channel) -> None:
        await ordered.send(b"body", group="group:1/2")
        assert (await self.receive_one(ordered)).group == "group:1/2"

    async def test_groups_do_not_wait_for_each_other(self, ordered: Channel) -> None:
        for group in ("a", "b", "c"):
            for number in range(2):
                await ordered.send(f"{group}{number}", group=group)
        firsts = await self._first_of_each_group(ordered, {"a", "b", "c"})
        for group in ("c", "a", "b"):  # in whatever order they are done
            await ordered.ack(firsts[group])
        seconds = await self._first_of_each_group(ordered, {"a", "b", "c"})
        assert {message.body for message in seconds.values()} == {b"a1", b"b1", b"c1"}

    async def test_a_message_given_back_comes_before_those_behind_it(
        self, ordered: Channel
    ) -> None:
        for number in range(3):
            await ordered.send(str(number), group="group")
        first = await self.receive_one(ordered)
        await ordered.nack(first)
        assert await self._in_turn(ordered, 3) == [b"0", b"1", b"2"]

    async def test_consuming_keeps_the_order_of_a_group(self, ordered: Channel) -> None:
        handled: list[tuple[str | None, int]] = []
        running = set[str | None]()
        failed = set[bytes]()

        async def handle(message: Message) -> None:
            assert message.group not in running, "one of a group at a time"
            running.add(message.group)
            try:
                await anyio.sleep(0.002)
                number = int(message.body[1:])
                if number % 4 == 1 and message.body not in failed:
                    failed.add(message.body)
                    raise HandlerError("the first time")
                handled.append((message.group, number))
            finally:
                running.discard(message.group)

        messages = [
            OutgoingMessage(body=f"{group}{number}", group=group)
            for number in range(10)
            for group in ("a", "b", "c")
        ]
        values(await ordered.send_batch(messages))
        async with self.consuming(ordered, handle):
            await self.eventually(lambda: len(handled) >= len(messages))
        for group in ("a", "b", "c"):
            assert [number for name, number in handled if name == group] == list(range(10))

    async def test_messages_of_a_group_that_wait_go_back_when_consuming_is_cancelled(
        self, ordered: Channel
    ) -> None:
        bodies = [str(number).encode() for number in range(4)]
        values(await ordered.send_batch([OutgoingMessage(body=b, group="group") for b in bodies]))
        begun: list[bytes] = []

        async def handle(message: Message) -> None:
            begun.append(message.body)
            await anyio.sleep_forever()

        async with self.consuming(ordered, handle, concurrency=4, drain_timeout=0):
            await self.eventually(lambda: begun)
        assert begun == [b"0"]
        assert await self._in_turn(ordered, 4) == bodies

    async def _in_turn(self, channel: Channel, count: int) -> list[bytes]:
        """Bodies in the order they come, however many a receive gives."""
        bodies: list[bytes] = []

        async def all_taken() -> bool:
            messages = await channel.receive(
                max_messages=min(3, channel.limits.max_receive), wait=self.waiting(channel)
            )
            for message in messages:
                await channel.ack(message)
            bodies.extend(message.body for message in messages)
            return len(bodies) >= count

        await self.eventually(all_taken)
        return bodies

    async def _first_of_each_group(
        self, channel: Channel, groups: set[str]
    ) -> dict[str | None, Message]:
        """One leased message of each group: the first; those behind it come later."""
        found: dict[str | None, Message] = {}

        async def all_found() -> bool:
            for message in await channel.receive(wait=self.waiting(channel)):
                assert message.group not in found, "one behind it came before the first was done"
                found[message.group] = message
            return found.keys() == groups

        await self.eventually(all_found)
        return found
