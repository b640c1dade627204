"""What the service says when it refuses: the SDK gives it with an error, whose class is not imported."""

from __future__ import annotations

from typing import Final

from cloudkit.azure.errors import status_of

NO_OWNER: Final = 1003
"""Substatus of 404: there is no container, or no database, to look in."""

COLLECTION_REPLACED: Final = "1024"
"""Substatus of 400: the container is not the one whose id the request names."""

WRONG_PARTITION: Final = 1001
"""Substatus of 400: the item has its partition key elsewhere."""


def substatus_of(error: Exception) -> int | None:
    """The service's substatus; None when there is none, or 0."""
    found = getattr(error, "sub_status", None)
    return found or None


def is_missing_item(error: Exception) -> bool:
    """Whether there is no such item, while its container is there.

    404 with a substatus says something else: 1002 for one that a replica does not know of yet.
    """
    return status_of(error) == 404 and substatus_of(error) is None and _is_about_items(error)


def is_missing_table(error: Exception) -> bool:
    """Whether there is no such container, or no database."""
    if status_of(error) != 404:
        return False
    return substatus_of(error) == NO_OWNER or (
        substatus_of(error) is None and not _is_about_items(error)
    )


def is_stale(error: Exception) -> bool:
    """Whether the container may not be the one that was remembered."""
    return (
        is_missing_table(error)
        or type(error).__name__ == "ContainerReplacedError"
        or (status_of(error) == 400 and substatus_of(error) == WRONG_PARTITION)
    )


def _is_about_items(error: Exception) -> bool:
    request = getattr(getattr(error, "response", None), "request", None)
    return "/docs" in str(getattr(request, "url", "/docs"))
