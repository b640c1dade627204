"""What SQS answers now and then, which no emulator shows."""

import json
import threading
from datetime import timedelta

import anyio
import pytest
from cloudkit.api.messaging import DeadLetterPolicy, Message, OutgoingMessage, Source
from cloudkit.aws.sqs.queues import Address
from cloudkit.aws.sqs.redriving import Redriving
from cloudkit.aws.sqs.sending import UNNAMED
from cloudkit.common import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    UnsupportedOperationError,
    ValidationError,
    utc_now,
)
from cloudkit.spi import FixedDelay
from cloudkit.testing import eventually

pytestmark = pytest.mark.anyio

URL = {"QueueUrl": "https://sqs.example/1/work"}
FIFO = {"QueueUrl": "https://sqs.example/1/work.fifo"}
MISSING = (
    "com.amazonaws.sqs#QueueDoesNotExist",
    "no such queue",
    "AWS.SimpleQueueService.NonExistentQueue;Sender",
)


def reply(wire, value):
    wire.reply(json.dumps(value).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


def refuse(wire, code, message="no", query_code=None):
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    if query_code is not None:
        headers["x-amzn-query-error"] = query_code
    body = json.dumps({"__type": code, "message": message}).encode()
    wire.reply(body, status=400, headers=headers)


def calls(wire):
    return [request.headers["x-amz-target"].partition(".")[2] for request in wire.requests]


def leased(seconds=60):
    return Message(
        id="id",
        body=b"body",
        source=Source("queue", "work"),
        lease="handle",
        leased_until=utc_now() + timedelta(seconds=seconds),
    )


async def test_entries_of_a_batch_that_failed_for_now_are_sent_again(make_cloud, wire):
    reply(wire, URL)
    reply(
        wire,
        {
            "Successful": [{"Id": "1", "MessageId": "b", "MD5OfMessageBody": "x"}],
            "Failed": [
                {"Id": "0", "SenderFault": False, "Code": "InternalError", "Message": "later"},
                {"Id": "2", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no"},
            ],
        },
    )
    reply(wire, {"Successful": [{"Id": "0", "MessageId": "a", "MD5OfMessageBody": "x"}]})
    async with make_cloud(retry=FixedDelay(max_attempts=3, delay=0)) as cloud:
        results = await cloud.queue.send_batch("work", [b"a", b"b", b"c"])
    assert [result.ok for result in results] == [True, True, False]
    assert isinstance(results[2].error, ValidationError)
    assert calls(wire) == ["GetQueueUrl", "SendMessageBatch", "SendMessageBatch"]
    assert [e["MessageBody"] for e in json.loads(wire.requests[2].body)["Entries"]] == ["a"]


async def test_a_batch_with_nothing_to_send_sends_nothing(make_cloud, wire):
    reply(wire, FIFO)
    async with make_cloud() as cloud:
        (result,) = await cloud.queue.send_batch("work.fifo", [OutgoingMessage(body=b"", delay=1)])
    assert isinstance(result.error, UnsupportedOperationError)
    assert calls(wire) == ["GetQueueUrl"]


async def test_the_address_of_a_queue_is_asked_for_once(make_cloud, wire):
    reply(wire, URL)
    reply(wire, {"MessageId": "a", "MD5OfMessageBody": "x"})
    async with make_cloud() as cloud:
        for _ in range(3):
            await cloud.queue.send("work", b"body")
    assert calls(wire) == ["GetQueueUrl", "SendMessage", "SendMessage", "SendMessage"]


async def test_a_queue_that_was_replaced_by_a_fifo_queue_is_found_again(make_cloud, wire):
    reply(wire, URL)
    reply(wire, {"MessageId": "a", "MD5OfMessageBody": "x"})
    refuse(wire, *MISSING)
    refuse(wire, *MISSING)
    reply(wire, FIFO)
    reply(wire, {"MessageId": "b", "MD5OfMessageBody": "x", "SequenceNumber": "7"})
    async with make_cloud() as cloud:
        await cloud.queue.send("work", b"body")
        assert (await cloud.queue.send("work", b"body")).sequence == "7"
    sent = json.loads(wire.requests[-1].body)
    assert sent["MessageGroupId"] != sent["MessageDeduplicationId"]


async def test_messages_to_a_fifo_queue_without_an_id_are_never_duplicates(make_cloud, wire):
    reply(wire, FIFO)
    reply(wire, {"MessageId": "a", "MD5OfMessageBody": "x"})
    async with make_cloud() as cloud:
        for _ in range(2):
            await cloud.queue.send("work.fifo", b"the same", group="group")
    first, second = (json.loads(request.body) for request in wire.requests[1:])
    assert first["MessageGroupId"] == second["MessageGroupId"] == "group"
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


@pytest.mark.parametrize("call", ["ack", "nack", "dead_letter"])
async def test_a_lease_that_has_ended_is_not_sent(make_cloud, wire, call):
    async with make_cloud() as cloud:
        with pytest.raises(PreconditionFailedError):
            await getattr(cloud.queue, call)(leased(-1))
        with pytest.raises(PreconditionFailedError):
            await cloud.queue.extend(leased(-1), 30)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("com.amazonaws.sqs#MessageNotInflight", "no"),
        ("com.amazonaws.sqs#ReceiptHandleIsInvalid", "no"),
        (
            "com.amazon.coral.service#InvalidParameterValueException",
            "Value handle for parameter ReceiptHandle is invalid. Reason: Message is not available.",
        ),
        (
            "com.amazon.coral.service#InvalidParameterValueException",
            "Value handle for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        ),
    ],
)
async def test_a_lease_that_sqs_knows_no_more_is_a_failed_precondition(
    make_cloud, wire, code, message
):
    reply(wire, URL)
    refuse(wire, code, message)
    async with make_cloud() as cloud:
        with pytest.raises(PreconditionFailedError):
            await cloud.queue.extend(leased(), 30)


async def test_a_queue_is_purged_once_a_minute(make_cloud, wire):
    reply(wire, URL)
    refuse(
        wire,
        "com.amazonaws.sqs#PurgeQueueInProgress",
        query_code="AWS.SimpleQueueService.PurgeQueueInProgress;Sender",
    )
    async with make_cloud() as cloud:
        with pytest.raises(RateLimitedError) as caught:
            await cloud.queue.purge("work")
    assert caught.value.retry_after == 60


async def test_a_name_is_free_a_minute_after_it_was_deleted(make_cloud, wire):
    refuse(wire, *MISSING)
    refuse(wire, *MISSING)
    refuse(wire, "com.amazonaws.sqs#QueueDeletedRecently")
    async with make_cloud() as cloud:
        with pytest.raises(ConflictError) as caught:
            await cloud.queue.create_queue("work")
    assert (caught.value.retry_after, caught.value.retryable) == (60, True)


async def test_a_queue_that_cannot_be_made_leaves_no_place_for_dead_letters(make_cloud, wire):
    refuse(wire, *MISSING)
    refuse(wire, *MISSING)
    reply(wire, {"QueueUrl": "https://sqs.example/1/work_cloudkit-dead"})
    reply(wire, {"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:1:work_cloudkit-dead"}})
    refuse(wire, "com.amazonaws.sqs#InvalidAttributeValue")
    reply(wire, {})
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError):
            await cloud.queue.create_queue("work", dead_letter=DeadLetterPolicy())
    assert calls(wire)[-1] == "DeleteQueue"
    assert json.loads(wire.requests[-1].body)["QueueUrl"].endswith("work_cloudkit-dead")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("work.fifo", {}),
        ("work_cloudkit-dead", {}),
        ("cksub2_ab_c", {}),
        ("x" * 76, {"fifo": True}),
        ("work", {"retention": 59}),
    ],
)
async def test_what_sqs_would_refuse_or_mistake_is_refused_first(make_cloud, wire, name, options):
    async with make_cloud() as cloud:
        with pytest.raises(ValidationError):
            await cloud.queue.create_queue(name, **options)
    assert wire.requests == []


async def test_a_queue_that_somebody_else_made_meanwhile_keeps_its_dead_letters(make_cloud, wire):
    refuse(wire, *MISSING)
    refuse(wire, *MISSING)
    reply(wire, {"QueueUrl": "https://sqs.example/1/work_cloudkit-dead"})
    reply(wire, {"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:1:work_cloudkit-dead"}})
    refuse(wire, "com.amazonaws.sqs#QueueNameExists")
    async with make_cloud() as cloud:
        with pytest.raises(AlreadyExistsError):
            await cloud.queue.create_queue("work", dead_letter=DeadLetterPolicy())
    assert calls(wire)[-1] == "CreateQueue"


def dead_letter(**attributes):
    return {
        "MessageId": "m",
        "ReceiptHandle": "h",
        "Body": "body",
        "Attributes": {"ApproximateReceiveCount": "3", **attributes},
    }


FIFO_SETTINGS = {
    "Attributes": {
        "QueueArn": "arn:aws:sqs:eu-west-1:1:work.fifo",
        "RedrivePolicy": json.dumps(
            {
                "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:work_cloudkit-dead.fifo",
                "maxReceiveCount": 3,
            }
        ),
    }
}


@pytest.mark.parametrize("group", [f"{UNNAMED}0123", "orders"])
async def test_dead_letters_of_a_fifo_queue_go_back_with_and_without_a_group(
    make_cloud, wire, group
):
    reply(wire, FIFO)
    reply(wire, FIFO_SETTINGS)
    reply(wire, {"QueueUrl": "https://sqs.example/1/work_cloudkit-dead.fifo"})
    reply(wire, {"Messages": [dead_letter(MessageGroupId=group)]})
    reply(wire, {"Successful": [{"Id": "0", "MessageId": "a", "MD5OfMessageBody": "x"}]})
    reply(wire, {"Successful": [{"Id": "0"}]})
    reply(wire, {})
    async with make_cloud() as cloud:
        assert await cloud.queue.redrive("work.fifo") == 1
    (entry,) = json.loads(wire.requests[4].body)["Entries"]
    assert entry["MessageGroupId"].startswith(UNNAMED) == group.startswith(UNNAMED)
    assert group.startswith(UNNAMED) or entry["MessageGroupId"] == group


def test_redriving_ends_soon_when_nobody_waits_for_it():
    unwanted, received = threading.Event(), []

    class Client:
        def receive_message(self, **_):
            received.append(1)
            unwanted.set()
            return {"Messages": [dead_letter()]}

        def send_message_batch(self, **_):
            return {"Successful": [{"Id": "0", "MessageId": "a"}]}

        def delete_message_batch(self, **_):
            return {"Successful": [{"Id": "0"}]}

    dead, queue = Address("dead", "url"), Address("queue", "url")
    assert Redriving(Client(), dead, queue, unwanted).run(None) == 1
    assert len(received) == 1


async def test_redriving_that_is_cancelled_ends(make_cloud, wire, monkeypatch):
    seen = []

    def run(self, limit):
        seen.append(self.unwanted)
        seen.append(self.unwanted.wait(30))

    monkeypatch.setattr(Redriving, "run", run)
    reply(wire, FIFO)
    reply(wire, FIFO_SETTINGS)
    reply(wire, {"QueueUrl": "https://sqs.example/1/work_cloudkit-dead.fifo"})
    async with make_cloud() as cloud:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cloud.queue.redrive, "work.fifo")
            await eventually(lambda: len(seen) == 1, 30.0)
            tasks.cancel_scope.cancel()
        await eventually(lambda: seen[1:] == [True], 30.0)


@pytest.mark.parametrize("moment", ["while it waits", "just when it came"])
async def test_what_comes_for_a_receive_that_was_cancelled_is_given_back(
    make_cloud, wire, monkeypatch, moment
):
    reply(wire, URL)
    reply(wire, {"Messages": [dead_letter()]})
    reply(wire, {"Successful": [{"Id": "0"}]})
    began, go_on = threading.Event(), threading.Event()
    async with make_cloud() as cloud:
        queue = cloud.queue
        receive, run = queue._receive_at, queue._clients.run

        def slowly(*args):
            began.set()
            go_on.wait(30)
            return receive(*args)

        async def late(*args):
            outcome = await run(*args)
            if args[1].__name__ == "call":  # that of run_or_undo, and nobody waits for it any more
                began.set()
                await anyio.sleep_forever()
            return outcome

        if moment == "while it waits":
            monkeypatch.setattr(queue, "_receive_at", slowly)
        else:
            monkeypatch.setattr(queue._clients, "run", late)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: queue.receive("work", visibility=30))
            await eventually(began.is_set, 30.0)
            tasks.cancel_scope.cancel()
        go_on.set()
        await eventually(lambda: len(wire.requests) == 3, 30.0)
    assert calls(wire)[1:] == ["ReceiveMessage", "ChangeMessageVisibilityBatch"]
    assert json.loads(wire.requests[2].body)["Entries"] == [
        {"Id": "0", "ReceiptHandle": "h", "VisibilityTimeout": 0}
    ]


async def test_a_missing_queue_is_asked_for_by_both_its_names(make_cloud, wire):
    refuse(wire, *MISSING)
    async with make_cloud() as cloud:
        with pytest.raises(NotFoundError):
            await cloud.queue.send("work", b"body")
    names = [json.loads(request.body)["QueueName"] for request in wire.requests]
    assert names == ["work", "work.fifo"]
