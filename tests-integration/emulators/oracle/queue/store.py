"""Queues and their messages, in memory."""

from __future__ import annotations

import base64
import random
import secrets
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, count
from threading import Condition
from typing import Any

from emulators.oracle.errors import not_found

LIVE = frozenset({"ACTIVE", "UPDATING"})


@dataclass(eq=False)
class Message:
    """A message.

    Attributes:
        number: The service's name for it.
        content: A text.
        channel: Where it was put; empty for the queue itself.
        properties: Custom ones.
        created: Seconds since 1970.
        expires: When it is dropped.
        visible_at: When it can be had.
        deliveries: How often it was.
        receipt: Of the last delivery; None when it ended.
    """

    number: int
    content: str
    channel: str
    properties: dict[str, str]
    created: float
    expires: float
    visible_at: float
    deliveries: int = 0
    receipt: str | None = None

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return len(self.content.encode())


@dataclass(eq=False)
class QueueState:
    """A queue.

    Attributes:
        description: As it is answered.
        messages: In the order they came.
        dead: Its dead letters.
    """

    description: dict[str, Any]
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)

    def settle(self) -> None:
        """Drop what is too old, and set aside what was delivered too often."""
        now = time.time()
        self.messages = [each for each in self.messages if each.expires > now]
        self.dead = [each for each in self.dead if each.expires > now]
        limit = int(self.description["deadLetterQueueDeliveryCount"])
        for message in self.messages:
            if message.visible_at <= now:
                message.receipt = None
        if limit:
            tired = [m for m in self.messages if m.visible_at <= now and m.deliveries >= limit]
            self.messages = [each for each in self.messages if each not in tired]
            self.dead += tired

    def take(self, limit: int, visibility: int, channel: str | None, size: int) -> list[Message]:
        """Lease messages of one channel: that one, or any that has some.

        Args:
            limit: At most so many.
            visibility: Seconds.
            channel: Its name; None for any.
            size: Bytes that go into one answer.
        """
        self.settle()
        now = time.time()
        visible = [each for each in self.messages if each.visible_at <= now]
        if channel is None and visible:
            channel = random.choice(sorted({each.channel for each in visible}))
        wanted = [each for each in visible if each.channel == channel][:limit]
        sizes = accumulate(each.size for each in wanted)
        taken = [each for each, total in zip(wanted, sizes, strict=True) if total <= size]
        for message in taken:
            message.deliveries += 1
            message.receipt = _receipt(message)
            message.visible_at = now + visibility
        return taken

    def next_visible(self) -> float:
        """When the next message that is hidden now can be had."""
        return min((each.visible_at for each in self.messages), default=float("inf"))

    def leased(self, receipt: str) -> Message | None:
        """The message that a receipt stands for, while it does."""
        self.settle()
        return next((each for each in self.messages if each.receipt == receipt), None)

    def drop(self, message: Message) -> None:
        """Remove a message."""
        self.messages.remove(message)

    def purge(self, kind: str, channels: list[str]) -> None:
        """Drop messages."""

        def left(messages: list[Message]) -> list[Message]:
            return [each for each in messages if channels and each.channel not in channels]

        if kind in {"NORMAL", "BOTH"}:
            self.messages = left(self.messages)
        if kind in {"DLQ", "BOTH"}:
            self.dead = left(self.dead)


class Store:
    """All queues.

    Attributes:
        changed: Held by whoever looks at them; told when messages may be had.
        queues: By OCID, deleted ones too.
    """

    def __init__(self) -> None:
        self.changed = Condition()
        self.queues: dict[str, QueueState] = {}
        self._numbers = count(1)

    def find(self, identity: str) -> QueueState:
        """A queue, in whatever state.

        Raises:
            OracleError: There is none.
        """
        if identity not in self.queues:
            raise not_found()
        return self.queues[identity]

    def live(self, identity: str) -> QueueState:
        """A queue that takes and gives messages.

        Raises:
            OracleError: There is none.
        """
        queue = self.find(identity)
        if queue.description["lifecycleState"] not in LIVE:
            raise not_found()
        return queue

    def put(
        self, queue: QueueState, content: str, channel: str, properties: dict[str, str]
    ) -> Message:
        """Add a message."""
        now = time.time()
        message = Message(
            number=next(self._numbers),
            content=content,
            channel=channel,
            properties=properties,
            created=now,
            expires=now + int(queue.description["retentionInSeconds"]),
            visible_at=now,
        )
        queue.messages.append(message)
        return message

    def all(self) -> Iterator[QueueState]:
        """All queues, deleted ones too."""
        return iter(self.queues.values())


def new_ocid(kind: str) -> str:
    """A name for something new."""
    return f"ocid1.{kind}.oc1.iad.{uuid.uuid4().hex}"


def _receipt(message: Message) -> str:
    token = f"{message.number}/{message.deliveries}/".encode() + secrets.token_bytes(12)
    return base64.urlsafe_b64encode(token).decode()
