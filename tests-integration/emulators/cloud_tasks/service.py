"""The API over gRPC, as the SDK's own description of it has it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud import tasks_v2
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from emulators.cloud_tasks.dispatch import Dispatcher
from emulators.cloud_tasks.errors import Refusal, exists, invalid
from emulators.cloud_tasks.store import TASK, State, Store, StoredTask

MAX_TASK_BYTES = 1024 * 1024
MAX_AHEAD_SECONDS = 30 * 86400
MAX_HEADER_BYTES = 80 * 1024
DEFAULT_PAGE = 1000

Method = Callable[[Any], Any]


class Service:
    """Answers calls.

    Args:
        store: Queues and tasks.
        dispatcher: Attempts tasks.
    """

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a server of gRPC is given."""
        queue, task = tasks_v2.Queue, tasks_v2.Task
        methods: dict[str, tuple[Method, Any, Any]] = {
            "CreateQueue": (self._create_queue, tasks_v2.CreateQueueRequest, queue),
            "GetQueue": (self._get_queue, tasks_v2.GetQueueRequest, queue),
            "UpdateQueue": (self._update_queue, tasks_v2.UpdateQueueRequest, queue),
            "ListQueues": (
                self._list_queues,
                tasks_v2.ListQueuesRequest,
                tasks_v2.ListQueuesResponse,
            ),
            "DeleteQueue": (self._delete_queue, tasks_v2.DeleteQueueRequest, None),
            "PurgeQueue": (self._purge_queue, tasks_v2.PurgeQueueRequest, queue),
            "PauseQueue": (self._pause_queue, tasks_v2.PauseQueueRequest, queue),
            "ResumeQueue": (self._resume_queue, tasks_v2.ResumeQueueRequest, queue),
            "CreateTask": (self._create_task, tasks_v2.CreateTaskRequest, task),
            "GetTask": (self._get_task, tasks_v2.GetTaskRequest, task),
            "ListTasks": (
                self._list_tasks,
                tasks_v2.ListTasksRequest,
                tasks_v2.ListTasksResponse,
            ),
            "DeleteTask": (self._delete_task, tasks_v2.DeleteTaskRequest, None),
            "RunTask": (self._run_task, tasks_v2.RunTaskRequest, task),
        }
        return grpc.method_handlers_generic_handler(
            "google.cloud.tasks.v2.CloudTasks",
            {name: self._handler(*parts) for name, parts in methods.items()},
        )

    def _handler(self, method: Method, request: Any, answer: Any) -> grpc.RpcMethodHandler:
        def call(given: Any, context: grpc.ServicerContext) -> Any:
            try:
                with self._store.changed:
                    result = method(given)
                    self._store.changed.notify_all()
                    return (
                        Empty()
                        if result is None
                        else type(result).FromString(result.SerializeToString())
                    )
            except Refusal as refusal:
                context.abort(refusal.code, refusal.message)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=request.pb().FromString,
            response_serializer=(Empty if answer is None else answer.pb()).SerializeToString,
        )

    # Queues

    def _create_queue(self, request: Any) -> Any:
        queue = request.queue
        if not queue.name.startswith(f"{request.parent}/queues/"):
            raise invalid("The queue name from request must match the parent.")
        queue.state = State.RUNNING
        limits, retry = queue.rate_limits, queue.retry_config
        limits.max_dispatches_per_second = limits.max_dispatches_per_second or 500
        limits.max_concurrent_dispatches = limits.max_concurrent_dispatches or 1000
        limits.max_burst_size = 100
        retry.max_attempts = retry.max_attempts or 100
        retry.max_doublings = retry.max_doublings or 16
        if not retry.HasField("min_backoff"):
            retry.min_backoff.FromMilliseconds(100)
        if not retry.HasField("max_backoff"):
            retry.max_backoff.FromSeconds(3600)
        return self._store.create(queue).queue

    def _get_queue(self, request: Any) -> Any:
        return self._store.queue(request.name).queue

    def _update_queue(self, request: Any) -> Any:
        stored = self._store.queue(request.queue.name)
        for path in request.update_mask.paths or ("rate_limits", "retry_config"):
            if path.partition(".")[0] not in {"rate_limits", "retry_config"}:
                raise invalid(f"The double does not update {path}.")
        request.update_mask.MergeMessage(request.queue, stored.queue, True, True)
        return stored.queue

    def _list_queues(self, request: Any) -> Any:
        prefix = f"{request.parent}/queues/"
        names = [name for name in self._store.names() if name.startswith(prefix)]
        shown, token = _page(names, request.page_size, request.page_token)
        queues = [self._store.queue(name).queue for name in shown]
        return tasks_v2.ListQueuesResponse.pb()(queues=queues, next_page_token=token)

    def _delete_queue(self, request: Any) -> None:
        self._store.delete(request.name)

    def _purge_queue(self, request: Any) -> Any:
        stored = self._store.queue(request.name)
        for name in list(stored.tasks):
            stored.remove(name)
        stored.queue.purge_time.GetCurrentTime()
        return stored.queue

    def _pause_queue(self, request: Any) -> Any:
        return self._set_state(request.name, State.PAUSED)

    def _resume_queue(self, request: Any) -> Any:
        return self._set_state(request.name, State.RUNNING)

    def _set_state(self, name: str, state: int) -> Any:
        stored = self._store.queue(name)
        stored.queue.state = state
        return stored.queue

    # Tasks

    def _create_task(self, request: Any) -> Any:
        queue, task, now = self._store.queue(request.parent), request.task, time.time()
        if not task.name:
            task.name = f"{request.parent}/tasks/{secrets.randbelow(10**19):019}"
        match = TASK.fullmatch(task.name)
        if match is None or match[1] != request.parent:
            raise invalid("The task name from request must match the queue.")
        if task.name in queue.tasks:
            raise exists("Requested entity already exists")
        if queue.gone.get(task.name, 0.0) > now:
            raise exists(
                "The task cannot be created because a task with this name existed too recently."
            )
        due = task.schedule_time.ToMicroseconds() / 1e6
        _check(task, due - now)
        if due < now:
            due = now
            task.schedule_time.GetCurrentTime()
        task.create_time.FromSeconds(int(now))
        task.view = tasks_v2.Task.View.BASIC
        queue.tasks[task.name] = StoredTask(task, due)
        return _basic(task)

    def _get_task(self, request: Any) -> Any:
        _, stored = self._store.task(request.name)
        full = request.response_view == tasks_v2.Task.View.FULL
        return stored.task if full else _basic(stored.task)

    def _list_tasks(self, request: Any) -> Any:
        queue = self._store.queue(request.parent)
        shown, token = _page(sorted(queue.tasks), request.page_size, request.page_token)
        full = request.response_view == tasks_v2.Task.View.FULL
        found = [queue.tasks[name].task for name in shown]
        tasks = found if full else [_basic(task) for task in found]
        return tasks_v2.ListTasksResponse.pb()(tasks=tasks, next_page_token=token)

    def _delete_task(self, request: Any) -> None:
        queue, _ = self._store.task(request.name)
        queue.remove(request.name)

    def _run_task(self, request: Any) -> Any:
        queue, stored = self._store.task(request.name)
        if not stored.running:
            self._dispatcher.attempt(queue, stored)
        return _basic(stored.task)


def serve(service: Service, address: str) -> grpc.Server:
    """A server of gRPC that has been started.

    Args:
        service: What it serves.
        address: Host and port.
    """
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((service.handlers(),))
    if not server.add_insecure_port(address):
        raise OSError(f"cannot listen on {address}")
    server.start()
    return server


def _check(task: Any, ahead: float) -> None:
    request = task.http_request
    if not request.url.startswith(("http://", "https://")):
        raise invalid("HttpRequest.url must start with 'http://' or 'https://'.")
    if ahead > MAX_AHEAD_SECONDS:
        raise invalid("The task's schedule_time is too far in the future.")
    if task.ByteSize() > MAX_TASK_BYTES:
        raise invalid(f"Task size too large, the limit is {MAX_TASK_BYTES} bytes.")
    if sum(len(k) + len(v) for k, v in request.headers.items()) > MAX_HEADER_BYTES:
        raise invalid("The headers are too large.")
    deadline = task.dispatch_deadline.ToTimedelta().total_seconds()
    if deadline and not 15 <= deadline <= 1800:
        raise invalid("Task.dispatchDeadline must be between [15s, 30m].")


def _basic(task: Any) -> Any:
    shown = type(task)()
    shown.CopyFrom(task)
    shown.http_request.ClearField("body")
    return shown


def _page(names: list[str], size: int, token: str) -> tuple[list[str], str]:
    left = [name for name in names if name > token]
    shown = left[: min(size or DEFAULT_PAGE, DEFAULT_PAGE)]
    return shown, shown[-1] if len(left) > len(shown) else ""
