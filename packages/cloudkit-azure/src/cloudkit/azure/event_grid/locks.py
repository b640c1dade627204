"""Locks: how long they last, and why nothing can be done about one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from cloudkit.azure.errors import from_answer
from cloudkit.common import CloudError, NotFoundError

SHORTEST_LOCK = 60.0
"""Seconds of the shortest lock that a subscription of the service can have."""
REMEMBERED = 10_000


def lock_error(failed: Mapping[str, Any]) -> CloudError:
    """Why nothing could be done about a lock.

    Args:
        failed: One of ``failedLockTokens``.
    """
    error: Mapping[str, Any] = failed.get("error") or {}
    code = error.get("code") or failed.get("errorCode")
    message = error.get("message") or failed.get("errorDescription")
    found = from_answer(None, code, message)
    if found.retryable:
        return found
    return NotFoundError(f"the lock has ended: {message}", code=code)


class RecentTokens:
    """Locks that something was done about not long ago."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, None] = OrderedDict()

    def add(self, *tokens: str) -> None:
        """Remember some."""
        self._tokens.update(dict.fromkeys(tokens))
        while len(self._tokens) > REMEMBERED:
            self._tokens.popitem(last=False)

    def discard(self, *tokens: str) -> None:
        """Forget some."""
        for token in tokens:
            self._tokens.pop(token, None)

    def __contains__(self, token: str) -> bool:
        return token in self._tokens
