"""Messages as CloudEvents, and back.

The body is ``data_base64``, so it is exact. Names of CloudEvents' own attributes are lower-case letters
and digits, their values have no control characters, and filters ignore the case. So all attributes
travel in one of ours, ``cloudkitattributes``, in an alphabet that none of this can hurt; those that
CloudEvents can say travel beside it once more, for readers that know nothing of CloudKit.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudkit.api.messaging import Message, OutgoingMessage, Source
from cloudkit.azure.event_grid.inbox import Received
from cloudkit.common import utc_now

SOURCE, TYPE = "/cloudkit", "cloudkit.message"
ATTRIBUTES = "cloudkitattributes"
CONTEXT = frozenset(
    {
        *("id", "source", "specversion", "type", "subject", "time", "dataschema"),
        *("datacontenttype", "data", "data_base64", ATTRIBUTES),
    }
)
"""Members of an event that are no attributes of the message."""

_SIMPLE_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MARK = "~"


def encode(message: OutgoingMessage) -> tuple[str, bytes]:
    """An event for a message.

    Args:
        message: What is to be published.

    Returns:
        Its id, and the event in JSON.
    """
    identifier = str(uuid.uuid4())
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": identifier,
        "source": SOURCE,
        "type": TYPE,
        "time": utc_now().isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/octet-stream",
        **dict(_simple(message.attributes)),
        "data_base64": base64.b64encode(message.body).decode(),
    }
    if message.attributes:
        event[ATTRIBUTES] = "".join(token(*pair) for pair in message.attributes.items())
    return identifier, json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def decode(received: Received, source: Source, lock_seconds: float) -> Message:
    """The message of an event, whoever published it.

    Args:
        received: The event.
        source: Where it came from.
        lock_seconds: How long its lock lasts at least.
    """
    event = received.event
    return Message(
        id=str(event.get("id", "")),
        body=_body(event),
        attributes=_attributes(event),
        receive_count=received.count,
        source=source,
        lease=received.token,
        leased_until=received.at + timedelta(seconds=lock_seconds),
        sent_at=_time(event.get("time")),
    )


def token(name: str, value: str) -> str:
    """An attribute in letters, digits and two marks: the same for whoever ignores the case."""
    return f"{_MARK}{_encode(name)}.{_encode(value)}{_MARK}"


def read_tokens(text: str) -> dict[str, str]:
    """The attributes that were written as tokens.

    Raises:
        ValueError: They were not.
    """
    result: dict[str, str] = {}
    for part in filter(None, text.split(_MARK)):
        name, _, value = part.partition(".")
        result[_decode(name)] = _decode(value)
    return result


def _simple(attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if (
            _SIMPLE_NAME.fullmatch(name)
            and name not in CONTEXT
            and value
            and not _FORBIDDEN.search(value)
        ):
            yield name, value


def _attributes(event: Mapping[str, Any]) -> dict[str, str]:
    if ATTRIBUTES in event:
        try:
            return read_tokens(str(event[ATTRIBUTES]))
        except ValueError:
            pass  # somebody else's, who uses the same name
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in event.items()
        if name not in CONTEXT and value is not None
    } | ({} if ATTRIBUTES not in event else {ATTRIBUTES: str(event[ATTRIBUTES])})


def _body(event: Mapping[str, Any]) -> bytes:
    if event.get("data_base64") is not None:
        return _bytes(event["data_base64"])
    data = event.get("data")
    if data is None:
        return b""
    kind = str(event.get("datacontenttype") or "application/json").partition(";")[0].lower()
    if isinstance(data, str) and not (kind.endswith("json")):
        return data.encode()
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return text.encode()  # one event that is wrong must not keep the others away


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _encode(text: str) -> str:
    return base64.b32encode(text.encode()).decode().rstrip("=").lower()


def _decode(text: str) -> str:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8)).decode()
