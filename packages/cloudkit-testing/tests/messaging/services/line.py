"""Messages that wait, are leased and are set aside: the inside of a queue or subscription."""

from __future__ import annotations

import itertools
import math
import time
from datetime import datetime, timedelta

import anyio
from attrs import define, evolve, field
from cloudkit.api.messaging import DeadLetterPolicy, Message, OutgoingMessage, Source
from cloudkit.common import PreconditionFailedError, utc_now

TOKENS = itertools.count(1)


@define(eq=False)
class Entry:
    """A message that is there. ``until``: hidden until then, by the monotonic clock."""

    message: OutgoingMessage
    id: str = field(factory=lambda: f"m{next(TOKENS)}")
    sent_at: datetime = field(factory=utc_now)
    until: float = 0.0
    receives: int = 0
    lease: str | None = None
    reason: str | None = None


class Line:
    """The messages of a queue or subscription.

    Args:
        source: What it is called.
        visibility: Length of a lease.
        policy: When messages are set aside.
        ordered: Whether a group waits while one of it is leased.
    """

    def __init__(
        self,
        source: Source,
        visibility: float,
        policy: DeadLetterPolicy | None,
        ordered: bool,
        retention: float | None = None,
    ) -> None:
        self.source = source
        self.visibility = visibility
        self.policy = policy
        self.ordered = ordered
        self.retention = math.inf if retention is None else retention
        self.entries: list[Entry] = []
        self.dead: list[Entry] = []
        self.known: set[str] = set()
        self.changed = anyio.Event()

    # In

    def put(self, message: OutgoingMessage) -> str:
        entry = Entry(message, until=time.monotonic() + message.delay if message.delay else 0.0)
        if not self.duplicate(message):
            self.entries.append(entry)
            self.wake()
        return entry.id

    def duplicate(self, message: OutgoingMessage) -> bool:
        if not self.ordered or message.dedup_id is None:
            return False
        known = message.dedup_id in self.known
        self.known.add(message.dedup_id)
        return known

    def wake(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    # Out

    async def receive(self, count: int, wait: float, visibility: float | None) -> list[Message]:
        deadline = time.monotonic() + wait
        while True:
            messages = self.take(count, self.visibility if visibility is None else visibility)
            left = deadline - time.monotonic()
            if messages or left <= 0:
                return messages
            due = min((e.until for e in self.entries), default=math.inf) - time.monotonic()
            with anyio.move_on_after(min(left, max(due, 0.001))):
                await self.changed.wait()

    def take(self, count: int, visibility: float) -> list[Message]:
        self.sweep()
        taken: list[Message] = []
        blocked = {e.message.group for e in self.entries if self.hidden(e)}
        for entry in self.entries:
            group = entry.message.group if self.ordered else None
            if len(taken) == count:
                break
            if not self.hidden(entry) and (group is None or group not in blocked):
                taken.append(self.lease(entry, visibility))
        return taken

    def take_dead(self, count: int) -> list[Message]:
        self.sweep()
        free = [entry for entry in self.dead if not self.hidden(entry)]
        return [
            evolve(
                self.lease(entry, self.visibility),
                source=evolve(self.source, dead_letters=True),
                dead_letter_reason=entry.reason,
            )
            for entry in free[:count]
        ]

    def hidden(self, entry: Entry) -> bool:
        return entry.until > time.monotonic()

    def lease(self, entry: Entry, visibility: float) -> Message:
        entry.receives += 1
        entry.lease = str(next(TOKENS))
        entry.until = time.monotonic() + visibility
        return Message(
            id=entry.id,
            body=entry.message.body,
            attributes=entry.message.attributes,
            receive_count=entry.receives,
            source=self.source,
            lease=entry.lease,
            leased_until=utc_now() + timedelta(seconds=visibility),
            sent_at=entry.sent_at,
            group=entry.message.group,
            dedup_id=entry.message.dedup_id,
        )

    def sweep(self) -> None:
        """Drop what is too old, and set aside what came too often and is visible again."""
        oldest = utc_now() - timedelta(seconds=min(self.retention, 10**8))
        self.entries = [entry for entry in self.entries if entry.sent_at >= oldest]
        if self.policy is None:
            return
        for entry in list(self.entries):
            if entry.receives >= self.policy.max_receives and not self.hidden(entry):
                self.set_aside(entry)

    def set_aside(self, entry: Entry, reason: str | None = None) -> None:
        self.entries.remove(entry)
        entry.until, entry.lease, entry.reason = 0.0, None, reason
        self.dead.append(entry)

    # Settling

    def leased(self, message: Message) -> Entry:
        """The entry, when the lease still holds."""
        for entry in [*self.entries, *self.dead]:
            if entry.id == message.id and entry.lease == message.lease and self.hidden(entry):
                return entry
        raise PreconditionFailedError("the lease has ended")

    def ack(self, message: Message) -> None:
        if not any(entry.id == message.id for entry in [*self.entries, *self.dead]):
            return  # gone already
        entry = self.leased(message)
        (self.dead if message.source.dead_letters else self.entries).remove(entry)
        self.wake()

    def nack(self, message: Message, delay: float) -> None:
        entry = self.leased(message)
        entry.lease, entry.until = None, time.monotonic() + delay if delay else 0.0
        self.wake()

    def extend(self, message: Message, visibility: float) -> Message:
        self.leased(message).until = time.monotonic() + visibility
        return evolve(message, leased_until=utc_now() + timedelta(seconds=visibility))

    def reject(self, message: Message, reason: str) -> None:
        self.set_aside(self.leased(message), reason)
        self.wake()

    def redrive(self, count: int | None) -> int:
        moved = self.dead[:count]
        del self.dead[:count]
        for entry in moved:
            entry.receives, entry.until, entry.lease = 0, 0.0, None
        self.entries.extend(moved)
        self.wake()
        return len(moved)

    def purge(self) -> None:
        self.entries.clear()
