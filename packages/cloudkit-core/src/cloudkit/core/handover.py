"""What a worker thread brings to a task that may be gone by then."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Sees to it that one of the two has the outcome of a call, never both and never none.

    Cancelling a task does not end the call that its thread makes. The thread brings the outcome, or
    hears that nobody wants it; the task that gives up learns whether it had been brought just before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = True
        self._brought: T | None = None

    def bring(self, outcome: T) -> bool:
        """Leave the outcome for the task; called in the thread.

        Returns:
            False when the task is gone, so that the thread has to undo what it did.
        """
        with self._lock:
            self._brought = outcome
            return self._wanted

    def give_up(self) -> T | None:
        """Want it no more; called by the task.

        Returns:
            The outcome, if it had been brought: then the task has to have it undone.
        """
        with self._lock:
            self._wanted = False
            return self._brought
