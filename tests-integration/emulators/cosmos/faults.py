"""Faults on demand, for tests of how clients take them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from emulators.cosmos.errors import CosmosError, errors_of
from emulators.web import Response


class Faults:
    """What the next requests for items are to meet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._plan: dict[str, Any] = {}

    def plan(self, plan: dict[str, Any]) -> Response:
        """Let requests fail, as ``fail_next`` describes it."""
        with self._lock:
            self._left, self._plan = plan["count"], plan
        return Response(204)

    def meet(self, carry_out: Callable[[], Response]) -> Response:
        """Carry out a request, or fail.

        Raises:
            CosmosError: The one that was asked for.
        """
        with self._lock:
            fails, plan = self._left > 0, self._plan
            self._left -= fails
        if not fails:
            return carry_out()
        if plan["after"]:
            carry_out()
        delay = plan["retry_after_ms"]
        headers = {} if delay is None else {"x-ms-retry-after-ms": str(delay)}
        message = errors_of("Request rate is large. More Request Units may be needed.")
        raise CosmosError(plan["status"], message, plan["substatus"], headers=headers)
