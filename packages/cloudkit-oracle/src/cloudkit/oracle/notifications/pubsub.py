"""PubSub on Notifications: publishing, and the endpoints that are pushed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import anyio
from cloudkit.api.messaging import (
    Ack,
    DeadLetter,
    Extend,
    Message,
    Nack,
    Receive,
    ReceiveDeadLetters,
    SentMessage,
)
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
from cloudkit.common import (
    CloudResult,
    NotFoundError,
    PayloadTooLargeError,
    PubSubCapabilities,
    UnsupportedOperationError,
)
from cloudkit.core.pages import page_of
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.config import ServiceName
from cloudkit.oracle.notifications.messages import MAX_BYTES, encode
from cloudkit.oracle.notifications.operations import (
    EndpointSubscription,
    ListEndpoints,
    Protocol,
    SubscribeEndpoint,
    UnsubscribeEndpoint,
)
from cloudkit.oracle.notifications.topics import Topic, Topics, is_missing
from cloudkit.spi import OperationRunner

SERVICE: ServiceName = "notifications_control"
PAGE_SIZE = 100
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


class OracleNotifications(PubSub):
    """Topics of Notifications, to publish to.

    Notifications keeps no messages, so nothing can be received. It pushes them to endpoints, which are
    subscribed with methods of this class besides those of the contract. Each message goes in a
    request of its own, and a topic takes 60 in a minute.

    Args:
        runner: Runs the operations.
        capabilities: Flags and limits.
        clients: The SDK's clients.
    """

    def __init__(
        self, runner: OperationRunner, capabilities: PubSubCapabilities, clients: OracleClients
    ) -> None:
        super().__init__(runner, capabilities)
        self._clients = clients
        self._topics = Topics(clients)

    # Endpoints

    async def subscribe_endpoint(
        self, topic: str, endpoint: str, *, protocol: Protocol = "CUSTOM_HTTPS"
    ) -> EndpointSubscription:
        """Have messages pushed to an endpoint.

        All endpoints but functions are asked first whether they want that: it is confirmed by opening
        the link in what they get, which is good for three days. A URL gets it by POST, in the header
        ``X-OCI-NS-ConfirmationURL`` and in the body. What a URL gets later is decoded by
        ``cloudkit.oracle.notifications.decode``.

        Args:
            topic: The topic.
            endpoint: A URL, an address, or the OCID of a function.
            protocol: How it is reached.

        Returns:
            The subscription, not confirmed yet.

        Raises:
            NotFoundError: There is no such topic.
            ValidationError: The endpoint does not fit the protocol.
        """
        operation = SubscribeEndpoint(topic=topic, endpoint=endpoint, protocol=protocol)
        return await self._run(operation, self._subscribe_endpoint)

    async def list_endpoints(self, topic: str) -> list[EndpointSubscription]:
        """The endpoints of a topic, those that have not confirmed yet too.

        Raises:
            NotFoundError: There is no such topic.
        """
        return list(await self._run(ListEndpoints(topic=topic), self._list_endpoints))

    async def unsubscribe_endpoint(self, topic: str, subscription: str) -> None:
        """Push no more to an endpoint.

        Args:
            topic: The topic.
            subscription: ``id`` of the subscription.

        Raises:
            NotFoundError: There is no such topic, or it has no such subscription.
        """
        operation = UnsubscribeEndpoint(topic=topic, subscription=subscription)
        await self._run(operation, self._unsubscribe_endpoint)

    async def _subscribe_endpoint(self, op: SubscribeEndpoint) -> EndpointSubscription:
        def subscribe(control: Any) -> EndpointSubscription:
            return self._topics.using(
                control, op.topic, lambda client, topic: self._subscribe(client, topic, op)
            )

        return await self._clients.run(SERVICE, subscribe)

    def _subscribe(self, client: Any, topic: Topic, op: SubscribeEndpoint) -> EndpointSubscription:
        from oci.ons.models import CreateSubscriptionDetails  # type: ignore[import-untyped]

        details = CreateSubscriptionDetails(
            topic_id=topic.id,
            compartment_id=self._clients.compartment(),
            protocol=op.protocol,
            endpoint=op.endpoint,
        )
        return _subscription(topic, client.create_subscription(details).data)

    async def _list_endpoints(self, op: ListEndpoints) -> Sequence[EndpointSubscription]:
        def list_all(client: Any, topic: Topic) -> list[EndpointSubscription]:
            found: list[EndpointSubscription] = []
            page: dict[str, str] = {}
            while True:
                answer = client.list_subscriptions(
                    self._clients.compartment(), topic_id=topic.id, **page
                )
                found += [_subscription(topic, each) for each in answer.data]
                if not answer.next_page:
                    return found
                page = {"page": answer.next_page}

        return await self._clients.run(
            SERVICE,
            lambda control: list_all(*self._fresh(control, op.topic)),
        )

    def _fresh(self, control: Any, name: str) -> tuple[Any, Topic]:
        """A topic that is there now, for what says nothing when it is not."""
        self._topics.forget(name)
        return self._topics.using(control, name, lambda client, topic: (client, topic))

    async def _unsubscribe_endpoint(self, op: UnsubscribeEndpoint) -> None:
        def unsubscribe(client: Any, topic: Topic) -> None:
            found = client.get_subscription(op.subscription)
            if found.data.topic_id != topic.id:
                raise NotFoundError(f"the topic {op.topic!r} has no such subscription")
            client.delete_subscription(op.subscription)

        await self._clients.run(
            SERVICE, lambda control: unsubscribe(*self._fresh(control, op.topic))
        )

    # Topics

    async def _create_topic(self, op: CreateTopic) -> TopicInfo:
        topic = await self._clients.run(SERVICE, self._topics.create, op.topic)
        pause = FIRST_PAUSE
        while not topic.active:
            await anyio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            topic = await self._clients.run(SERVICE, self._topics.find, op.topic)
        return TopicInfo(name=topic.name)

    async def _delete_topic(self, op: DeleteTopic) -> None:
        topic = await self._clients.run(SERVICE, self._topics.find, op.topic)
        try:
            await self._clients.run(SERVICE, lambda control: control.delete_topic(topic.id))
            pause = FIRST_PAUSE
            while await self._clients.run(SERVICE, _is_there, topic.id):
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._topics.forget(op.topic)

    async def _describe_topic(self, op: DescribeTopic) -> TopicInfo:
        topic = await self._clients.run(SERVICE, self._topics.find, op.topic)
        return TopicInfo(name=topic.name)

    async def _list_topics(self, op: ListTopics) -> Page[TopicInfo]:
        names = await self._clients.run(SERVICE, self._topics.names)
        return page_of([TopicInfo(name=name) for name in names], op, PAGE_SIZE)

    # Publishing

    async def _publish(self, op: Publish) -> SentMessage:
        return await self._publish_one(op.topic, op.message.body)

    async def _publish_batch(self, op: PublishMessages) -> Sequence[CloudResult[SentMessage]]:
        # A request takes one message, so that a batch is one.
        return [
            CloudResult.success(await self._publish_one(op.topic, message.body))
            for message in op.messages
        ]

    async def _publish_one(self, name: str, body: bytes) -> SentMessage:
        text = encode(body)
        if len(text.encode()) > MAX_BYTES:
            raise PayloadTooLargeError(
                f"the message has {len(text.encode()):,} bytes in the service's form; "
                f"the limit is {MAX_BYTES:,} bytes"
            )

        def publish(client: Any, topic: Topic) -> SentMessage:
            from oci.ons.models import MessageDetails

            answer = client.publish_message(topic.id, MessageDetails(body=text))
            return SentMessage(id=str(answer.data.message_id))

        return await self._clients.run(
            SERVICE, lambda control: self._topics.using(control, name, publish)
        )

    # What there is not: the capabilities refuse it before

    async def _create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        _refuse()

    async def _delete_subscription(self, op: DeleteSubscription) -> None:
        _refuse()

    async def _describe_subscription(self, op: DescribeSubscription) -> SubscriptionInfo:
        _refuse()

    async def _list_subscriptions(self, op: ListSubscriptions) -> Page[SubscriptionInfo]:
        _refuse()

    async def _receive(self, op: Receive) -> Sequence[Message]:
        _refuse()

    async def _receive_dead_letters(self, op: ReceiveDeadLetters) -> Sequence[Message]:
        _refuse()

    async def _ack(self, op: Ack) -> Sequence[CloudResult[Message]]:
        _refuse()

    async def _nack(self, op: Nack) -> None:
        _refuse()

    async def _extend(self, op: Extend) -> Message:
        _refuse()

    async def _dead_letter(self, op: DeadLetter) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise UnsupportedOperationError(
        "Notifications keeps no messages: it pushes them to endpoints",
        capability="pubsub.subscriptions",
    )


def _is_there(control: Any, identity: str) -> bool:
    try:
        control.get_topic(identity)
    except Exception as error:
        if is_missing(error):
            return False
        raise
    return True


def _subscription(topic: Topic, found: Any) -> EndpointSubscription:
    return EndpointSubscription(
        id=found.id,
        topic=topic.name,
        protocol=found.protocol,
        endpoint=found.endpoint,
        confirmed=found.lifecycle_state == "ACTIVE",
    )
