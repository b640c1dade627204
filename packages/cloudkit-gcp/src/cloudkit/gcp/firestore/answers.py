"""What the service says of writes."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from cloudkit.gcp.errors import code_of

REFUSALS = frozenset({"ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND"})
"""Codes that say that a document is not what a write asked for."""


@frozen
class WriteOutcome:
    """What became of one write of a batch.

    Attributes:
        update_time: Of the document; None when it was not written.
        code: Why it was not, as gRPC calls it: ``"UNAVAILABLE"``.
        message: The same in words.
    """

    update_time: Any
    code: str | None = None
    message: str = ""


def is_refusal(error: Exception) -> bool:
    """Whether a document was not what a write asked for."""
    return code_of(error) in REFUSALS
