"""What the service says when it refuses a write."""

from __future__ import annotations

from typing import TypeVar

from cloudkit.common import CloudError
from cloudkit.gcp.errors import code_of, translate

ErrorT = TypeVar("ErrorT", bound=CloudError)

REFUSALS = frozenset({"ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND"})
"""Codes that say that a document is not what a write asked for."""


def is_refusal(error: Exception) -> bool:
    """Whether a document was not what a write asked for."""
    return code_of(error) in REFUSALS


def with_facts(failure: ErrorT, error: Exception) -> ErrorT:
    """The failure with the service's code, status and request id."""
    known = translate(error)
    if known is not None:
        failure.code, failure.status = known.code, known.status
        failure.request_id = known.request_id
    return failure
