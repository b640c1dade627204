"""Messages as AMQP has them, and back."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloudkit.api.messaging import Message, OutgoingMessage, Source
from cloudkit.azure.service_bus.links import Delivery
from cloudkit.azure.service_bus.values import typed
from cloudkit.common import PayloadTooLargeError, ValidationError

if TYPE_CHECKING:
    from azure.servicebus._pyamqp.message import Message as AmqpMessage

UNNAMED = "cloudkit-none-"
"""What ids and sessions begin with that nobody asked for."""
MAX_PROPERTY_BYTES = 60 * 1024
"""Bytes of all attributes; the service takes 64 KiB of properties and headers."""
SCHEDULED = b"x-opt-scheduled-enqueue-time"
ENQUEUED = b"x-opt-enqueued-time"
LOCKED_UNTIL = b"x-opt-locked-until"
SEQUENCE = b"x-opt-sequence-number"
REASONS = ("DeadLetterReason", "DeadLetterErrorDescription")
_FIRST, _SESSION = 0, 10  # places in AMQP's properties


def encode(message: OutgoingMessage, *, sessions: bool) -> AmqpMessage:
    """A message as AMQP has it.

    Args:
        message: The message.
        sessions: Whether it needs a session, which is made up when it has no group.

    Raises:
        ValidationError: Group or id begin like those that are made up.
        PayloadTooLargeError: There are too many attributes.
    """
    from azure.servicebus._pyamqp.message import Message as AmqpMessage
    from azure.servicebus._pyamqp.message import Properties

    size = sum(len(n) + len(v.encode()) for n, v in message.attributes.items())
    if size > MAX_PROPERTY_BYTES:
        raise PayloadTooLargeError(
            f"the attributes have {size:,} bytes; the limit is {MAX_PROPERTY_BYTES:,} bytes"
        )
    session = _given("group", message.group) if message.group is not None or sessions else None
    annotations: dict[str | bytes, Any] | None = None
    if message.delay:
        at = math.ceil((time.time() + message.delay) * 1000)
        annotations = {SCHEDULED: typed("timestamp", at)}
    attributes: dict[str | bytes, Any] = {n: v for n, v in message.attributes.items()}  # noqa: C416
    return AmqpMessage(
        message_annotations=annotations,
        properties=Properties(message_id=_given("dedup_id", message.dedup_id), group_id=session),
        application_properties=attributes or None,
        data=[message.body],
    )


def encoded(message: AmqpMessage) -> bytes:
    """The bytes of a message."""
    from azure.servicebus._pyamqp._encode import encode_payload

    return bytes(encode_payload(bytearray(), message))


def batch(messages: Sequence[AmqpMessage], parts: Sequence[bytes]) -> AmqpMessage:
    """Several messages as one transfer.

    Args:
        messages: The messages.
        parts: The bytes of each.
    """
    from azure.servicebus._pyamqp.message import BatchMessage, Properties

    first: Any = messages[0].properties
    # The service looks at the envelope for where a batch goes.
    envelope = Properties(message_id=first.message_id, group_id=first.group_id)
    return BatchMessage(properties=envelope, data=list(parts))


def message_id(message: AmqpMessage) -> str:
    """The id of a message that goes out."""
    properties: Any = message.properties
    return str(properties.message_id)


def copy(message: AmqpMessage, *, sessions: bool) -> AmqpMessage:
    """A dead letter as it is sent back: the same, under another id.

    Args:
        message: The dead letter.
        sessions: Whether it needs a session.
    """
    from azure.servicebus._pyamqp.message import Message as AmqpMessage
    from azure.servicebus._pyamqp.message import Properties

    properties: Any = message.properties or Properties()
    session = properties.group_id
    if session is None and sessions:
        session = _given("group", None)
    kept = {
        name: value
        for name, value in (message.application_properties or {}).items()
        if _text(name) not in REASONS
    }
    return AmqpMessage(
        # The service would keep to the old end of its time, which may be why it is a dead letter.
        properties=properties._replace(
            message_id=_given("dedup_id", None),
            group_id=session,
            absolute_expiry_time=None,
            creation_time=None,
        ),
        application_properties=kept or None,
        data=message.data,
        sequence=message.sequence,
        value=message.value,
    )


def decode(delivery: Delivery, source: Source, until: float | None = None) -> Message:
    """A message that came in.

    Args:
        delivery: The message.
        source: Where from.
        until: When its lock ends, in seconds, where it does not say itself.
    """
    message = delivery.message
    header: Any = message.header
    properties: Any = message.properties
    annotations: Mapping[Any, Any] = message.message_annotations or {}
    identifier = None if properties is None else _text(properties[_FIRST])
    attributes = {_text(n): _text(v) for n, v in (message.application_properties or {}).items()}
    reason = None
    if source.dead_letters:
        reason = attributes.pop(REASONS[0], None)
        attributes.pop(REASONS[1], None)
    locked = annotations.get(LOCKED_UNTIL)
    return Message(
        id=identifier or str(annotations.get(SEQUENCE, delivery.token)),
        body=_body(message),
        attributes=attributes,
        receive_count=1 + ((header[4] or 0) if header is not None else 0),
        source=source,
        lease=delivery.token,
        leased_until=_time(locked / 1000 if locked is not None else until),
        sent_at=_time(annotations[ENQUEUED] / 1000) if ENQUEUED in annotations else None,
        group=_named(None if properties is None else properties[_SESSION]),
        dedup_id=_named(identifier),
        dead_letter_reason=reason,
    )


def _given(what: str, value: str | None) -> str:
    if value is None:
        return f"{UNNAMED}{uuid.uuid4().hex}"
    if value.startswith(UNNAMED):
        raise ValidationError(f"{what} must not begin with {UNNAMED!r}: {value!r}")
    return value


def _named(value: Any) -> str | None:
    """An id or session that somebody gave; None for one that was made up."""
    text = None if value is None else _text(value)
    return None if text is None or text.startswith(UNNAMED) else text


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="replace")
    return "" if value is None else str(value)


def _body(message: AmqpMessage) -> bytes:
    if message.data is not None:
        parts: Iterable[bytes] = (
            [message.data] if isinstance(message.data, (bytes, bytearray)) else message.data
        )
        return b"".join(bytes(part) for part in parts)
    # What somebody else has sent in AMQP's own types
    value = message.value if message.value is not None else message.sequence
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return b"" if value is None else json.dumps(_plain(value), default=_text).encode()


def _plain(value: Any) -> Any:
    """A value of AMQP's types with the keys that JSON can have."""
    if isinstance(value, Mapping):
        return {_text(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
