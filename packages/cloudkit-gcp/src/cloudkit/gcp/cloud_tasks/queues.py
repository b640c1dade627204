"""The queues themselves. The functions block; they run in worker threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from cloudkit.common import ConflictError
from cloudkit.gcp.errors import code_of
from cloudkit.gcp.pubsub.names import last_part

if TYPE_CHECKING:
    from cloudkit.gcp.cloud_tasks.client import TasksClient
    from google.cloud.tasks_v2 import Queue

Change: TypeAlias = Literal["delete_queue", "purge_queue", "pause_queue", "resume_queue"]

PAGE_SIZE = 1000


def create(client: TasksClient, name: str) -> None:
    """Create a queue that tries each message until it is 31 days old.

    Raises:
        ConflictError: The name was free too short a time ago.
    """
    # By default a message would be dropped after a hundred attempts.
    queue = {"name": client.queue(name), "retry_config": {"max_attempts": -1}}
    request = {"parent": client.parent, "queue": queue}
    try:
        client.service.create_queue(request=request, **client.options)
    except Exception as error:
        if code_of(error) != "FAILED_PRECONDITION":
            raise
        raise ConflictError(
            f"the name {name!r} is not free yet",
            code="FAILED_PRECONDITION",
            hint="The name of a queue that was deleted is taken for up to 3 days.",
        ) from error


def change(client: TasksClient, method: Change, name: str) -> None:
    """Call a method of the SDK's that takes a queue and gives nothing back that is wanted."""
    getattr(client.service, method)(name=client.queue(name), **client.options)


def find(client: TasksClient, name: str) -> Queue:
    """What the service says of a queue; its own error when there is none."""
    return client.service.get_queue(name=client.queue(name), **client.options)


def is_paused(client: TasksClient, name: str) -> bool:
    """Whether nothing of a queue is posted."""
    found = find(client, name)
    return found.state != type(found).State.RUNNING


def names(client: TasksClient) -> list[str]:
    """The names of all queues, in no order."""
    request = {"parent": client.parent, "page_size": PAGE_SIZE}
    found = client.service.list_queues(request=request, **client.options)
    return [last_part(queue.name) for queue in found]
