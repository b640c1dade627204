"""Operations of Cloud Tasks that other queues do not have."""

from __future__ import annotations

from attrs import field, frozen
from cloudkit.api.paging import Page
from cloudkit.api.queue.operations import QueueOperation
from cloudkit.api.validation import is_optional_count, is_text
from cloudkit.gcp.cloud_tasks.models import TaskInfo


@frozen(kw_only=True, eq=False)
class PauseQueue(QueueOperation[None]):
    """Post nothing more."""

    name = "pause"
    safe = True


@frozen(kw_only=True, eq=False)
class ResumeQueue(QueueOperation[None]):
    """Go on posting."""

    name = "resume"
    safe = True


@frozen(kw_only=True, eq=False)
class DescribeState(QueueOperation[bool]):
    """Whether a queue is paused."""

    name = "is_paused"
    safe = True


@frozen(kw_only=True, eq=False)
class ListTasks(QueueOperation[Page[TaskInfo]]):
    """One page of a queue's messages."""

    name = "list_tasks"
    safe = True
    page_size: int | None = field(default=None, validator=is_optional_count)
    page_token: str | None = None


@frozen(kw_only=True, eq=False)
class DeleteTask(QueueOperation[None]):
    """Drop one message."""

    name = "delete_task"
    task: str = field(validator=is_text)

    @property
    def resource(self) -> str:
        """Queue and message."""
        return f"{self.queue} task {self.task}"
