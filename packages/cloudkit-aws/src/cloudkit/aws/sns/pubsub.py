"""PubSub on SNS and SQS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from cloudkit.api.messaging import OutgoingMessage, SentMessage, Source
from cloudkit.api.paging import Page
from cloudkit.api.pubsub import PubSub, SubscriptionInfo, TopicInfo
from cloudkit.api.pubsub.operations import (
    CreateSubscription,
    CreateTopic,
    DeleteSubscription,
    DeleteTopic,
    DescribeSubscription,
    DescribeTopic,
    ListSubscriptions,
    ListTopics,
    Publish,
    PublishMessages,
)
from cloudkit.api.tasks import flat_task_group
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.sns.subscriptions import Subscriptions, check_new, is_gone, queue_name
from cloudkit.aws.sns.topics import Topic, Topics, list_topic_names
from cloudkit.aws.sqs.leases import SqsLeases
from cloudkit.aws.sqs.messages import encode
from cloudkit.aws.sqs.names import (
    FIFO,
    plain_name,
    read_subscription,
    service_name,
    shown_names,
    subscription_prefix,
)
from cloudkit.aws.sqs.queues import Queues, list_queue_names
from cloudkit.aws.sqs.sending import body_of, order_of, outcomes, send_batch, sent
from cloudkit.common import (
    AlreadyExistsError,
    CloudResult,
    PubSubCapabilities,
    ValidationError,
)
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient

T = TypeVar("T")

MAX_BYTES = 256 * 1024
"""Bytes that a topic takes, of one message and of a whole batch, unless its owner raised that."""
PAGE_SIZE = 100
CONFIRMATION_SECONDS = 5.0
CONFIRMATION_POLL = 0.1


class SnsPubSub(SqsLeases[PubSubCapabilities], PubSub):
    """Topics of SNS; each subscription is a queue of SQS that SNS sends to.

    A topic that keeps order is a FIFO topic, and the queues of its subscriptions are FIFO queues.
    An endpoint that messages are pushed to must confirm the subscription, by a request to the
    ``SubscribeURL`` that SNS posts to it; creating the subscription waits some seconds for that.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: boto3's clients.
        queues: What is known of queues.
    """

    def __init__(
        self,
        runner: OperationRunner,
        capabilities: PubSubCapabilities,
        clients: AwsClients,
        queues: Queues,
    ) -> None:
        super().__init__(runner, capabilities, clients, queues)
        self._topics = Topics(clients)
        self._subscriptions = Subscriptions(clients, queues)

    def _queue_of(self, source: Source) -> str:
        return queue_name(str(source.topic), source.name)

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        if op.topic.endswith(FIFO) and not op.ordering:
            raise ValidationError(f"{op.topic!r} is the name of a FIFO topic: give ordering=True")
        return await self._clients.run("sns", self._create, op)

    def _create(self, client: SNSClient, op: CreateTopic) -> TopicInfo:
        # CreateTopic itself is content with a topic that is there, so ask before. Of two who create
        # the same topic in the same moment, both may succeed.
        if self._topics.exists(client, plain_name(op.topic)):
            raise AlreadyExistsError(f"there is a topic {op.topic!r}")
        attributes = {"FifoTopic": "true"} if op.ordering else {}
        client.create_topic(Name=service_name(op.topic, op.ordering), Attributes=attributes)
        return TopicInfo(name=op.topic, ordering=op.ordering)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        await self._clients.run("sns", self._delete_all, op.topic)

    def _delete_all(self, client: SNSClient, name: str) -> None:
        topic = self._topics.find(client, name, fresh=True)
        for subscription in self._subscription_names(name, topic):
            try:
                self._subscriptions.delete(client, topic.name, subscription)
            except Exception as error:
                if not is_gone(error):
                    raise
        client.delete_topic(TopicArn=topic.arn)
        self._topics.forget(name)

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        def describe(client: SNSClient) -> TopicInfo:
            topic = self._topics.find(client, op.topic, fresh=True)
            return TopicInfo(name=op.topic, ordering=topic.fifo)

        return await self._clients.run("sns", describe)

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        # SNS lists in no order that it documents, so all names are fetched, a hundred at a time.
        names = shown_names(await self._clients.run("sns", list_topic_names))
        left = [name for name in names if name > (op.page_token or "")]
        size = min(op.page_size or PAGE_SIZE, PAGE_SIZE)
        topics = [TopicInfo(name=n, ordering=names[n].endswith(FIFO)) for n in left[:size]]
        return Page(topics, left[size - 1] if len(left) > size else None)

    # Subscriptions

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        check_new(op)

        def subscribe(client: SNSClient) -> str:
            topic = self._topics.find(client, op.topic, fresh=True)
            return self._subscriptions.create(client, topic, op)

        arn = await self._clients.run("sns", subscribe)
        if op.push_endpoint is not None:
            await self._await_confirmation(arn)
        return await self._clients.run(
            "sns", self._subscriptions.describe, op.topic, op.subscription
        )

    async def _await_confirmation(self, arn: str) -> None:
        """Wait until an endpoint has confirmed; one that a person looks after may take its time."""
        with anyio.move_on_after(CONFIRMATION_SECONDS):
            pending = True
            while pending:
                await anyio.sleep(CONFIRMATION_POLL)
                pending = await self._clients.run("sns", self._subscriptions.is_pending, arn)

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        await self._clients.run("sns", self._subscriptions.delete, op.topic, op.subscription)

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        return await self._clients.run(
            "sns", self._subscriptions.describe, op.topic, op.subscription
        )

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        def list_names(client: SNSClient) -> list[str]:
            topic = self._topics.find(client, op.topic, fresh=True)
            return self._subscription_names(op.topic, topic)

        names = await self._clients.run("sns", list_names)
        left = [name for name in names if name > (op.page_token or "")]
        size = min(op.page_size or PAGE_SIZE, PAGE_SIZE)
        wanted = left[:size]
        infos: dict[str, SubscriptionInfo] = {}

        async def describe(name: str) -> None:
            info = await self._clients.run("sns", self._describe_if_there, op.topic, name)
            if info is not None:
                infos[name] = info

        async with flat_task_group() as tasks:
            for name in wanted:
                tasks.start_soon(describe, name)
        found = [infos[name] for name in wanted if name in infos]
        return Page(found, wanted[-1] if len(left) > size else None)

    def _describe_if_there(
        self, client: SNSClient, topic: str, name: str
    ) -> SubscriptionInfo | None:
        try:
            return self._subscriptions.describe(client, topic, name)
        except Exception as error:
            if is_gone(error):
                return None  # removed meanwhile, or not made to the end
            raise

    def _subscription_names(self, name: str, topic: Topic) -> list[str]:
        """The subscriptions of a topic, by the names of their queues."""
        plain = plain_name(name)
        queues = list_queue_names(self._clients.client("sqs"), subscription_prefix(plain))
        found = [read_subscription(queue) for queue in queues if queue.endswith(FIFO) == topic.fifo]
        return sorted(pair[1] for pair in found if pair is not None and pair[0] == plain)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        def publish(client: SNSClient, topic: Topic) -> SentMessage:
            return sent(client.publish(TopicArn=topic.arn, **_request(topic, op.message)))

        return await self._on(op.topic, publish)

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        def publish(client: SNSClient, topic: Topic) -> list[CloudResult[SentMessage]]:
            def publish_some(requests: dict[str, Any]) -> dict[str, CloudResult[SentMessage]]:
                entries: Any = [{"Id": key, **parameters} for key, parameters in requests.items()]
                answer: Any = client.publish_batch(
                    TopicArn=topic.arn, PublishBatchRequestEntries=entries
                )
                return outcomes(answer, sent)

            return send_batch(op.messages, lambda message: _request(topic, message), publish_some)

        return await self._on(op.topic, publish)

    async def _on(self, topic: str, call: Callable[[SNSClient, Topic], T]) -> T:
        def run(client: SNSClient) -> T:
            return self._topics.using(client, topic, lambda found: call(client, found))

        return await self._clients.run("sns", run)


def _request(topic: Topic, message: OutgoingMessage) -> dict[str, Any]:
    if message.group is not None and not topic.fifo:
        raise ValidationError(
            f"the topic {topic.name!r} keeps no order, so it takes no ordering key",
            hint="Make it with create_topic(..., ordering=True).",
        )
    encoded = encode(message.body, message.attributes)
    encoded.check_size(MAX_BYTES)
    parameters = body_of(encoded, "Message")
    if topic.fifo:
        parameters |= order_of(message.group, None)
    return parameters
