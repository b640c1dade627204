"""What Cloud Tasks gives besides queues."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen(kw_only=True)
class TaskInfo:
    """A message that has not been handled yet.

    Attributes:
        id: Its name in the queue.
        due_at: When it is posted, or posted again.
        created_at: When it was sent.
        attempts: How often it was posted.
    """

    id: str
    due_at: datetime
    created_at: datetime
    attempts: int
