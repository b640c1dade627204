"""Messages as Streaming takes them, and back.

A message of a stream is a key and a value, both bytes. A body without attributes is the value as it
is. Otherwise the value begins with a mark and the length of a JSON object, and that object and the
body follow. The key decides on the partition, and so on the order; it is the message's group. A
message without a group gets a key of its own.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen
from cloudkit.api.messaging import OutgoingMessage
from cloudkit.common import PayloadTooLargeError

MARK = b"\x00cloudkit1"
LENGTH = 4
NO_GROUP = "cloudkit-none-"
"""What the keys of messages without a group begin with."""

MAX_BYTES = 1024 * 1024
"""Of one message, and of a request: "1 MiB or less", keys and values together, as the reference of
PutMessages says: https://docs.oracle.com/en-us/iaas/api/#/en/streaming/20180418/Message/PutMessages"""
MAX_REASON_BYTES = 2048


@frozen
class Content:
    """A message.

    Attributes:
        body: Byte for byte as it was sent.
        attributes: As they were sent.
        group: Its group.
        reason: Why it is a dead letter.
    """

    body: bytes = field(repr=False)
    attributes: Mapping[str, str] = field(factory=dict)
    group: str | None = None
    reason: str = ""

    @classmethod
    def of(cls, message: OutgoingMessage) -> Content:
        """What is in a message that is to be sent.

        Raises:
            PayloadTooLargeError: Streaming does not take so much.
        """
        content = cls(message.body, dict(message.attributes), message.group)
        size = len(content.key()) + len(content.value())
        if size > MAX_BYTES:
            raise PayloadTooLargeError(
                f"the message has {size:,} bytes in the service's form; "
                f"the limit is {MAX_BYTES:,} bytes"
            )
        return content

    def key(self) -> bytes:
        """The key in the service's form."""
        return (self.group or f"{NO_GROUP}{uuid.uuid4().hex}").encode()

    def value(self) -> bytes:
        """The value in the service's form."""
        header: dict[str, Any] = {}
        if self.attributes:
            header["attributes"] = dict(self.attributes)
        if self.reason:
            header["reason"] = self.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        if not header and not self.body.startswith(MARK):
            return self.body
        encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        return MARK + len(encoded).to_bytes(LENGTH) + encoded + self.body


@frozen
class Record:
    """A message at its place in a stream.

    Attributes:
        partition: Its partition.
        offset: Its number there.
        content: What is in it.
        sent_at: When it was sent (aware UTC).
    """

    partition: str
    offset: int
    content: Content
    sent_at: datetime | None

    @property
    def id(self) -> str:
        """A name within the stream."""
        return f"{self.partition}:{self.offset}"


def to_entry(content: Content) -> Any:
    """What the SDK takes."""
    from oci.streaming.models import PutMessagesDetailsEntry  # type: ignore[import-untyped]

    return PutMessagesDetailsEntry(key=_text(content.key()), value=_text(content.value()))


def from_message(message: Any) -> Record:
    """What the SDK gives, also what somebody else has sent."""
    key = base64.b64decode(message.key or "").decode(errors="replace")
    sent = message.timestamp
    return Record(
        partition=message.partition,
        offset=message.offset,
        content=decode(key, base64.b64decode(message.value or "")),
        sent_at=None if sent is None else sent.astimezone(UTC),
    )


def decode(key: str, value: bytes) -> Content:
    """A message from its key and value."""
    group = None if not key or key.startswith(NO_GROUP) else key
    if not value.startswith(MARK):
        return Content(value, {}, group)
    start = len(MARK) + LENGTH
    end = start + int.from_bytes(value[len(MARK) : start])
    try:
        header = json.loads(value[start:end])
        attributes, reason = header.get("attributes", {}), header.get("reason", "")
    except (ValueError, AttributeError):
        return Content(value, {}, group)  # somebody else's use of our mark
    return Content(value[end:], attributes, group, reason)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
