"""Streams and what is in them, in memory."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from emulators.oracle.errors import not_found

CHANGE_SECONDS = 0.03
"""How long it takes to make, change or remove a stream."""
NEXT = {"CREATING": "ACTIVE", "UPDATING": "ACTIVE", "DELETING": "DELETED"}


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        offset: Its place in the partition.
        key: Bytes; the service makes one where none was given.
        value: Bytes.
        time: Seconds since 1970.
    """

    offset: int
    key: bytes
    value: bytes
    time: float


@dataclass(eq=False)
class Partition:
    """Messages in their order; old ones are gone.

    Attributes:
        messages: What is there.
        end: The next offset.
    """

    messages: list[Message] = field(default_factory=list)
    end: int = 0

    @property
    def start(self) -> int:
        """The first offset that is there."""
        return self.messages[0].offset if self.messages else self.end

    def append(self, key: bytes, value: bytes) -> Message:
        """Add a message."""
        message = Message(self.end, key, value, time.time())
        self.messages.append(message)
        self.end += 1
        return message

    def after(self, moment: float) -> int:
        """The offset of the first message that is not older."""
        return next((each.offset for each in self.messages if each.time >= moment), self.end)

    def read(self, offset: int, limit: int, size: int) -> list[Message]:
        """Messages from an offset on, at least one if there is one."""
        found: list[Message] = []
        for message in self.messages[max(offset - self.start, 0) :][:limit]:
            size -= len(message.key) + len(message.value)
            if found and size < 0:
                break
            found.append(message)
        return found


@dataclass(eq=False)
class Stream:
    """A stream.

    Attributes:
        description: As it is answered.
        partitions: Where the messages are.
        changed: When its state began.
    """

    description: dict[str, Any]
    partitions: list[Partition]
    changed: float = field(default_factory=time.time)

    def become(self, state: str) -> None:
        """Begin a state."""
        self.changed = time.time()
        self.description.update(lifecycleState=state, etag=str(uuid.uuid4()))

    def proceed(self) -> None:
        """End a state that has lasted long enough, and drop what is too old."""
        state = self.description["lifecycleState"]
        if state in NEXT and time.time() >= self.changed + CHANGE_SECONDS:
            self.become(NEXT[state])
        oldest = time.time() - 3600 * int(self.description["retentionInHours"])
        for partition in self.partitions:
            while partition.messages and partition.messages[0].time < oldest:
                del partition.messages[0]

    def put(self, key: bytes | None, value: bytes) -> tuple[int, Message]:
        """Add a message to the partition of its key."""
        key = secrets.token_hex(8).encode() if key is None else key
        number = int.from_bytes(hashlib.md5(key).digest()[:4]) % len(self.partitions)
        return number, self.partitions[number].append(key, value)


class Store:
    """All streams, deleted ones too."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}

    def all(self) -> list[Stream]:
        """All streams, in the state of now."""
        for stream in self.streams.values():
            stream.proceed()
        return list(self.streams.values())

    def find(self, identity: str) -> Stream:
        """A stream, in whatever state.

        Raises:
            OracleError: There is none.
        """
        if identity not in self.streams:
            raise not_found()
        self.streams[identity].proceed()
        return self.streams[identity]

    def live(self, identity: str) -> Stream:
        """A stream that takes and gives messages.

        Raises:
            OracleError: There is none.
        """
        stream = self.find(identity)
        if stream.description["lifecycleState"] not in {"ACTIVE", "UPDATING"}:
            raise not_found()
        return stream
