"""Messages as Pub/Sub takes them, and back.

Bodies are bytes there too. A message with neither body nor attributes is refused by the service, so
an empty one gets an attribute. Limits: https://cloud.google.com/pubsub/quotas#resource_limits
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen
from cloudkit.api.messaging import Message, OutgoingMessage, Source
from cloudkit.common import ValidationError

OWN = "cloudkit."
EMPTY = "cloudkit.empty"
"""Attribute of a message without a body."""
REASON = "cloudkit.reason"
"""Attribute that says why a message is a dead letter."""
DUE = "cloudkit.due"
"""Attribute that says when a message of a queue becomes visible: milliseconds since 1970."""

MAX_VALUE_BYTES = 1024
RESERVED = "goog"
# What the service adds to a message that it sets aside.
FORWARDED = "CloudPubSubDeadLetterSource"

# Bytes of a field's tag and length in a request, at most.
_FIELD = 8


@frozen
class Encoded:
    """A message to be published.

    Attributes:
        data: Its body.
        attributes: Those of the user and of CloudKit.
        ordering_key: Messages of one key keep their order; empty for none.
    """

    data: bytes = field(repr=False)
    attributes: Mapping[str, str]
    ordering_key: str = ""

    @property
    def size(self) -> int:
        """Bytes in a request, or a few more."""
        named = sum(
            len(k.encode()) + len(v.encode()) + 3 * _FIELD for k, v in self.attributes.items()
        )
        return len(self.data) + named + len(self.ordering_key) + 3 * _FIELD

    def fields(self) -> dict[str, Any]:
        """What a request is made of."""
        return {
            "data": self.data,
            "attributes": self.attributes,
            "ordering_key": self.ordering_key,
        }


def encode(
    body: bytes,
    attributes: Mapping[str, str],
    group: str | None = None,
    own: Mapping[str, str] | None = None,
) -> Encoded:
    """A message in the service's form.

    Args:
        body: Its body.
        attributes: Those of the user.
        group: Its ordering key.
        own: Further attributes, of CloudKit.

    Raises:
        ValidationError: The service does not take an attribute.
    """
    check_attributes(attributes)
    added = dict(own or {})
    if not body and not attributes and not added:
        added[EMPTY] = "1"
    return Encoded(body, {**attributes, **added}, group or "")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse attributes that the service does not take.

    Raises:
        ValidationError: A name is reserved, or a value too long.
    """
    for name, value in attributes.items():
        if name.startswith((RESERVED, FORWARDED)):
            raise ValidationError(
                f"Pub/Sub keeps attributes for itself that begin like {name!r}",
                hint=f"Names must not begin with {RESERVED!r} or {FORWARDED!r}.",
            )
        size = len(value.encode())
        if size > MAX_VALUE_BYTES:
            raise ValidationError(
                f"the attribute {name!r} has {size:,} bytes; Pub/Sub takes {MAX_VALUE_BYTES:,}"
            )


def encode_message(message: OutgoingMessage, own: Mapping[str, str] | None = None) -> Encoded:
    """A message of the user's in the service's form.

    Args:
        message: The message.
        own: Further attributes, of CloudKit.

    Raises:
        ValidationError: The service does not take an attribute.
    """
    return encode(message.body, message.attributes, message.group, own)


def copy(message: Any) -> Encoded:
    """A message to be published once more: without what made it wait, or a dead letter.

    Args:
        message: In the service's form.
    """
    kept = user_attributes(message)
    own = {EMPTY: "1"} if not message.data and not kept else {}
    return Encoded(message.data, {**kept, **own}, message.ordering_key)


def short_reason(reason: str) -> str:
    """As much of a reason as an attribute takes."""
    return reason.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")


def user_attributes(message: Any) -> dict[str, str]:
    """The attributes of a message that its sender gave it.

    Args:
        message: In the service's form.
    """
    return {
        name: value
        for name, value in message.attributes.items()
        if not name.startswith((OWN, FORWARDED))
    }


def decode(received: Any, source: Source, leased_until: datetime) -> Message:
    """A message in the user's form.

    Args:
        received: As it was pulled.
        source: Where from.
        leased_until: When its lease ends.
    """
    message = received.message
    return Message(
        id=message.message_id,
        body=message.data,
        attributes=user_attributes(message),
        receive_count=max(received.delivery_attempt, 1),
        source=source,
        lease=received.ack_id,
        leased_until=leased_until,
        sent_at=message.publish_time.ToDatetime(tzinfo=UTC),
        group=message.ordering_key or None,
        dead_letter_reason=message.attributes.get(REASON) if source.dead_letters else None,
    )
