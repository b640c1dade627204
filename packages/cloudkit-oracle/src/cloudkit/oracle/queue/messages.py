"""Messages as Queue takes them, and back.

Queue takes texts, and custom properties for messages that are put into a channel. A body that is a
readable text is sent as it is; any other as base64, which the property ``cloudkit.encoding`` tells.
So is an attribute's value, which begins with ``cloudkit.base64:`` then. A message that has properties
goes to the channel ``cloudkit``; whoever receives without naming a channel gets it like any other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen
from cloudkit.common import PayloadTooLargeError
from cloudkit.oracle.texts import is_readable, readable

CHANNEL = "cloudkit"
"""Channel of messages that have properties and no other channel."""
ENCODING = "cloudkit.encoding"
"""Property that says how the body was encoded: ``base64``."""
REASON = "cloudkit.reason"
"""Property that says why a message is a dead letter."""
BASE64 = "cloudkit.base64:"
"""What a value begins with that was encoded."""

MAX_BYTES = 256_000
"""Largest message. "256 KB" in https://docs.oracle.com/en-us/iaas/Content/queue/overview.htm, which
does not say which KB, nor whether properties count: so the smaller one, and they do."""
MAX_REASON_BYTES = 2048


@frozen
class Encoded:
    """A message in the service's form.

    Attributes:
        content: The body.
        properties: Custom ones.
        channel: Where it is put; None for the queue itself.
    """

    content: str = field(repr=False)
    properties: Mapping[str, str] = field(factory=dict)
    channel: str | None = None

    @property
    def size(self) -> int:
        """Bytes of everything."""
        texts = (self.content, *self.properties, *self.properties.values())
        return sum(len(text.encode()) for text in texts)

    def check_size(self) -> None:
        """Refuse what is larger than the service takes.

        Raises:
            PayloadTooLargeError: It is.
        """
        if self.size > MAX_BYTES:
            raise PayloadTooLargeError(
                f"the message has {self.size:,} bytes in the service's form; "
                f"the limit is {MAX_BYTES:,} bytes"
            )


@frozen
class Decoded:
    """A message in the user's form.

    Attributes:
        body: Byte for byte as it was sent.
        attributes: As they were sent.
        reason: Why it is a dead letter.
    """

    body: bytes = field(repr=False)
    attributes: Mapping[str, str]
    reason: str | None = None


def encode(body: bytes, attributes: Mapping[str, str], channel: str | None = None) -> Encoded:
    """A message in the service's form.

    Args:
        body: Its body.
        attributes: Its attributes.
        channel: Where somebody else had put it.
    """
    content = readable(body)
    properties = {name: _encode_value(value) for name, value in attributes.items()}
    if content is None:
        content = base64.b64encode(body).decode() or "-"
        properties[ENCODING] = "base64"
    return Encoded(content, properties, channel)


def decode(content: str, properties: Mapping[str, str] | None) -> Decoded:
    """A message in the user's form, also one that somebody else has sent."""
    values = {name: _decode_value(value) for name, value in (properties or {}).items()}
    encoding = values.pop(ENCODING, None)
    reason = values.pop(REASON, None)
    body = content.encode()
    if encoding == "base64":
        body = b"" if content == "-" else _decode_base64(content, body)
    return Decoded(body, values, reason)


def with_reason(message: Encoded, reason: str) -> Encoded:
    """The message with the reason why it becomes a dead letter, as far as there is room for one."""
    value = _encode_value(reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
    if not reason or message.size + len(REASON) + len(value.encode()) > MAX_BYTES:
        return message
    return evolve(message, properties={**message.properties, REASON: value})


def without_reason(message: Encoded) -> Encoded:
    """The message as it was before it became a dead letter."""
    properties = {name: text for name, text in message.properties.items() if name != REASON}
    return evolve(message, properties=properties)


def from_entry(entry: Any) -> Encoded:
    """What the SDK gives: content, and metadata if there is any."""
    metadata = entry.metadata
    properties = {} if metadata is None else metadata.custom_properties or {}
    channel = None if metadata is None else metadata.channel_id
    return Encoded(entry.content or "", properties, None if channel == CHANNEL else channel)


def to_entry(message: Encoded) -> Any:
    """What the SDK takes."""
    from oci.queue.models import MessageMetadata, PutMessagesDetailsEntry  # type: ignore[import-untyped]

    metadata = None
    if message.properties or message.channel:
        metadata = MessageMetadata(
            channel_id=message.channel or CHANNEL,
            custom_properties=dict(message.properties) or None,
        )
    return PutMessagesDetailsEntry(content=message.content, metadata=metadata)


def _encode_value(value: str) -> str:
    if is_readable(value) and not value.startswith(BASE64):
        return value
    return BASE64 + base64.b64encode(value.encode()).decode()


def _decode_value(value: str) -> str:
    if not value.startswith(BASE64):
        return value
    raw = _decode_base64(value.removeprefix(BASE64), value.encode())
    return raw.decode(errors="replace")


def _decode_base64(text: str, otherwise: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return otherwise  # somebody else's use of our marks
