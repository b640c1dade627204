"""What the service says when it refuses."""

from __future__ import annotations

from cloudkit.common import CloudError
from cloudkit.oracle.errors import status_of


def is_missing(error: Exception) -> bool:
    """Whether the service says that there is no such table. A missing row is no error."""
    return not isinstance(error, CloudError) and status_of(error) == 404


def is_mismatch(error: Exception) -> bool:
    """Whether a row is not the one that a request asked for."""
    return status_of(error) == 412
