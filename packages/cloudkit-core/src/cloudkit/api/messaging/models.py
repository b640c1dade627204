"""Messages, as queues and subscriptions take and give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import field, frozen
from cloudkit.api.json import from_json
from cloudkit.api.validation import text, text_mapping, whole_number
from cloudkit.common import Duration, SerializationError, ValidationError, seconds

_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
RESERVED_ATTRIBUTE_PREFIX = "cloudkit."

MessageBody: TypeAlias = bytes | bytearray | memoryview | str
"""Bytes, or a text that is sent as UTF-8."""


def to_bytes(body: Any) -> bytes:
    """A body as bytes.

    Raises:
        ValidationError: It is neither bytes nor text.
    """
    if isinstance(body, str):
        return text(body, "the body", empty=True).encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise ValidationError(
        f"a body is bytes or text, not {type(body).__name__}; values go as JSON by send_json and "
        "publish_json"
    )


def _checked_attributes(value: Mapping[str, str] | None) -> dict[str, str]:
    result = text_mapping(value, "attributes")
    for name in result:
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise ValidationError(
                f"the attribute name {name!r} must be up to 128 ASCII letters, digits, '_', '.' "
                "and '-', beginning with a letter or '_'"
            )
        if name.lower().startswith(RESERVED_ATTRIBUTE_PREFIX):
            raise ValidationError(
                f"attribute names beginning with 'cloudkit.' are reserved: {name}"
            )
    return result


def _check_optional_name(instance: object, attribute: Any, value: Any) -> None:
    if value is not None:
        name = text(value, attribute.name)
        if len(name) > 128 or not (name.isascii() and name.isprintable()) or " " in name:
            raise ValidationError(
                f"{attribute.name} must be up to 128 printable ASCII characters without spaces, "
                f"not {value!r}"
            )


def _to_delay(value: Duration) -> float:
    return seconds(value, "delay")


@frozen(kw_only=True)
class OutgoingMessage:
    """A message to send or publish.

    Attributes:
        body: Bytes; a text is encoded as UTF-8.
        attributes: Names and texts that travel beside the body.
        delay: Seconds (or a timedelta) until it becomes visible; queues only.
        group: Messages of one group keep their order (the ordering key of a topic).
        dedup_id: A second message with it is dropped for a while; fifo queues only.
    """

    body: bytes = field(converter=to_bytes, repr=False)
    attributes: Mapping[str, str] = field(default=None, converter=_checked_attributes)
    delay: float = field(default=0.0, converter=_to_delay)
    group: str | None = field(default=None, validator=_check_optional_name)
    dedup_id: str | None = field(default=None, validator=_check_optional_name)

    @classmethod
    def of(cls, value: OutgoingMessage | MessageBody) -> OutgoingMessage:
        """A message from a body, or the message itself."""
        return value if isinstance(value, OutgoingMessage) else cls(body=value)

    @property
    def size(self) -> int:
        """Bytes of the body and of the attributes' names and values."""
        return len(self.body) + sum(
            len(name) + len(value.encode()) for name, value in self.attributes.items()
        )


@frozen
class Source:
    """Where a message was received from.

    Attributes:
        service: ``"queue"``, ``"pubsub"``, or a provider's own service.
        name: The queue or subscription.
        topic: The subscription's topic; None for a queue.
        dead_letters: Whether it was received from the dead letters of it.
    """

    service: str
    name: str
    topic: str | None = None
    dead_letters: bool = False

    def __str__(self) -> str:
        place = f"{self.name}" if self.topic is None else f"{self.topic}/{self.name}"
        return f"{place} (dead letters)" if self.dead_letters else place


@frozen(kw_only=True)
class Message:
    """A message that was received and is leased: nobody else gets it until the lease ends.

    Attributes:
        id: The service's name for it.
        body: Byte for byte as it was sent.
        attributes: As they were sent.
        receive_count: How often it has been received, this time included.
        source: Where it came from.
        lease: Opaque token for ack, nack and extend.
        leased_until: When the lease ends (aware UTC), where the service tells.
        sent_at: When it was sent, where the service tells.
        group: Its group, or ordering key.
        dedup_id: Its dedup_id, where the service tells.
        dead_letter_reason: Why it became a dead letter, where it is one and the service tells.
    """

    id: str
    body: bytes = field(repr=False)
    attributes: Mapping[str, str] = field(factory=dict)
    receive_count: int = 1
    source: Source
    lease: str = field(repr=False)
    leased_until: datetime | None = None
    sent_at: datetime | None = None
    group: str | None = None
    dedup_id: str | None = None
    dead_letter_reason: str | None = None

    def text(self) -> str:
        """The body as text.

        Raises:
            SerializationError: It is not UTF-8.
        """
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise SerializationError(f"the body of message {self.id} is not UTF-8") from error

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            SerializationError: It is no JSON.
        """
        return from_json(self.body, f"the body of message {self.id}")


@frozen(kw_only=True)
class SentMessage:
    """What became of a message that was sent or published.

    Attributes:
        id: The service's name for it; may be empty where a service gives none.
        sequence: Its place in the order, for services that number messages.
    """

    id: str
    sequence: str | None = None


@frozen(kw_only=True)
class DeadLetterPolicy:
    """When a message is set aside.

    Attributes:
        max_receives: After it has been received so often without an ack.
    """

    max_receives: int = 5

    def __attrs_post_init__(self) -> None:
        whole_number(self.max_receives, "max_receives")
