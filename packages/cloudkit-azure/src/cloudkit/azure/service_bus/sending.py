"""Messages onto links. Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import frozen
from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.azure.errors import translate
from cloudkit.azure.service_bus.client import ServiceBus
from cloudkit.azure.service_bus.leases import is_not_allowed
from cloudkit.azure.service_bus.links import SendLink
from cloudkit.azure.service_bus.messages import batch, encode, encoded, message_id
from cloudkit.common import CloudError, CloudResult, PayloadTooLargeError

ENVELOPE_BYTES = 512
"""Bytes of a batch besides its messages."""
PART_BYTES = 8
"""Bytes of a batch for each message."""


@frozen(eq=False)
class Sending:
    """Sends to a queue or topic.

    Attributes:
        client: The client.
        path: The queue or topic.
    """

    client: ServiceBus
    path: str

    def one(self, message: OutgoingMessage) -> SentMessage:
        """Send a message.

        Raises:
            PayloadTooLargeError: It is larger than the service takes.
            Exception: Whatever the SDK raised.
        """
        (result,) = self._send([message])
        if result.error is not None:
            raise result.error
        return result.value

    def many(self, messages: Sequence[OutgoingMessage]) -> list[CloudResult[SentMessage]]:
        """Send messages in as few transfers as their sizes allow.

        Returns:
            One result each, in order.
        """
        return self._send(messages)

    def _send(self, messages: Sequence[OutgoingMessage]) -> list[CloudResult[SentMessage]]:
        with self.client.pool.connection(SendLink, self.path) as connection:
            results: list[CloudResult[SentMessage] | None] = [None] * len(messages)
            ready: dict[int, tuple[OutgoingMessage, int]] = {}
            limit = connection.send(self.path, lambda link: link.limit)
            for index, message in enumerate(messages):
                try:
                    ready[index] = message, self._size(message, limit)
                except CloudError as error:
                    results[index] = CloudResult.failure(error)
            for run in _runs({index: size for index, (_, size) in ready.items()}, limit):
                some = [ready[index][0] for index in run]
                transfer = partial(self._transfer, messages=some)
                try:
                    sent = connection.send(self.path, transfer)
                    outcomes = [CloudResult.success(one) for one in sent]
                except Exception as error:
                    failure = error if isinstance(error, CloudError) else translate(error)
                    if failure is None or len(messages) == 1:
                        raise
                    failure.__cause__ = error
                    outcomes = [CloudResult.failure(failure)] * len(run)
                for index, outcome in zip(run, outcomes, strict=True):
                    results[index] = outcome
        return [result for result in results if result is not None]

    def _size(self, message: OutgoingMessage, limit: int) -> int:
        size = len(encoded(encode(message, sessions=True)))
        if size > limit:
            raise PayloadTooLargeError(
                f"the message has {size:,} bytes in the service's form; "
                f"the limit is {limit:,} bytes"
            )
        return size

    def _transfer(self, link: SendLink, messages: Sequence[OutgoingMessage]) -> list[SentMessage]:
        sessions = self.client.known.sessions.get(self.path, False)
        try:
            return _transfer(link, messages, sessions=sessions)
        except Exception as error:
            if sessions or not is_not_allowed(error):
                raise
        # It wants a session with every message.
        sent = _transfer(link, messages, sessions=True)
        self.client.known.sessions[self.path] = True
        return sent


def _transfer(
    link: SendLink, messages: Sequence[OutgoingMessage], *, sessions: bool
) -> list[SentMessage]:
    outgoing = [encode(message, sessions=sessions) for message in messages]
    if len(outgoing) == 1:
        link.send(outgoing[0])
    else:
        link.send(batch(outgoing, [encoded(message) for message in outgoing]))
    return [SentMessage(id=message_id(message)) for message in outgoing]


def _runs(sizes: dict[int, int], limit: int) -> Iterator[list[int]]:
    """The messages in runs that fit into one transfer each."""
    run: list[int] = []
    total = ENVELOPE_BYTES
    for index, size in sizes.items():
        if run and total + size + PART_BYTES > limit:
            yield run
            run, total = [], ENVELOPE_BYTES
        run.append(index)
        total += size + PART_BYTES
    if run:
        yield run
