"""Queues and their tasks. Whoever calls holds the lock."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.cloud import tasks_v2

from emulators.cloud_tasks.errors import exists, invalid, missing, not_now

TOMBSTONE_SECONDS = 3 * 86400.0
NAME_SECONDS = 86400.0
"""How long the name of a task is taken after the task has gone."""
QUEUE = re.compile(r"projects/[^/]+/locations/[a-z0-9-]+/queues/[A-Za-z0-9-]{1,100}")
TASK = re.compile(rf"({QUEUE.pattern})/tasks/[A-Za-z0-9_-]{{1,500}}")

State = tasks_v2.Queue.State


@dataclass
class StoredTask:
    """A task.

    Attributes:
        task: As the service describes it.
        due: When it is to be attempted, in seconds since 1970.
        attempts: Attempts that have begun.
        executions: Answers that were no 5xx.
        previous: Status of the last answer.
        first: When the first attempt began.
        running: Whether an attempt is under way.
    """

    task: Any
    due: float
    attempts: int = 0
    executions: int = 0
    previous: int | None = None
    first: float | None = None
    running: bool = False


@dataclass
class StoredQueue:
    """A queue.

    Attributes:
        queue: As the service describes it.
        tasks: By name.
        gone: Names of tasks that have gone, and until when they are taken.
        running: Attempts under way.
    """

    queue: Any
    tasks: dict[str, StoredTask] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    running: int = 0

    def remove(self, name: str) -> None:
        """A task is done, deleted or given up."""
        if self.tasks.pop(name, None) is not None:
            self.gone[name] = time.time() + NAME_SECONDS


class Store:
    """All queues.

    Attributes:
        changed: Holds the lock; notified when something may be due earlier.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._queues: dict[str, StoredQueue] = {}
        self._deleted: dict[str, float] = {}

    def create(self, description: Any) -> StoredQueue:
        """Make a queue.

        Raises:
            Refusal: Its name is taken, or was lately.
        """
        name = description.name
        if not QUEUE.fullmatch(name):
            raise invalid(f"Queue name {name!r} is not valid.")
        if name in self._queues:
            raise exists("Queue already exists")
        if self._deleted.get(name, 0.0) > time.time():
            raise not_now(
                "The queue cannot be created because a queue with this name existed too recently."
            )
        stored = self._queues[name] = StoredQueue(description)
        return stored

    def queue(self, name: str) -> StoredQueue:
        """A queue.

        Raises:
            Refusal: There is none.
        """
        if name not in self._queues:
            raise missing(
                "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
            )
        return self._queues[name]

    def delete(self, name: str) -> None:
        """Remove a queue with its tasks."""
        self.queue(name)
        del self._queues[name]
        self._deleted[name] = time.time() + TOMBSTONE_SECONDS

    def task(self, name: str) -> tuple[StoredQueue, StoredTask]:
        """A task, and its queue.

        Raises:
            Refusal: There is none.
        """
        match = TASK.fullmatch(name)
        if match is None:
            raise invalid(f"Task name {name!r} is not valid.")
        queue = self.queue(match[1])
        if name not in queue.tasks:
            reason = "existed too recently" if name in queue.gone else "does not exist"
            raise missing(f"The task {reason}.")
        return queue, queue.tasks[name]

    def names(self) -> list[str]:
        """Of the queues, in order."""
        return sorted(self._queues)

    def waiting(self) -> Iterator[tuple[StoredQueue, StoredTask]]:
        """Tasks that may be attempted when they are due."""
        for queue in self._queues.values():
            limit = queue.queue.rate_limits.max_concurrent_dispatches
            if queue.queue.state == State.RUNNING and queue.running < limit:
                for task in list(queue.tasks.values()):
                    if not task.running:
                        yield queue, task
