"""Dead letters back to their queue. Blocks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from cloudkit.aws.sqs.messages import REASON, Encoded
from cloudkit.aws.sqs.queues import Address
from cloudkit.aws.sqs.sending import MAX_BYTES, named, order_of, outcomes, send_all
from cloudkit.common import CloudError

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

BATCH = 10
LEASE_SECONDS = 60
WAIT_SECONDS = 1
"""A receive that waits asks all servers of SQS; one that does not may miss what is there."""


@frozen(eq=False)
class Redriving:
    """Receives, sends and removes, ten at a time.

    SQS's own move task takes no number of messages, tells late how many there were, and does not run
    beside another one. What fails in between leaves a message twice, and never nowhere.

    Attributes:
        client: The client.
        dead: Where the dead letters are.
        queue: Where they go.
        unwanted: Set when nobody waits for it any more: what is under way is brought to its end.
    """

    client: SQSClient
    dead: Address
    queue: Address
    unwanted: threading.Event = field(factory=threading.Event)

    def run(self, limit: int | None) -> int:
        """Move.

        Args:
            limit: At most so many; None for all.

        Returns:
            How many were moved.
        """
        moved = 0
        while not self.unwanted.is_set() and (limit is None or moved < limit):
            wanted = BATCH if limit is None else min(BATCH, limit - moved)
            messages = self._receive(wanted)
            if not messages:
                break
            moved += self._move(messages)
        return moved

    def _receive(self, count: int) -> Mapping[str, Any]:
        answer: Any = self.client.receive_message(
            QueueUrl=self.dead.url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=LEASE_SECONDS,
            MessageSystemAttributeNames=["MessageGroupId"],
            MessageAttributeNames=["All"],
        )
        return {str(index): raw for index, raw in enumerate(answer.get("Messages", ()))}

    def _move(self, messages: Mapping[str, Any]) -> int:
        requests = {key: self._request(raw) for key, raw in messages.items()}
        results: dict[str, Any] = {}
        for batch in _batches(requests):
            results |= send_all(self.client, self.queue, batch)
        done = [key for key, result in results.items() if result.ok]
        self._settle(messages, done)
        errors = [result.error for result in results.values() if result.error is not None]
        if errors:
            raise errors[0]
        return len(done)

    def _request(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {
            name: _sendable(value)
            for name, value in raw.get("MessageAttributes", {}).items()
            if name != REASON
        }
        parameters: dict[str, Any] = {"MessageBody": raw["Body"]}
        if attributes:
            parameters["MessageAttributes"] = attributes
        if self.queue.fifo:
            group = raw.get("Attributes", {}).get("MessageGroupId")
            parameters |= order_of(named(group), None)
        return parameters

    def _settle(self, messages: Mapping[str, Any], done: list[str]) -> None:
        """Remove what was sent; give the rest back."""
        handles = {
            key: {"Id": key, "ReceiptHandle": m["ReceiptHandle"]} for key, m in messages.items()
        }
        gone: Any = [handles[key] for key in done]
        back: Any = [
            {**handles[key], "VisibilityTimeout": 0} for key in messages if key not in done
        ]
        if gone:
            answer: Any = self.client.delete_message_batch(QueueUrl=self.dead.url, Entries=gone)
            for result in outcomes(answer, lambda entry: entry).values():
                _raise(result.error)
        if back:
            self.client.change_message_visibility_batch(QueueUrl=self.dead.url, Entries=back)


def _raise(error: CloudError | None) -> None:
    if error is not None:
        raise error


def _sendable(value: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute without the empty lists that come with it."""
    names = ("DataType", "StringValue", "BinaryValue")
    return {name: value[name] for name in names if name in value}


def _batches(requests: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All in one batch, or one by one where a batch would be larger than SQS takes."""
    total = sum(
        Encoded(parameters["MessageBody"], parameters.get("MessageAttributes", {})).size
        for parameters in requests.values()
    )
    if total <= MAX_BYTES:
        return [requests]
    return [{key: parameters} for key, parameters in requests.items()]
