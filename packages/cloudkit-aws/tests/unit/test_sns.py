"""What SNS and SQS answer now and then while subscriptions come and go."""

import json
from urllib.parse import parse_qs

import pytest
from cloudkit.common import (
    NotFoundError,
    PermissionDeniedError,
    UnsupportedOperationError,
    ValidationError,
)

pytestmark = pytest.mark.anyio

QUEUE = "https://sqs.example/1/cksub4_news_mail"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:1:cksub4_news_mail"
TOPIC_ARN = "arn:aws:sns:eu-west-1:1:news"


def xml(wire, action, result=""):
    wire.reply(
        f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>".encode()
    )


def refuse_xml(wire, code, status=400):
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    wire.reply(body.encode(), status=status)


def reply(wire, value):
    wire.reply(json.dumps(value).encode())


def missing_queue(wire):
    body = {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"}
    headers = {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}
    wire.reply(json.dumps(body).encode(), status=400, headers=headers)


def known_topic(wire):
    xml(wire, "GetCallerIdentity", "<Account>1</Account>")
    xml(wire, "GetTopicAttributes")


def calls(wire):
    return [
        request.headers["x-amz-target"].partition(".")[2]
        if "x-amz-target" in request.headers
        else parse_qs(request.body.decode())["Action"][0]
        for request in wire.requests
    ]


def new_queue(wire):
    missing_queue(wire)
    missing_queue(wire)
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN}})
    reply(wire, {})  # SetQueueAttributes
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN, "VisibilityTimeout": "30"}})


def removed_queue(wire):
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN}})
    reply(wire, {})


async def test_a_subscription_that_fails_leaves_no_queue(make_cloud, wire):
    known_topic(wire)
    new_queue(wire)
    refuse_xml(wire, "AuthorizationError", 403)
    removed_queue(wire)
    async with make_cloud() as cloud:
        with pytest.raises(PermissionDeniedError):
            await cloud.pubsub.create_subscription("news", "mail")
    assert calls(wire)[-4:] == ["Subscribe", "GetQueueUrl", "GetQueueAttributes", "DeleteQueue"]
    policy = json.loads(json.loads(wire.requests[6].body)["Attributes"]["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Resource"] == QUEUE_ARN
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": TOPIC_ARN}}


async def test_a_subscription_that_cannot_be_marked_is_taken_back(make_cloud, wire):
    known_topic(wire)
    new_queue(wire)
    xml(wire, "Subscribe", f"<SubscriptionArn>{TOPIC_ARN}:uuid</SubscriptionArn>")
    wire.reply(b'{"__type": "com.amazonaws.sqs#InvalidSecurity", "message": "no"}', status=403)
    xml(wire, "Unsubscribe")
    removed_queue(wire)
    async with make_cloud() as cloud:
        with pytest.raises(Exception, match="create_subscription"):
            await cloud.pubsub.create_subscription("news", "mail")
    assert calls(wire)[-5:] == [
        *("TagQueue", "Unsubscribe", "GetQueueUrl", "GetQueueAttributes", "DeleteQueue")
    ]


async def test_half_a_subscription_is_none(make_cloud, wire):
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN}})
    reply(wire, {"Tags": {}})
    async with make_cloud() as cloud:
        with pytest.raises(NotFoundError):
            await cloud.pubsub.describe_subscription("news", "mail")


async def test_half_a_subscription_makes_way_for_a_whole_one(make_cloud, wire):
    known_topic(wire)
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Tags": {}})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN}})
    reply(wire, {})  # DeleteQueue
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN}})
    reply(wire, {})  # SetQueueAttributes
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN, "VisibilityTimeout": "30"}})
    xml(wire, "Subscribe", f"<SubscriptionArn>{TOPIC_ARN}:uuid</SubscriptionArn>")
    reply(wire, {})  # TagQueue
    reply(wire, {"QueueUrl": QUEUE})
    reply(wire, {"Attributes": {"QueueArn": QUEUE_ARN, "VisibilityTimeout": "30"}})
    reply(wire, {"Tags": {"cloudkit.subscription": "uuid"}})
    xml(wire, "GetSubscriptionAttributes", "<Attributes></Attributes>")
    async with make_cloud() as cloud:
        assert (await cloud.pubsub.create_subscription("news", "mail")).name == "mail"
    assert calls(wire)[2:7] == [
        *("GetQueueUrl", "ListQueueTags", "GetQueueAttributes", "DeleteQueue", "CreateQueue")
    ]
    asked = parse_qs(wire.requests[-1].body.decode())
    assert asked["SubscriptionArn"] == [f"{TOPIC_ARN}:uuid"]


@pytest.mark.parametrize(
    ("topic", "subscription", "options", "error"),
    [
        ("t" * 40, "s" * 27, {}, ValidationError),
        ("news", "mail", {"filter": {"a": "\x00"}}, UnsupportedOperationError),
        ("news", "mail", {"filter": {"AWS.a": "b"}}, ValidationError),
    ],
)
async def test_what_sns_would_refuse_is_refused_first(
    make_cloud, wire, topic, subscription, options, error
):
    async with make_cloud() as cloud:
        with pytest.raises(error):
            await cloud.pubsub.create_subscription(topic, subscription, **options)
    assert wire.requests == []


async def test_a_topic_that_keeps_order_pushes_nothing(make_cloud, wire):
    xml(wire, "GetCallerIdentity", "<Account>1</Account>")
    xml(wire, "GetTopicAttributes")
    async with make_cloud() as cloud:
        with pytest.raises(UnsupportedOperationError):
            await cloud.pubsub.create_subscription(
                "news.fifo", "mail", push_endpoint="https://host/"
            )
    assert calls(wire) == ["GetCallerIdentity", "GetTopicAttributes"]


async def test_only_an_ordered_topic_takes_an_ordering_key(make_cloud, wire):
    known_topic(wire)
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError, match="ordering=True"):
            await cloud.pubsub.publish("news", b"body", ordering_key="key")
    assert calls(wire) == ["GetCallerIdentity", "GetTopicAttributes"]
