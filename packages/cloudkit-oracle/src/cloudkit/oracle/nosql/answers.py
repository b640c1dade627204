"""What the service says when it refuses."""

from __future__ import annotations

from typing import TypeVar

from cloudkit.common import CloudError
from cloudkit.oracle.errors import status_of, translate

ErrorT = TypeVar("ErrorT", bound=CloudError)


def is_missing(error: Exception) -> bool:
    """Whether the service says that there is no such table. A missing row is no error."""
    return not isinstance(error, CloudError) and status_of(error) == 404


def is_mismatch(error: Exception) -> bool:
    """Whether a row is not the one that a request asked for."""
    return status_of(error) == 412


def with_facts(failure: ErrorT, error: Exception | None) -> ErrorT:
    """The failure with the service's code, status and request id."""
    known = None if error is None else translate(error)
    if known is not None:
        failure.code, failure.status = known.code, known.status
        failure.request_id = known.request_id
    return failure
