"""Messages sent as tasks. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cloudkit.api.messaging import OutgoingMessage, SentMessage
from cloudkit.common import (
    CloudError,
    CloudResult,
    ConfigurationError,
    PayloadTooLargeError,
    utc_now,
)
from cloudkit.gcp.cloud_tasks.capabilities import MAX_TASK_BYTES
from cloudkit.gcp.cloud_tasks.encoding import task_id, to_request
from cloudkit.gcp.config import GcpConfig
from cloudkit.gcp.errors import code_of, translate
from cloudkit.gcp.pubsub.names import last_part

if TYPE_CHECKING:
    from cloudkit.gcp.cloud_tasks.client import TasksClient


def send(
    client: TasksClient, config: GcpConfig, queue: str, message: OutgoingMessage
) -> SentMessage:
    """Send a message.

    Args:
        client: The client.
        config: Where it is posted to, and with whose token.
        queue: The queue.
        message: The message.

    Returns:
        Its id; that of the first one when it is a duplicate, which is dropped.

    Raises:
        ConfigurationError: Nothing says where it is posted to.
        PayloadTooLargeError: It is larger than the service takes.
    """
    task = make_task(client, config, queue, message)
    name: str | None = task.get("name")
    request = {"parent": client.queue(queue), "task": task}
    try:
        made = client.service.create_task(request=request, **client.options)
    except Exception as error:
        if name is None or code_of(error) != "ALREADY_EXISTS":
            raise
        return SentMessage(id=last_part(name))
    return SentMessage(id=last_part(made.name))


def send_batch(
    client: TasksClient, config: GcpConfig, queue: str, messages: Sequence[OutgoingMessage]
) -> list[CloudResult[SentMessage]]:
    """Send messages one after the other; arguments as for ``send``.

    Returns:
        One result each, in order.
    """
    return [_attempt(client, config, queue, message) for message in messages]


def make_task(
    client: TasksClient, config: GcpConfig, queue: str, message: OutgoingMessage
) -> dict[str, Any]:
    """The task of a message; arguments and errors as for ``send``."""
    target, deadline = config.tasks_target, config.tasks_deadline
    if target is None:
        raise ConfigurationError(
            "there is no URL that messages could be posted to",
            hint="Give the option 'tasks_target': where application() is served.",
        )
    request = to_request(message, target, deadline)
    _check_size(request)
    if config.tasks_service_account is not None:
        request["oidc_token"] = {
            "service_account_email": config.tasks_service_account,
            "audience": config.tasks_audience or target,
        }
    task: dict[str, Any] = {
        "http_request": request,
        "dispatch_deadline": timedelta(seconds=deadline),
    }
    if message.delay:
        task["schedule_time"] = utc_now() + timedelta(seconds=message.delay)
    if message.dedup_id is not None:
        task["name"] = client.task(queue, task_id(message.dedup_id))
    return task


def _check_size(request: dict[str, Any]) -> None:
    headers: dict[str, str] = request["headers"]
    size = len(request["body"]) + sum(len(name) + len(text) for name, text in headers.items())
    if size > MAX_TASK_BYTES:
        raise PayloadTooLargeError(
            f"the task has {size:,} bytes; the limit is {MAX_TASK_BYTES:,} bytes"
        )


def _attempt(
    client: TasksClient, config: GcpConfig, queue: str, message: OutgoingMessage
) -> CloudResult[SentMessage]:
    try:
        return CloudResult.success(send(client, config, queue, message))
    except CloudError as error:
        return CloudResult.failure(error)
    except Exception as error:
        failure = translate(error)
        if failure is None:
            raise
        failure.__cause__ = error
        return CloudResult.failure(failure)
