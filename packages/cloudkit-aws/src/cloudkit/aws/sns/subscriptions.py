"""Subscriptions: each is one of SNS and a queue of SQS, made and removed as one. Blocks.

The queue's name tells topic and subscription; a tag on it tells SNS's name of the subscription, and
others the endpoint that messages are pushed to. The queue of such a subscription stays empty: it
holds the tags, and the place for what could not be pushed belongs to it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.pubsub import SubscriptionInfo
from cloudkit.api.pubsub.operations import CreateSubscription
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of
from cloudkit.aws.sns.topics import Topic, is_missing
from cloudkit.aws.sqs.messages import check_name, is_text
from cloudkit.aws.sqs.names import (
    MAX_SUBSCRIPTION_LENGTH,
    plain_name,
    service_name,
    subscription_queue,
)
from cloudkit.aws.sqs.provisioning import Plan, create, delete
from cloudkit.aws.sqs.queues import Address, Queues
from cloudkit.aws.sqs.queues import is_missing as is_queue_missing
from cloudkit.common import (
    AlreadyExistsError,
    NotFoundError,
    UnsupportedOperationError,
    ValidationError,
)

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient
    from types_boto3_sqs.client import SQSClient

SUBSCRIPTION_TAG = "cloudkit.subscription"
ENDPOINT_TAG = "cloudkit.endpoint."
TAG_LENGTH = 256
PUSH_RETRIES = 50
"""Attempts after the first to push a message, where no policy says how many."""
MAX_PUSH_RETRIES = 100


def queue_name(topic: str, subscription: str) -> str:
    """The name of a subscription's queue.

    Args:
        topic: The user's name of the topic.
        subscription: Name of the subscription.
    """
    name = subscription_queue(plain_name(topic), subscription)
    return service_name(name, topic != plain_name(topic))


def check_new(op: CreateSubscription) -> None:
    """Refuse what SNS or SQS would not take.

    Raises:
        ValidationError: The names are too long, or SNS keeps a filter's name for itself.
        UnsupportedOperationError: SNS cannot filter by a value.
    """
    if len(plain_name(op.topic)) + len(op.subscription) > MAX_SUBSCRIPTION_LENGTH:
        raise ValidationError(
            f"topic and subscription have at most {MAX_SUBSCRIPTION_LENGTH} characters together: "
            "the name of the subscription's queue holds both"
        )
    for name, values in op.filter.items():
        check_name(name)
        for value in values:
            if not is_text(value):
                raise UnsupportedOperationError(
                    f"SNS cannot filter by {value!r}: it has characters that XML does not allow",
                    capability="pubsub.filters",
                )


@frozen(eq=False)
class Subscriptions:
    """Makes, finds and removes subscriptions.

    Attributes:
        clients: boto3's clients.
        queues: What is known of queues.
    """

    clients: AwsClients
    queues: Queues

    def create(self, client: SNSClient, topic: Topic, op: CreateSubscription) -> str:
        """Subscribe.

        Args:
            client: The client.
            topic: The topic.
            op: What is asked for.

        Returns:
            SNS's name of the subscription.

        Raises:
            AlreadyExistsError: There is one.
        """
        if topic.fifo and op.push_endpoint is not None:
            raise UnsupportedOperationError(
                "SNS pushes nothing from a topic that keeps order", capability="pubsub.push"
            )
        sqs: SQSClient = self.clients.client("sqs")
        name = service_name(queue_name(op.topic, op.subscription), topic.fifo)
        self._make_way(sqs, name, op)
        plan = Plan(
            name=name,
            fifo=topic.fifo,
            visibility=op.visibility,
            dead_letter=op.dead_letter,
            sender=topic.arn,
        )
        address = create(sqs, self.queues, plan)
        arn: str | None = None
        try:
            arn = self._subscribe(client, sqs, topic, address, op)
            tags = {SUBSCRIPTION_TAG: arn.rpartition(":")[2], **_endpoint_tags(op.push_endpoint)}
            sqs.tag_queue(QueueUrl=address.url, Tags=tags)
        except BaseException:
            self._remove(client, sqs, name, arn)
            raise
        return arn

    def describe(self, client: SNSClient, topic: str, subscription: str) -> SubscriptionInfo:
        """A subscription's settings.

        Raises:
            NotFoundError: There is no such subscription, or only half of it.
            Exception: What boto3 raised, also when there is none.
        """
        sqs: SQSClient = self.clients.client("sqs")

        def describe(address: Address) -> SubscriptionInfo:
            settings = self.queues.settings(sqs, address, fresh=True)
            tags = _tags(sqs, address)
            arn = _subscription_arn(client, settings.arn, address, topic, tags)
            answer = client.get_subscription_attributes(SubscriptionArn=arn)
            return SubscriptionInfo(
                topic=topic,
                name=subscription,
                filter=_read_filter(dict(answer["Attributes"]).get("FilterPolicy")),
                visibility=float(settings.visibility),
                dead_letter=settings.dead_letter,
                push_endpoint=_read_endpoint(tags),
            )

        return self.queues.using(sqs, queue_name(topic, subscription), describe)

    def is_pending(self, client: SNSClient, arn: str) -> bool:
        """Whether an endpoint has not confirmed yet that it wants the messages."""
        answer = client.get_subscription_attributes(SubscriptionArn=arn)
        return dict(answer["Attributes"]).get("PendingConfirmation") == "true"

    def delete(self, client: SNSClient, topic: str, subscription: str) -> None:
        """Unsubscribe, and remove the queue with its place for dead letters.

        Raises:
            Exception: What boto3 raised; SQS says that there is no queue when there is none.
        """
        sqs: SQSClient = self.clients.client("sqs")
        name = queue_name(topic, subscription)

        def find(address: Address) -> str | None:
            arn = self.queues.settings(sqs, address, fresh=True).arn
            try:
                return _subscription_arn(client, arn, address, topic, _tags(sqs, address))
            except NotFoundError:
                return None

        arn = self.queues.using(sqs, name, find)
        self._unsubscribe(client, arn)
        delete(sqs, self.queues, name)

    def _make_way(self, sqs: SQSClient, name: str, op: CreateSubscription) -> None:
        """See to it that no queue stands in the way of a new one."""
        if not self.queues.exists(sqs, name):
            return
        if SUBSCRIPTION_TAG in _tags(sqs, self.queues.find(sqs, name)):
            raise AlreadyExistsError(f"{op.topic!r} has a subscription {op.subscription!r}")
        delete(sqs, self.queues, name)  # what an attempt has left that did not get to its end

    def _subscribe(
        self,
        client: SNSClient,
        sqs: SQSClient,
        topic: Topic,
        address: Address,
        op: CreateSubscription,
    ) -> str:
        settings = self.queues.settings(sqs, address, fresh=True)
        attributes: dict[str, str] = {}
        if op.filter:
            policy = {name: list(values) for name, values in op.filter.items()}
            attributes["FilterPolicy"] = json.dumps(policy)
        if op.push_endpoint is None:
            protocol, endpoint = "sqs", settings.arn
            attributes["RawMessageDelivery"] = "true"
        else:
            protocol, endpoint = op.push_endpoint.partition(":")[0].lower(), op.push_endpoint
            attributes |= _push_attributes(op, settings.dead_arn)
        answer = client.subscribe(
            TopicArn=topic.arn,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return answer["SubscriptionArn"]

    def _remove(self, client: SNSClient, sqs: SQSClient, name: str, arn: str | None) -> None:
        self._unsubscribe(client, arn)
        delete(sqs, self.queues, name)

    def _unsubscribe(self, client: SNSClient, arn: str | None) -> None:
        if arn is None:
            return
        try:
            client.unsubscribe(SubscriptionArn=arn)
        except Exception as error:
            # One that was never confirmed cannot be removed; SNS drops it after two days.
            if not is_missing(error) and code_of(error) != "InvalidParameter":
                raise


def is_gone(error: Exception) -> bool:
    """Whether an error of ``describe`` says that there is no such subscription."""
    return isinstance(error, NotFoundError) or is_missing(error) or is_queue_missing(error)


def _tags(sqs: SQSClient, address: Address) -> dict[str, str]:
    return sqs.list_queue_tags(QueueUrl=address.url).get("Tags", {})


def _subscription_arn(
    client: SNSClient, queue_arn: str, address: Address, topic: str, tags: dict[str, str]
) -> str:
    identifier = tags.get(SUBSCRIPTION_TAG)
    if identifier is None:
        raise NotFoundError(f"the queue {address.name!r} belongs to no subscription yet")
    partition, _, region, account = queue_arn.split(":")[1:5]
    name = service_name(plain_name(topic), address.fifo)
    return f"arn:{partition}:sns:{region}:{account}:{name}:{identifier}"


def _push_attributes(op: CreateSubscription, dead_arn: str | None) -> dict[str, str]:
    retries = PUSH_RETRIES
    if op.dead_letter is not None:
        retries = min(op.dead_letter.max_receives - 1, MAX_PUSH_RETRIES)
    policy: dict[str, Any] = {
        "numRetries": retries,
        "minDelayTarget": 1,
        "maxDelayTarget": 60,
        "backoffFunction": "exponential",
    }
    attributes = {"DeliveryPolicy": json.dumps({"healthyRetryPolicy": policy})}
    if dead_arn is not None:
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": dead_arn})
    return attributes


def _endpoint_tags(endpoint: str | None) -> dict[str, str]:
    """An endpoint in as many tags as it needs; a tag takes no question mark, so as base64."""
    text = "" if endpoint is None else base64.urlsafe_b64encode(endpoint.encode()).decode()
    parts = [text[start : start + TAG_LENGTH] for start in range(0, len(text), TAG_LENGTH)]
    return {f"{ENDPOINT_TAG}{number:02}": part for number, part in enumerate(parts)}


def _read_endpoint(tags: dict[str, str]) -> str | None:
    parts = [tags[name] for name in sorted(tags) if name.startswith(ENDPOINT_TAG)]
    return base64.urlsafe_b64decode("".join(parts)).decode() if parts else None


def _read_filter(policy: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[Any]] = json.loads(policy or "{}")
    return {
        name: tuple(value if isinstance(value, str) else json.dumps(value) for value in values)
        for name, values in found.items()
    }
