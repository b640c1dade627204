"""Messages as tasks, and back from the requests that Cloud Tasks makes of them.

The body is the body of the request. What else belongs to a message stands in headers, which keep
neither the case of names nor all characters, so attributes are encoded as in a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cloudkit.api.messaging import Message, OutgoingMessage, Source
from cloudkit.common import PayloadTooLargeError, utc_now

ATTRIBUTES = "CloudKit-Attributes"
DEDUP_ID = "CloudKit-Dedup-Id"
DEADLINE = "CloudKit-Deadline"
MAX_ATTRIBUTE_BYTES = 16 * 1024
"""What servers and proxies take as a header, and no more."""

QUEUE_HEADER = "x-cloudtasks-queuename"
TASK_HEADER = "x-cloudtasks-taskname"
RETRY_HEADER = "x-cloudtasks-taskretrycount"


def to_request(message: OutgoingMessage, url: str, deadline: float) -> dict[str, Any]:
    """The HTTP request of a task.

    Args:
        message: The message.
        url: Where it is posted to.
        deadline: Seconds that the application may take.

    Raises:
        PayloadTooLargeError: The attributes do not go into a header.
    """
    headers = {"Content-Type": "application/octet-stream", DEADLINE: f"{deadline:g}"}
    if message.attributes:
        text = urlencode(message.attributes)
        if len(text) > MAX_ATTRIBUTE_BYTES:
            raise PayloadTooLargeError(
                f"the attributes have {len(text):,} bytes as a header; "
                f"the limit is {MAX_ATTRIBUTE_BYTES:,} bytes"
            )
        headers[ATTRIBUTES] = text
    if message.dedup_id is not None:
        headers[DEDUP_ID] = message.dedup_id
    return {"url": url, "http_method": "POST", "headers": headers, "body": message.body}


def task_id(dedup_id: str) -> str:
    """The name of the task of a message that must not come twice.

    Names may hold few characters, and the service wants them spread evenly: so it is a digest.

    Args:
        dedup_id: As the user gave it.
    """
    return sha256(dedup_id.encode()).hexdigest()


def from_request(headers: Mapping[str, str], body: bytes, deadline: float) -> Message:
    """The message in a request.

    Args:
        headers: By lower-case name.
        body: Its body.
        deadline: Seconds that it may take, where it does not say.
    """
    said = headers.get(DEADLINE.lower(), "")
    length = float(said) if said.replace(".", "", 1).isdigit() else deadline
    retries = headers.get(RETRY_HEADER, "")
    return Message(
        id=headers.get(TASK_HEADER, ""),
        body=body,
        attributes=dict(parse_qsl(headers.get(ATTRIBUTES.lower(), ""), keep_blank_values=True)),
        receive_count=1 + (int(retries) if retries.isdigit() else 0),
        source=Source("queue", headers.get(QUEUE_HEADER, "")),
        lease="",
        leased_until=utc_now() + timedelta(seconds=length),
        dedup_id=headers.get(DEDUP_ID.lower()),
    )
