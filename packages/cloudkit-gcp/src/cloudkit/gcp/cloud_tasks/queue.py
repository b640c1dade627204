"""MessageQueue on Cloud Tasks: messages are posted to an application."""

from __future__ import annotations

from collections.abc import Sequence

from cloudkit.api.messaging import (
    Ack,
    ConsumeOptions,
    DeadLetter,
    Extend,
    Handler,
    Message,
    Nack,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
)
from cloudkit.api.paging import Page, Pager
from cloudkit.api.queue import MessageQueue, QueueInfo, QueueStats
from cloudkit.api.queue.operations import (
    CreateQueue,
    DeleteQueue,
    DescribeQueue,
    GetQueueStats,
    ListQueues,
    PurgeQueue,
    Redrive,
    SendMessage,
    SendMessages,
)
from cloudkit.common import (
    CloudResult,
    ConfigurationError,
    Duration,
    QueueCapabilities,
    UnsupportedOperationError,
)
from cloudkit.core.pages import page_of
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.cloud_tasks import queues, tasks
from cloudkit.gcp.cloud_tasks.application import TaskApplication
from cloudkit.gcp.cloud_tasks.consumers import Consumers
from cloudkit.gcp.cloud_tasks.models import TaskInfo
from cloudkit.gcp.cloud_tasks.operations import (
    DeleteTask,
    DescribeState,
    ListTasks,
    PauseQueue,
    ResumeQueue,
)
from cloudkit.gcp.cloud_tasks.sending import send, send_batch
from cloudkit.gcp.cloud_tasks.tokens import Certificates, TokenVerifier, google_certificates
from cloudkit.spi import OperationRunner

DEFAULT_VISIBILITY = 30.0
"""What ``create_queue`` takes for granted."""


class CloudTasksQueue(MessageQueue):
    """Queues of Cloud Tasks: what is sent is posted to the URL of the option ``tasks_target``.

    There an application serves ``application()``, and hands what comes to the handler that
    ``consume`` runs with. Nothing can be received, and leases cannot be prolonged: an application
    that has not answered after ``tasks_deadline`` seconds gets the message again. Queues made here
    try each message again until it is 31 days old.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: Google's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: QueueCapabilities, clients: GcpClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._config = clients.config
        self._consumers = Consumers()

    # What other queues do not have

    async def pause(self, queue: str) -> None:
        """Post nothing more, until ``resume``. Messages can be sent meanwhile."""
        await self._run(PauseQueue(queue=queue), self._pause)

    async def resume(self, queue: str) -> None:
        """Go on posting."""
        await self._run(ResumeQueue(queue=queue), self._resume)

    async def is_paused(self, queue: str) -> bool:
        """Whether nothing is posted."""
        return await self._run(DescribeState(queue=queue), self._is_paused)

    def list_tasks(
        self, queue: str, *, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[TaskInfo]:
        """The messages that were not handled yet, in no order.

        Args:
            queue: The queue.
            page_size: Most messages fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListTasks(queue=queue, page_size=page_size, page_token=token),
            self._list_tasks,
            token=page_token,
        )

    async def delete_task(self, queue: str, task: str) -> None:
        """Drop a message.

        Args:
            queue: The queue.
            task: What ``send`` gave as its id.

        Raises:
            NotFoundError: It is not there, or no longer.
        """
        await self._run(DeleteTask(queue=queue, task=task), self._delete_task)

    def is_consumed(self, queue: str) -> bool:
        """Whether ``consume`` takes what is posted now; for the readiness probe of an application."""
        return queue in self._consumers

    def application(
        self,
        *,
        audience: str | None = None,
        service_account: str | None = None,
        certificates: Certificates = google_certificates,
        authenticated: bool = True,
    ) -> TaskApplication:
        """An ASGI application for the URL that messages are posted to.

        It must be served in the event loop in which ``consume`` runs.

        Args:
            audience: Whom the tokens of requests must be made for; by default that of the options.
            service_account: Whose tokens they must be; by default that of the options.
            certificates: Gives the certificates of the issuer of the tokens, key id → PEM; called in
                a worker thread.
            authenticated: False lets everybody in, for a server that only Cloud Tasks can reach.

        Raises:
            ConfigurationError: There is nothing to check tokens with.
        """
        verifier: TokenVerifier | None = None
        if authenticated:
            audience = audience or self._config.tasks_audience or self._config.tasks_target
            account = service_account or self._config.tasks_service_account
            if audience is None or account is None:
                raise ConfigurationError(
                    "requests cannot be checked without an audience and a service account",
                    hint="Give the options 'tasks_target' and 'tasks_service_account'.",
                )
            verifier = TokenVerifier(audience, account, certificates)
        return TaskApplication(
            self._clients, self._consumers, verifier, self._config.tasks_deadline
        )

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        concurrency: int = 10,
        visibility: Duration | None = None,
        wait: Duration = 20,
        retry_delay: Duration | None = None,
        drain_timeout: Duration = 10,
        stop_when_empty: bool = False,
    ) -> None:
        """Have messages handled as they are posted to ``application()``, until cancelled.

        A message is done when the handler returns; when it raises, it is posted again after the time that
        the queue's retry configuration says. When ``consume`` is cancelled, what is posted is refused, to be
        posted again, and the running handlers get ``drain_timeout`` to end.

        Args:
            queue: The queue; a client consumes each but once at a time.
            handler: An async function of one message. (A plain function blocks the event loop.)
            concurrency: Handlers running at once; what comes besides waits.
            visibility: Not supported: it is the option ``tasks_deadline``.
            wait: Of no effect: nothing is asked for.
            retry_delay: Not supported: the queue's retry configuration says it.
            drain_timeout: How long handlers get to end after a cancellation.
            stop_when_empty: Not supported: Cloud Tasks does not tell.

        Raises:
            NotFoundError: There is no such queue.
            ConflictError: This client consumes it already.
        """
        options = ConsumeOptions(
            concurrency=concurrency,
            visibility=visibility,
            wait=wait,
            retry_delay=retry_delay,
            drain_timeout=drain_timeout,
        )
        self._check_consuming(options, stop_when_empty=stop_when_empty)
        await self.describe_queue(queue)
        await self._consumers.run(queue, handler, options)

    def _check_consuming(self, options: ConsumeOptions, *, stop_when_empty: bool) -> None:
        for asked, flag, what in (
            (options.visibility is not None, "visibility", "visibility"),
            (bool(options.retry_delay), "nack_delay", "retry_delay"),
            (stop_when_empty, "pull", "stop_when_empty"),
        ):
            if asked:
                self.capabilities.require(flag, what)

    # Queues

    async def _create_queue(self, op: CreateQueue) -> QueueInfo:
        if op.visibility not in {DEFAULT_VISIBILITY, self._config.tasks_deadline}:
            raise UnsupportedOperationError(
                "the queues of Cloud Tasks have no visibility of their own",
                capability="queue.visibility",
                hint="The option 'tasks_deadline' says how long a handler may take.",
            )

        await self._clients.run("tasks", queues.create, op.queue)
        return self._info(op.queue)

    async def _delete_queue(self, op: DeleteQueue) -> None:
        await self._clients.run("tasks", queues.change, "delete_queue", op.queue)

    async def _describe_queue(self, op: DescribeQueue) -> QueueInfo:
        await self._clients.run("tasks", queues.find, op.queue)
        return self._info(op.queue)

    async def _list_queues(self, op: ListQueues) -> Page[QueueInfo]:
        names = await self._clients.run("tasks", queues.names)
        infos = [self._info(name) for name in names if name.startswith(op.prefix)]
        return page_of(infos, op, queues.PAGE_SIZE)

    def _info(self, name: str) -> QueueInfo:
        return QueueInfo(name=name, visibility=self._config.tasks_deadline)

    async def _purge(self, op: PurgeQueue) -> None:
        await self._clients.run("tasks", queues.change, "purge_queue", op.queue)

    async def _pause(self, op: PauseQueue) -> None:
        await self._clients.run("tasks", queues.change, "pause_queue", op.queue)

    async def _resume(self, op: ResumeQueue) -> None:
        await self._clients.run("tasks", queues.change, "resume_queue", op.queue)

    async def _is_paused(self, op: DescribeState) -> bool:
        return await self._clients.run("tasks", queues.is_paused, op.queue)

    # Messages

    async def _send(self, op: SendMessage) -> SentMessage:
        return await self._clients.run("tasks", send, self._config, op.queue, op.message)

    async def _send_batch(self, op: SendMessages) -> Sequence[CloudResult[SentMessage]]:
        return await self._clients.run("tasks", send_batch, self._config, op.queue, op.messages)

    async def _list_tasks(self, op: ListTasks) -> Page[TaskInfo]:
        return await self._clients.run("tasks", tasks.list_tasks, op)

    async def _delete_task(self, op: DeleteTask) -> None:
        await self._clients.run("tasks", tasks.delete_task, op)

    # What a queue that pushes cannot do

    async def _receive(self, op: Receive) -> Sequence[Message]:
        raise self._unsupported("receive", "pull")

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        raise self._unsupported("dead_letters", "list_dead_letters")

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        raise self._unsupported("ack", "pull")

    async def _nack(self, op: Nack) -> None:
        raise self._unsupported("nack", "pull")

    async def _extend(self, op: Extend) -> Message:
        raise self._unsupported("extend", "extend")

    async def _dead_letter(self, op: DeadLetter) -> None:
        raise self._unsupported("dead_letter", "dead_letter")

    async def _stats(self, op: GetQueueStats) -> QueueStats:
        raise self._unsupported("stats", "stats")

    async def _redrive(self, op: Redrive) -> int:
        raise self._unsupported("redrive", "redrive")

    def _unsupported(self, what: str, flag: str) -> UnsupportedOperationError:
        return UnsupportedOperationError(
            f"{what} is not supported by Cloud Tasks",
            capability=f"queue.{flag}",
            hint=self.capabilities.reasons[flag],
        )
