"""What the service says when it refuses: boto3 gives it with an error, whose class is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudkit.aws.dynamodb.items import RawItem
from cloudkit.aws.errors import translate
from cloudkit.common import PayloadTooLargeError
from cloudkit.core.writes import with_facts

CONDITION_FAILED = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})
CANCELED = "TransactionCanceledException"


def code_of(error: Exception) -> str:
    """The service's code without its namespace; empty for errors of another kind."""
    return str(_response(error).get("Error", {}).get("Code", "")).rpartition("#")[2]


def item_in(error: Exception) -> RawItem | None:
    """The item whose condition did not hold; None when there is none."""
    item: RawItem | None = _response(error).get("Item")
    return item or None


def reasons_in(error: Exception) -> Sequence[Mapping[str, Any]]:
    """Why a transaction was cancelled: an entry for each of its writes."""
    reasons: Sequence[Mapping[str, Any]] = _response(error).get("CancellationReasons") or ()
    return reasons


def too_large(error: Exception) -> PayloadTooLargeError | None:
    """That an update would make the item too large, which the service calls a wrong argument."""
    message = str(_response(error).get("Error", {}).get("Message", ""))
    if code_of(error) != "ValidationException" or not says_too_large(message):
        return None
    failure = PayloadTooLargeError("the item would become larger than 400 KB")
    return with_facts(failure, translate(error))


def says_too_large(message: str) -> bool:
    """Whether this is what the service says of an item that is too large."""
    return "maximum allowed size" in message


def _response(error: Exception) -> Mapping[str, Any]:
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else {}
