"""MessageQueue: work to be done, each piece by one consumer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudkit.api.json import to_json
from cloudkit.api.messaging import (
    ConsumeOptions,
    Consumer,
    DeadLetterPolicy,
    Handler,
    Message,
    MessageBody,
    OutgoingMessage,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
    Source,
)
from cloudkit.api.messaging.operations import check_message
from cloudkit.api.paging import Pager
from cloudkit.api.queue.hooks import MessageQueueHooks
from cloudkit.api.queue.models import QueueInfo, QueueStats
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
from cloudkit.api.validation import several
from cloudkit.common import CloudResult, Duration, NotFoundError, seconds


class MessageQueue(MessageQueueHooks):
    """Messages that each go to one consumer, at least once.

    A received message is leased to its receiver; ``ack`` removes it, and without one it comes back
    when the lease ends. ``consume`` does all of this around a handler. Bodies are bytes and arrive
    byte for byte.

    Every method may raise NotFoundError for a missing queue, AuthenticationError,
    PermissionDeniedError, NetworkError, OperationTimeoutError, RateLimitedError and
    ServiceUnavailableError besides those it lists; arguments that cannot be sent raise
    ValidationError before anything is sent. A send that is cancelled may still arrive; a receive
    that is cancelled may leave messages leased, which come back when their leases end.
    """

    # Queues

    async def create_queue(
        self,
        queue: str,
        *,
        fifo: bool = False,
        visibility: Duration = 30,
        retention: Duration | None = None,
        dead_letter: DeadLetterPolicy | None = None,
    ) -> QueueInfo:
        """Create a queue.

        Args:
            queue: Its name.
            fifo: Whether messages of one group keep their order, and duplicates are dropped by
                their ``dedup_id``.
            visibility: Length of a lease, in seconds or as a timedelta.
            retention: How long a message is kept; the service's own default when None.
            dead_letter: When messages are set aside; None for never.

        Raises:
            AlreadyExistsError: There is a queue of this name.
        """
        operation = CreateQueue(
            queue=queue,
            fifo=fifo,
            visibility=seconds(visibility, "visibility"),
            retention=None if retention is None else seconds(retention, "retention"),
            dead_letter=dead_letter,
        )
        return await self._run(operation, self._create_queue)

    async def delete_queue(self, queue: str) -> None:
        """Delete a queue with its messages and dead letters.

        Raises:
            NotFoundError: There is none.
        """
        await self._run(DeleteQueue(queue=queue), self._delete_queue)

    async def describe_queue(self, queue: str) -> QueueInfo:
        """A queue's settings.

        Raises:
            NotFoundError: There is none.
        """
        return await self._run(DescribeQueue(queue=queue), self._describe_queue)

    async def queue_exists(self, queue: str) -> bool:
        """Whether a queue exists."""
        try:
            await self.describe_queue(queue)
        except NotFoundError:
            return False
        return True

    def list_queues(
        self, *, prefix: str = "", page_size: int | None = None, page_token: str | None = None
    ) -> Pager[QueueInfo]:
        """The queues, by name, with their settings as ``describe_queue`` tells them.

        Args:
            prefix: Only names that begin so.
            page_size: Most queues fetched at once.
            page_token: Continue after the page that gave this token.
        """
        return self._pager(
            lambda token: ListQueues(prefix=prefix, page_size=page_size, page_token=token),
            self._list_queues,
            token=page_token,
        )

    async def purge(self, queue: str) -> None:
        """Drop all messages of a queue; its dead letters stay.

        Leased ones are dropped too, unless ``capabilities.purge_leased`` says no: then they come
        back when their leases end.
        """
        await self._run(PurgeQueue(queue=queue), self._purge)

    async def stats(self, queue: str) -> QueueStats:
        """How many messages a queue holds."""
        return await self._run(GetQueueStats(queue=queue), self._stats)

    # Sending

    async def send(
        self,
        queue: str,
        body: MessageBody,
        *,
        attributes: Mapping[str, str] | None = None,
        delay: Duration = 0,
        group: str | None = None,
        dedup_id: str | None = None,
    ) -> SentMessage:
        """Send a message.

        Args:
            queue: The queue.
            body: Bytes; a text is encoded as UTF-8.
            attributes: Names and texts that travel beside it.
            delay: Seconds (or a timedelta) until it is visible.
            group: Messages of one group keep their order; fifo queues only. Those without a group
                have no order among consumers.
            dedup_id: A second message with it is dropped for a while; fifo queues only.

        Raises:
            PayloadTooLargeError: Body and attributes are larger than the service takes.
        """
        message = OutgoingMessage(
            body=body, attributes=attributes, delay=delay, group=group, dedup_id=dedup_id
        )
        return await self._run(SendMessage(queue=queue, message=message), self._send)

    async def send_json(
        self,
        queue: str,
        value: Any,
        *,
        attributes: Mapping[str, str] | None = None,
        delay: Duration = 0,
        group: str | None = None,
        dedup_id: str | None = None,
    ) -> SentMessage:
        """Send a value as JSON; otherwise as ``send``.

        Raises:
            SerializationError: JSON cannot say the value.
            CloudError: As for ``send``.
        """
        body = to_json(value)
        return await self.send(
            queue, body, attributes=attributes, delay=delay, group=group, dedup_id=dedup_id
        )

    async def send_batch(
        self, queue: str, messages: Iterable[OutgoingMessage | MessageBody]
    ) -> list[CloudResult[SentMessage]]:
        """Send many messages, in order.

        Returns:
            For each message, in order: what became of it, or why it was not sent.
        """
        return await self._run_batch(
            [OutgoingMessage.of(message) for message in several(messages, "messages")],
            self.capabilities.send_batch,
            lambda some: SendMessages(queue=queue, messages=tuple(some)),
            self._send_batch,
            validate=lambda message: check_message(message, self.capabilities),
            weigh=lambda message: message.size,
            max_weight=self.capabilities.max_message_bytes,
        )

    # Receiving

    async def receive(
        self,
        queue: str,
        *,
        max_messages: int = 1,
        wait: Duration = 0,
        visibility: Duration | None = None,
    ) -> list[Message]:
        """Lease some messages.

        Args:
            queue: The queue.
            max_messages: At most so many.
            wait: How long to wait for the first, in seconds or as a timedelta; returns as soon as
                there is one.
            visibility: Length of the leases; that of the queue when None.

        Returns:
            The messages; none when there are none in time.
        """
        operation = Receive(
            source=Source("queue", queue),
            max_messages=max_messages,
            wait=seconds(wait, "wait"),
            visibility=None if visibility is None else seconds(visibility, "visibility"),
        )
        return list(await self._run(operation, self._receive))

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
        """Hand messages to a handler as they come, until cancelled.

        A message is acknowledged when the handler returns, and given back when it raises;
        ``RejectMessage`` makes it a dead letter at once. Its lease is kept while the handler runs;
        should it be lost all the same, the handler is cancelled. When ``consume`` is cancelled no
        more is received, and the running handlers get ``drain_timeout`` to end; those that do not
        are cancelled and their messages given back.

        Args:
            queue: The queue.
            handler: An async function of one message. (A plain function blocks the event loop.)
            concurrency: Handlers running at once.
            visibility: Length of the leases, which are prolonged in time; that of the queue when
                None.
            wait: Longest wait of one receive.
            retry_delay: How long a message whose handler failed stays hidden; None for not at all the
                first time, and then 1, 2, 4 seconds and so on up to 60, where the provider has delays.
            drain_timeout: How long handlers get to end after a cancellation.
            stop_when_empty: Return when nothing is left, instead of waiting for more. Messages
                that wait out a delay, or a ``retry_delay``, are not waited for.

        Raises:
            CloudError: Receiving failed in a way that another try does not mend.
        """
        options = ConsumeOptions(
            concurrency=concurrency,
            visibility=visibility,
            wait=wait,
            retry_delay=retry_delay,
            drain_timeout=drain_timeout,
            stop_when_empty=stop_when_empty,
        )
        await Consumer(self, Source("queue", queue), handler, options).run()

    # Dead letters

    async def dead_letters(self, queue: str, *, max_messages: int | None = None) -> list[Message]:
        """Lease some of the messages that were set aside.

        ``ack`` removes one for good, ``nack`` leaves it where it is; so does the end of its lease.

        Args:
            queue: The queue that they come from.
            max_messages: At most so many; ten, or what the service gives at once, when None.
        """
        operation = ReceiveDeadLetters(
            source=Source("queue", queue, dead_letters=True),
            max_messages=self._several() if max_messages is None else max_messages,
        )
        return list(await self._run(operation, self._receive_dead_letters))

    async def redrive(self, queue: str, *, max_messages: int | None = None) -> int:
        """Send messages that were set aside back to their queue, to be received anew.

        Args:
            queue: The queue that they come from.
            max_messages: At most so many; None for all.

        Returns:
            How many were sent back, as far as the service tells.
        """
        return await self._run(Redrive(queue=queue, max_messages=max_messages), self._redrive)

    # Names that users of other systems know

    async def delete(self, message: Message) -> None:
        """The same as ``ack``."""
        await self.ack(message)

    async def change_visibility(self, message: Message, visibility: Duration) -> Message:
        """The same as ``extend``; 0 is the same as ``nack``."""
        if seconds(visibility, "visibility") == 0:
            await self.nack(message)
            return message
        return await self.extend(message, visibility)

    async def get_queue_depth(self, queue: str) -> int:
        """``stats(queue).available``; 0 where the service does not tell."""
        return (await self.stats(queue)).available or 0
