"""Messages into requests to SQS, and the answers of its batches. Blocks."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.aws.errors import from_answer
from cloudkit.aws.sqs.messages import Encoded, encode
from cloudkit.aws.sqs.queues import Address
from cloudkit.common import CloudError, CloudResult, UnsupportedOperationError, ValidationError

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

T = TypeVar("T")

MAX_BYTES = 1024 * 1024
"""Bytes that SQS takes, of one message and of a whole batch."""
UNNAMED = "cloudkit-none-"
"""What groups and ids begin with that nobody asked for."""


def request(address: Address, message: OutgoingMessage) -> dict[str, Any]:
    """The parameters of a message.

    Args:
        address: The queue.
        message: The message.

    Raises:
        CloudError: The queue does not take it.
    """
    if address.fifo:
        _check_fifo(message)
    elif message.group is not None or message.dedup_id is not None:
        raise ValidationError(
            f"group and dedup_id are for fifo queues, and {address.name!r} is none",
            hint="Make it with create_queue(..., fifo=True).",
        )
    encoded = encode(message.body, message.attributes)
    encoded.check_size(MAX_BYTES)
    parameters = body_of(encoded, "MessageBody")
    if message.delay:
        parameters["DelaySeconds"] = math.ceil(message.delay)
    if address.fifo:
        parameters |= order_of(message.group, message.dedup_id)
    return parameters


def body_of(encoded: Encoded, name: str) -> dict[str, Any]:
    """The parameters of body and attributes; SQS and SNS name the body differently."""
    parameters: dict[str, Any] = {name: encoded.text}
    if encoded.attributes:
        parameters["MessageAttributes"] = dict(encoded.attributes)
    return parameters


def order_of(group: str | None, dedup_id: str | None) -> dict[str, str]:
    """The parameters that a FIFO queue or topic asks for with every message.

    Args:
        group: The group; None for a message that need not wait for any other.
        dedup_id: None for a message that is never a duplicate, whatever its body.

    Raises:
        ValidationError: One begins like those that are made up here.
    """
    return {
        "MessageGroupId": _given("group", group),
        "MessageDeduplicationId": _given("dedup_id", dedup_id),
    }


def named(value: str | None) -> str | None:
    """A group or id that somebody gave; None for one that ``order_of`` made up."""
    return None if value is None or value.startswith(UNNAMED) else value


def _given(what: str, value: str | None) -> str:
    if value is None:
        return f"{UNNAMED}{uuid.uuid4().hex}"
    if value.startswith(UNNAMED):
        raise ValidationError(f"{what} must not begin with {UNNAMED!r}: {value!r}")
    return value


def _check_fifo(message: OutgoingMessage) -> None:
    if message.delay:
        raise UnsupportedOperationError(
            "a message to a fifo queue cannot have a delay of its own",
            capability="queue.delay",
            hint="SQS knows one delay for all messages of a FIFO queue: its attribute DelaySeconds.",
        )


def send_all(client: SQSClient, address: Address, requests: Mapping[str, Any]) -> dict[str, Any]:
    """Send requests as one batch.

    Args:
        client: The client.
        address: The queue.
        requests: Id → the parameters of a message.

    Returns:
        Id → a result with what became of it.
    """
    entries: Any = [{"Id": key, **parameters} for key, parameters in requests.items()]
    answer: Any = client.send_message_batch(QueueUrl=address.url, Entries=entries)
    return outcomes(answer, sent)


def sent(answer: Mapping[str, Any]) -> SentMessage:
    """What became of a message, by the answer to it."""
    return SentMessage(id=answer["MessageId"], sequence=answer.get("SequenceNumber"))


def outcomes(
    answer: Mapping[str, Any], value: Callable[[Mapping[str, Any]], T]
) -> dict[str, CloudResult[T]]:
    """The answer to a batch: id → result.

    Args:
        answer: Lists of what succeeded and what failed.
        value: The value of an entry that succeeded.
    """
    results = {
        entry["Id"]: CloudResult.success(value(entry)) for entry in answer.get("Successful", ())
    }
    for entry in answer.get("Failed", ()):
        error = from_answer(
            400 if entry.get("SenderFault") else 500, entry.get("Code"), entry.get("Message")
        )
        error.unprocessed = True  # the service has answered that it did not do it
        results[entry["Id"]] = CloudResult.failure(error)
    return results


def send_batch(
    messages: Sequence[OutgoingMessage],
    make: Callable[[OutgoingMessage], dict[str, Any]],
    send: Callable[[dict[str, Any]], dict[str, CloudResult[SentMessage]]],
) -> list[CloudResult[SentMessage]]:
    """Send those of some messages that can be sent.

    Args:
        messages: The messages.
        make: Makes the parameters of one, or raises.
        send: Sends some: id → parameters.

    Returns:
        One result each, in order.
    """
    requests: dict[str, Any] = {}
    results: dict[str, CloudResult[SentMessage]] = {}
    for index, message in enumerate(messages):
        try:
            requests[str(index)] = make(message)
        except CloudError as error:
            results[str(index)] = CloudResult.failure(error)
    if requests:
        results |= send(requests)
    return [results[str(index)] for index in range(len(messages))]
