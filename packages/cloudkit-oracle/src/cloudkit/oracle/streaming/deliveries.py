"""What a consumer has read from a stream and not committed: who has it, and what is done.

Streaming knows how far a group has come in each partition, and nothing of single messages. So the
leases of those that were read are kept here. This does no I/O; the clock is the caller's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field
from cloudkit.oracle.streaming.messages import Record


@define(eq=False)
class Delivery:
    """A message that was read.

    Attributes:
        record: The message.
        number: Its place among all that were read.
        receives: How often it was given to somebody.
        available_at: When it can be given to somebody.
        leased_until: When its lease ends; None when nobody has it.
        done: Whether it needs nobody any more.
    """

    record: Record
    number: int
    receives: int = 0
    available_at: float = 0.0
    leased_until: float | None = None
    done: bool = False

    @property
    def token(self) -> str:
        """Names the message and this lease of it."""
        return f"{self.record.id}/{self.receives}"


@define(eq=False)
class _Batch:
    """What one request has read, and the cursor behind it."""

    cursor: str
    ids: list[str]
    open: set[str] = field(factory=set)


class Deliveries:
    """The messages that one consumer has read and not committed.

    Args:
        clock: Seconds, from wherever; never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, Delivery] = {}
        self._batches: deque[_Batch] = deque()
        self._past: dict[str, int] = {}  # partition → the highest offset that was committed
        self._count = 0

    def add(self, records: Sequence[Record], cursor: str) -> bool:
        """Take what a request has read.

        What is here already, because it is read again, is not doubled.

        Args:
            records: In their order.
            cursor: To commit when all of them are done.

        Returns:
            Whether any of them is new.
        """
        before = self._count
        batch = _Batch(cursor, [record.id for record in records])
        for record in records:
            delivery = self._known.get(record.id)
            if delivery is None:
                self._count += 1
                delivery = self._known[record.id] = Delivery(record, self._count)
            if not delivery.done:
                batch.open.add(record.id)
        self._batches.append(batch)
        return self._count > before

    def take(self, count: int, lease: float, most: int | None = None) -> list[Delivery]:
        """Lease messages that nobody has.

        While somebody has a message of a group, or one waits, those behind it wait as well.

        Args:
            count: At most so many.
            lease: Seconds.
            most: None is given to somebody more often; what was waits to be set aside.
        """
        now = self._clock()
        busy = {each.record.content.group for each in self._open() if self._is_leased(each)}
        busy.discard(None)
        taken: list[Delivery] = []
        for delivery in self._open():
            group = delivery.record.content.group
            if len(taken) >= count:
                break
            if self._is_leased(delivery) or group in busy:
                continue
            tired = most is not None and delivery.receives >= most
            if tired or delivery.available_at > now:
                if group is not None:
                    busy.add(group)
                continue
            delivery.receives += 1
            delivery.leased_until = now + lease
            taken.append(delivery)
        return taken

    def leased(self, token: str) -> Delivery | None:
        """The message of a lease that has not ended."""
        delivery = self._known.get(token.rpartition("/")[0])
        if delivery is None or delivery.token != token or not self._is_leased(delivery):
            return None
        return delivery

    def is_done(self, token: str) -> bool:
        """Whether the message of a lease is done, by whomever."""
        name = token.rpartition("/")[0]
        delivery = self._known.get(name)
        if delivery is not None:
            return delivery.done
        partition, _, offset = name.rpartition(":")
        return offset.isdecimal() and int(offset) <= self._past.get(partition, -1)

    def give_back(self, delivery: Delivery, delay: float = 0.0) -> None:
        """End a lease: the message can be had after a delay in seconds."""
        delivery.leased_until = None
        delivery.available_at = self._clock() + delay

    def prolong(self, delivery: Delivery, lease: float) -> None:
        """Let a lease end so many seconds from now."""
        delivery.leased_until = self._clock() + lease

    def finish(self, delivery: Delivery) -> None:
        """Say that a message is done."""
        delivery.done = True
        delivery.leased_until = None
        for batch in self._batches:
            batch.open.discard(delivery.record.id)

    def tired(self, most: int) -> list[Delivery]:
        """Messages that nobody has, and that were given to somebody too often."""
        return [
            each for each in self._open() if each.receives >= most and not self._is_leased(each)
        ]

    def next_change(self) -> float:
        """Seconds until a lease or a delay ends; infinite when there is none."""
        now = self._clock()
        times = (
            each.leased_until if self._is_leased(each) else each.available_at
            for each in self._open()
        )
        return min((time - now for time in times if time is not None and time > now), default=1e9)

    def committable(self) -> str | None:
        """The cursor behind the longest beginning of what was read that is all done."""
        cursor = None
        for batch in self._batches:
            if batch.open:
                break
            cursor = batch.cursor
        return cursor

    def committed(self, cursor: str) -> bool:
        """Forget what was committed; tells whether that was all."""
        if not any(batch.cursor == cursor for batch in self._batches):
            return False
        while True:
            batch = self._batches.popleft()
            for name in batch.ids:
                delivery = self._known.get(name)
                if delivery is not None and delivery.done:
                    del self._known[name]
                    record = delivery.record
                    self._past[record.partition] = max(
                        record.offset, self._past.get(record.partition, -1)
                    )
            if batch.cursor == cursor:
                return not self._batches

    def lose_place(self) -> None:
        """The cursors are no good any more: what is not committed will be read again.

        What nobody here has had may be others' now, so it is had only if it is read again.
        """
        self._batches.clear()
        for name, delivery in list(self._known.items()):
            if delivery.receives == 0:
                del self._known[name]

    def clear(self) -> None:
        """Forget everything."""
        self._batches.clear()
        self._known.clear()

    def _open(self) -> Iterator[Delivery]:
        return (each for each in self._known.values() if not each.done)

    def _is_leased(self, delivery: Delivery) -> bool:
        return delivery.leased_until is not None and delivery.leased_until > self._clock()
