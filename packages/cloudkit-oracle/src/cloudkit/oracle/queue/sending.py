"""Messages into requests to Queue, and what it answers of the parts of a batch. Blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudkit.api.messaging import SentMessage
from cloudkit.common import CloudError, PreconditionFailedError
from cloudkit.oracle.errors import from_answer
from cloudkit.oracle.queue.messages import Encoded, to_entry
from cloudkit.oracle.queue.queues import Address

BATCH = 20
"""Messages of one request: https://docs.oracle.com/en-us/iaas/Content/queue/overview.htm"""
MAX_REQUEST = 512_000
"""Bytes of one request to put messages; "512 KB" there."""


def put(client: Any, address: Address, messages: Sequence[Encoded]) -> list[SentMessage]:
    """Send messages, all or none of them.

    Args:
        client: The client of the queue's messages.
        address: The queue.
        messages: At most ``BATCH``.
    """
    from oci.queue.models import PutMessagesDetails  # type: ignore[import-untyped]

    details = PutMessagesDetails(messages=[to_entry(message) for message in messages])
    answer = client.put_messages(address.id, details)
    return [SentMessage(id=str(sent.id)) for sent in answer.data.messages]


def delete(client: Any, address: Address, receipts: Sequence[str]) -> list[CloudError | None]:
    """Remove messages.

    Returns:
        For each, in order: why it was not removed. A message whose lease is over is no error: it is
        gone already, or it will come again.
    """
    from oci.queue.models import DeleteMessagesDetails, DeleteMessagesDetailsEntry

    entries = [DeleteMessagesDetailsEntry(receipt=receipt) for receipt in receipts]
    answer = client.delete_messages(address.id, DeleteMessagesDetails(entries=entries))
    errors = [_refusal(entry) for entry in answer.data.entries]
    return [None if isinstance(error, PreconditionFailedError) else error for error in errors]


def hide(client: Any, address: Address, seconds: Mapping[str, int]) -> list[CloudError | None]:
    """Change when leases end.

    Args:
        client: The client of the queue's messages.
        address: The queue.
        seconds: Receipt → from now until the message can be had.

    Returns:
        For each, in order: why it was not changed.
    """
    from oci.queue.models import UpdateMessagesDetails, UpdateMessagesDetailsEntry

    entries = [
        UpdateMessagesDetailsEntry(receipt=receipt, visibility_in_seconds=length)
        for receipt, length in seconds.items()
    ]
    answer = client.update_messages(address.id, UpdateMessagesDetails(entries=entries))
    return [_refusal(entry) for entry in answer.data.entries]


def raise_first(errors: Sequence[CloudError | None]) -> None:
    """Raise the first error, if there is one."""
    for error in errors:
        if error is not None:
            raise error


def _refusal(entry: Any) -> CloudError | None:
    """Why an entry of a batch was refused.

    The codes are those of HTTP, and it is not documented which ones stand for a receipt that is not
    valid any more. As the service has made all receipts, what it finds wrong with one is its age.
    """
    status = entry.error_code
    if status is None:
        return None
    if 400 <= status < 500 and status not in {408, 429}:
        return PreconditionFailedError(
            entry.error_message or "the lease has ended", status=status, code=str(status)
        )
    error = from_answer(status, str(status), entry.error_message)
    error.unprocessed = True  # the service has answered that it did not do it
    return error
