"""Messages as SQS and SNS take them, and back.

Both take texts of the characters that XML allows, and no empty ones. A body that is such a text is
sent as it is, so that everybody can read it; any other body is sent as base64, which the attribute
``cloudkit.encoding`` tells. An attribute's value is sent as ``String`` where that is allowed, and as
the ``Binary`` of its UTF-8 otherwise.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from cloudkit.common import PayloadTooLargeError, ValidationError

ENCODING = "cloudkit.encoding"
"""Attribute that says how the body was encoded: ``base64`` or ``empty``."""
REASON = "cloudkit.reason"
"""Attribute that says why a message is a dead letter."""

OWN_ATTRIBUTES = 2
MAX_REASON_BYTES = 2048
EMPTY_BODY = "-"
# No UTF-8, so no other value is encoded like that.
EMPTY_VALUE = b"\xff"

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WRONG_NAME = re.compile(r"(?i)(?:aws|amazon)\.|.*\.\.|.*\.$")


@frozen
class Encoded:
    """A message in the service's form.

    Attributes:
        text: The body.
        attributes: Name → data type and value.
    """

    text: str = field(repr=False)
    attributes: Mapping[str, Mapping[str, Any]]

    @property
    def size(self) -> int:
        """Bytes, as the services count them: body, and names, types and values of the attributes."""
        return len(self.text.encode()) + sum(
            len(name) + len(value["DataType"]) + len(_raw(value))
            for name, value in self.attributes.items()
        )

    def check_size(self, limit: int) -> None:
        """Refuse what is larger than the service takes.

        Args:
            limit: Bytes.

        Raises:
            PayloadTooLargeError: It is.
        """
        if self.size > limit:
            raise PayloadTooLargeError(
                f"the message has {self.size:,} bytes in the service's form; "
                f"the limit is {limit:,} bytes"
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


def encode(body: bytes, attributes: Mapping[str, str]) -> Encoded:
    """A message in the service's form.

    Args:
        body: Its body.
        attributes: Its attributes.

    Raises:
        ValidationError: The services do not take a name.
    """
    for name in attributes:
        check_name(name)
    text, encoding = _encode_body(body)
    encoded = {name: _encode_value(value) for name, value in attributes.items()}
    if encoding is not None:
        encoded[ENCODING] = {"DataType": "String", "StringValue": encoding}
    return Encoded(text, encoded)


def with_reason(message: Encoded, reason: str, limit: int) -> Encoded:
    """The message with the reason why it becomes a dead letter, as far as there is room for one.

    Args:
        message: In the service's form.
        reason: Cut off behind ``MAX_REASON_BYTES``.
        limit: Bytes that the service takes.
    """
    room = min(limit - message.size - len(REASON) - len("String"), MAX_REASON_BYTES)
    if not reason or room <= 0 or len(message.attributes) >= 10:
        return message
    short = reason.encode()[:room].decode(errors="ignore")
    return Encoded(message.text, {**message.attributes, REASON: _encode_value(short)})


def check_name(name: str) -> None:
    """Refuse an attribute's name that the services keep for themselves or do not take.

    Raises:
        ValidationError: They do.
    """
    if _WRONG_NAME.match(name):
        raise ValidationError(
            f"SQS and SNS take no attribute {name!r}: a name must not begin with 'AWS.' or "
            "'Amazon.', end with a dot or have two dots in a row"
        )


def is_text(value: str) -> bool:
    """Whether the services take a value as it is."""
    return bool(value) and not _FORBIDDEN.search(value)


def decode(text: str, attributes: Mapping[str, Mapping[str, Any]]) -> Decoded:
    """A message in the user's form, also one that somebody else has sent.

    Args:
        text: The body.
        attributes: Name → data type and value.
    """
    values = {name: _decode_value(value) for name, value in attributes.items()}
    encoding = values.pop(ENCODING, None)
    reason = values.pop(REASON, None)
    return Decoded(_decode_body(text, encoding), values, reason)


def _encode_body(body: bytes) -> tuple[str, str | None]:
    if not body:
        return EMPTY_BODY, "empty"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if is_text(text):
        return text, None
    return base64.b64encode(body).decode(), "base64"


def _decode_body(text: str, encoding: str | None) -> bytes:
    if encoding == "empty" and text == EMPTY_BODY:
        return b""
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return text.encode()  # somebody else's use of our attribute
    return text.encode()


def _encode_value(value: str) -> dict[str, Any]:
    if is_text(value):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "Binary", "BinaryValue": value.encode() or EMPTY_VALUE}


def _decode_value(value: Mapping[str, Any]) -> str:
    raw = value.get("BinaryValue")
    if raw is None:
        return str(value.get("StringValue", ""))
    if raw == EMPTY_VALUE:
        return ""
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()  # not from here: what can be said of it as text


def _raw(value: Mapping[str, Any]) -> bytes:
    raw: bytes = value["BinaryValue"] if "BinaryValue" in value else value["StringValue"].encode()
    return raw
