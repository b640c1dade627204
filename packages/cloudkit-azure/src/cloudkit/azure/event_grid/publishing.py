"""Publishing: events in JSON, as many in a request as it can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.azure.errors import translate
from cloudkit.azure.event_grid.client import EventGridClient
from cloudkit.azure.event_grid.events import encode
from cloudkit.common import CloudResult, PayloadTooLargeError

MAX_BYTES = 1_000_000
"""Bytes of an event, and of all events of a request: 1 MB, whichever of the two is meant.

https://learn.microsoft.com/azure/event-grid/quotas-limits
"""


def publish(client: EventGridClient, topic: str, message: OutgoingMessage) -> SentMessage:
    """Publish one message. Blocks.

    Raises:
        PayloadTooLargeError: As an event, it is larger than the service takes.
    """
    identifier, event = _encoded(message)
    client.publish(topic, [event])
    return SentMessage(id=identifier)


def publish_all(
    client: EventGridClient, topic: str, messages: Sequence[OutgoingMessage]
) -> list[CloudResult[SentMessage]]:
    """Publish messages, in as few requests as possible. Blocks.

    Returns:
        One result a message. A request is carried out as a whole, or not at all.
    """
    results: list[CloudResult[SentMessage]] = []
    events: list[tuple[int, str, bytes]] = []
    for index, message in enumerate(messages):
        try:
            identifier, event = _encoded(message)
        except PayloadTooLargeError as error:
            results.append(CloudResult.failure(error))
            continue
        events.append((index, identifier, event))
        results.append(CloudResult.success(SentMessage(id=identifier)))
    for part in _parts(events):
        try:
            client.publish(topic, [event for _, _, event in part])
        except Exception as error:
            failure = translate(error)
            if failure is None:
                raise
            failure.__cause__ = error
            for index, _, _ in part:
                results[index] = CloudResult.failure(failure)
    return results


def _encoded(message: OutgoingMessage) -> tuple[str, bytes]:
    identifier, event = encode(message)
    if len(event) + 2 > MAX_BYTES:
        raise PayloadTooLargeError(
            f"the message has {len(event):,} bytes as an event; the limit is {MAX_BYTES - 2:,}"
        )
    return identifier, event


def _parts(events: Sequence[tuple[int, str, bytes]]) -> Iterator[list[tuple[int, str, bytes]]]:
    part: list[tuple[int, str, bytes]] = []
    size = 2
    for item in events:
        if part and size + len(item[2]) + 1 > MAX_BYTES:
            yield part
            part, size = [], 2
        part.append(item)
        size += len(item[2]) + 1
    if part:
        yield part
