"""Posts tasks to their targets when they are due, and again when they fail."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from google.cloud import tasks_v2

from emulators.cloud_tasks.store import Store, StoredQueue, StoredTask

IDLE_SECONDS = 60.0

SignToken = Callable[[str, str], str]
"""Makes an ID token of a service account for an audience."""


class Dispatcher:
    """One thread that watches the clock, and one for each attempt.

    Args:
        store: The tasks.
        sign: Makes ID tokens.
    """

    def __init__(self, store: Store, sign: SignToken) -> None:
        self._store = store
        self._sign = sign

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._watch, daemon=True).start()

    def attempt(self, queue: StoredQueue, stored: StoredTask) -> None:
        """Begin an attempt now; the lock is held."""
        stored.running = True
        stored.attempts += 1
        stored.first = stored.first or time.time()
        queue.running += 1
        headers = self._headers(stored)
        threading.Thread(target=self._carry_out, args=(queue, stored, headers), daemon=True).start()

    def _watch(self) -> None:
        changed = self._store.changed
        with changed:
            while True:
                now = time.time()
                due = [pair for pair in self._store.waiting() if pair[1].due <= now]
                for queue, stored in sorted(due, key=lambda pair: pair[1].due):
                    if queue.running < queue.queue.rate_limits.max_concurrent_dispatches:
                        self.attempt(queue, stored)
                nearest = min((task.due for _, task in self._store.waiting()), default=None)
                pause = IDLE_SECONDS if nearest is None else nearest - time.time()
                if pause > 0:
                    changed.wait(pause)

    def _headers(self, stored: StoredTask) -> dict[str, str]:
        request = stored.task.http_request
        queue, _, task = stored.task.name.partition("/tasks/")
        headers = {"Content-Type": "application/octet-stream"} if request.body else {}
        headers |= dict(request.headers)
        headers |= {
            "User-Agent": "Google-Cloud-Tasks",
            "X-CloudTasks-QueueName": queue.rpartition("/")[2],
            "X-CloudTasks-TaskName": task,
            "X-CloudTasks-TaskRetryCount": str(stored.attempts - 1),
            "X-CloudTasks-TaskExecutionCount": str(stored.executions),
            "X-CloudTasks-TaskETA": f"{stored.due:.6f}",
        }
        if stored.previous is not None:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(stored.previous)
        if request.oidc_token.service_account_email:
            audience = request.oidc_token.audience or request.url
            token = self._sign(request.oidc_token.service_account_email, audience)
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _carry_out(self, queue: StoredQueue, stored: StoredTask, headers: dict[str, str]) -> None:
        task = stored.task
        deadline = task.dispatch_deadline.ToTimedelta().total_seconds() or 600.0
        status = send(task.http_request, headers, deadline)
        with self._store.changed:
            queue.running -= 1
            stored.running = False
            stored.previous = status
            stored.task.dispatch_count = stored.attempts
            if status is not None:
                stored.task.response_count += 1
                stored.executions += status < 500
            if (status is not None and 200 <= status < 300) or self._given_up(queue, stored):
                queue.remove(task.name)
            else:
                stored.due = time.time() + backoff(queue.queue.retry_config, stored.attempts)
            self._store.changed.notify_all()

    @staticmethod
    def _given_up(queue: StoredQueue, stored: StoredTask) -> bool:
        config = queue.queue.retry_config
        limit = config.max_retry_duration.ToTimedelta().total_seconds()
        often = 0 <= config.max_attempts <= stored.attempts
        return often and (not limit or time.time() - (stored.first or 0.0) >= limit)


def send(request: Any, headers: dict[str, str], deadline: float) -> int | None:
    """Make the request of a task; its status, or None when there is no answer in time.

    Args:
        request: The task's.
        headers: What is sent.
        deadline: Seconds.
    """
    url = urlsplit(request.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=deadline)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    method = tasks_v2.HttpMethod(request.http_method or 1).name
    try:
        connection.request(method, path, body=request.body, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def backoff(config: Any, attempts: int) -> float:
    """Seconds until the next attempt: doubled some times, then growing by as much each time.

    Args:
        config: The queue's.
        attempts: Those that failed.
    """
    least: float = config.min_backoff.ToTimedelta().total_seconds()
    most: float = config.max_backoff.ToTimedelta().total_seconds()
    doublings = min(attempts - 1, config.max_doublings)
    step: float = least * 2**doublings
    linear = max(attempts - 1 - config.max_doublings, 0)
    delay: float = min(step + linear * step, most)
    return delay
