"""Messages into requests: as many as the service takes, and of one ordering key each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.common import CloudError, CloudResult, PayloadTooLargeError, ValidationError
from cloudkit.gcp.errors import translate
from cloudkit.gcp.pubsub.messages import Encoded

if TYPE_CHECKING:
    from cloudkit.gcp.pubsub.client import PubSubClient

MAX_REQUEST_BYTES = 10_000_000
"""Largest request (https://cloud.google.com/pubsub/quotas#resource_limits)."""
RESERVE = 1024
"""Bytes of it that are kept for the name of the topic."""
MAX_MESSAGES = 1000
"""Most messages of a request."""

REFUSED = (PayloadTooLargeError, ValidationError)
"""What the service says of messages that it does not take; those of other keys may be fine."""

Outcome = CloudResult[SentMessage]


def publish_batch(
    client: PubSubClient,
    messages: Sequence[OutgoingMessage],
    address: Callable[[OutgoingMessage], tuple[str, Encoded]],
) -> list[Outcome]:
    """Publish those of some messages that can be published.

    Args:
        client: The client.
        messages: The messages.
        address: The service's name of the topic of one, and it in the service's form; or raises a
            CloudError.

    Returns:
        One result each, in order.
    """
    good: dict[int, tuple[str, Encoded]] = {}
    outcomes: dict[int, Outcome] = {}
    for number, message in enumerate(messages):
        try:
            good[number] = address(message)
        except CloudError as error:
            outcomes[number] = CloudResult.failure(error)
    outcomes |= publish_all(client, good)
    return [outcomes[number] for number in range(len(messages))]


def publish_all(
    client: PubSubClient, messages: Mapping[int, tuple[str, Encoded]]
) -> dict[int, Outcome]:
    """Publish messages.

    A request must not mix ordering keys, so there may be several. When one fails, nothing more of its key is sent,
    for that would come before what failed.

    Args:
        client: The client.
        messages: Number → the service's name of a topic, and a message for it.

    Returns:
        Number → what became of it.

    Raises:
        Exception: What the SDK raised, when nothing was published before, and it says nothing
            against the messages themselves.
    """
    outcomes: dict[int, Outcome] = {}
    done = False
    for (topic, _), several in _by_key(messages).items():
        failure: CloudError | None = None
        for run in _runs(several):
            if failure is None:
                try:
                    ids = client.publish(topic, [several[number] for number in run])
                except Exception as error:
                    failure = translate(error)
                    if failure is None or not (done or isinstance(failure, REFUSED)):
                        raise
                    failure.__cause__ = error
                else:
                    done = True
                    sent = [CloudResult.success(SentMessage(id=name)) for name in ids]
                    outcomes.update(zip(run, sent, strict=True))
                    continue
            outcomes.update((number, CloudResult.failure(failure)) for number in run)
    return outcomes


def _by_key(
    messages: Mapping[int, tuple[str, Encoded]],
) -> dict[tuple[str, str], dict[int, Encoded]]:
    keys: dict[tuple[str, str], dict[int, Encoded]] = {}
    for number, (topic, message) in messages.items():
        keys.setdefault((topic, message.ordering_key), {})[number] = message
    return keys


def _runs(messages: Mapping[int, Encoded]) -> Iterator[list[int]]:
    run: list[int] = []
    size = 0
    for number, message in messages.items():
        if run and (len(run) == MAX_MESSAGES or size + message.size > MAX_REQUEST_BYTES - RESERVE):
            yield run
            run, size = [], 0
        run.append(number)
        size += message.size
    if run:
        yield run
