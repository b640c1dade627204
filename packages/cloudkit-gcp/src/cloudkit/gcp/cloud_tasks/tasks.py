"""The messages that wait in a queue. The functions block; they run in worker threads."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from cloudkit.api.paging import Page
from cloudkit.gcp.cloud_tasks.models import TaskInfo
from cloudkit.gcp.cloud_tasks.operations import DeleteTask, ListTasks
from cloudkit.gcp.pubsub.names import last_part

if TYPE_CHECKING:
    from cloudkit.gcp.cloud_tasks.client import TasksClient

PAGE_SIZE = 1000


def list_tasks(client: TasksClient, op: ListTasks) -> Page[TaskInfo]:
    """One page, in no order. A token is the service's own."""
    request = {
        "parent": client.queue(op.queue),
        "page_size": min(op.page_size or PAGE_SIZE, PAGE_SIZE),
        "page_token": op.page_token or "",
    }
    pages = client.service.list_tasks(request=request, **client.options).pages
    page = next(iter(pages))
    return Page([_info(task) for task in page.tasks], page.next_page_token or None)


def delete_task(client: TasksClient, op: DeleteTask) -> None:
    """Drop a message."""
    client.service.delete_task(name=client.task(op.queue, op.task), **client.options)


def _info(task: Any) -> TaskInfo:
    return TaskInfo(
        id=last_part(task.name),
        due_at=task.schedule_time.astimezone(UTC),
        created_at=task.create_time.astimezone(UTC),
        attempts=task.dispatch_count,
    )
