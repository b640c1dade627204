"""Event Grid beyond the suite: ways to sign in, basic topics, other publishers, what a poll leaves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.event_grid_clients import new_subscription, once
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient, generate_sas
from azure.test_event_grid import CONTAINER, make_event_grid
from cloudkit.api.messaging import Message, OutgoingMessage
from cloudkit.azure import AzureCloud
from cloudkit.common import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NetworkError,
    NotFoundError,
    PayloadTooLargeError,
    ProviderError,
    TokenCredentials,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.spi import AuthProvider, NoRetry
from cloudkit.testing import LinkFault, flaky_endpoint
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest, push_server
from emulators.event_grid import (
    GROUP,
    KEY,
    NAMESPACE,
    SUBSCRIPTION_ID,
    TOKEN,
    event_grid,
    received_by_basic_topic,
    set_aside,
)
from emulators.process import HOST, Server

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The suite runs on both runtimes; here it is about the service."""
    return str(request.param)


@pytest.fixture
async def cloud(event_grid_server: Server) -> AsyncIterator[AzureCloud]:
    async with make_event_grid(event_grid_server.url) as cloud:
        yield cloud


@pytest.fixture
async def place(event_grid_server: Server) -> tuple[str, str]:
    """A topic with a subscription."""
    return await run_sync(new_subscription, event_grid_server.url)


def signature(url: str, hours: int = 1) -> str:
    return str(generate_sas(url, KEY, datetime.now(UTC) + timedelta(hours=hours)))


async def take(cloud: AzureCloud, place: tuple[str, str], **options: Any) -> Any:
    (message,) = await cloud.pubsub.receive(*place, wait=5, **options)
    return message


async def test_a_key_is_enough_to_publish_and_receive(event_grid_server, place):
    url = event_grid_server.url
    async with AzureCloud(event_grid_endpoint=url, event_grid_key=KEY) as cloud:
        await cloud.pubsub.publish(place[0], b"body", attributes={"colour": "red"})
        message = await take(cloud, place)
        assert (message.body, dict(message.attributes)) == (b"body", {"colour": "red"})
        left = (message.leased_until - datetime.now(UTC)).total_seconds()
        assert 50 < left <= 60, "no lock of the service is shorter than a minute"
        await cloud.pubsub.ack(await cloud.pubsub.extend(message, 60))
        with pytest.raises(ConfigurationError, match="subscription_id"):
            await cloud.pubsub.create_topic("topic")


async def test_a_signature_is_enough_as_well(event_grid_server, place):
    url = event_grid_server.url
    right: dict[str, Any] = {"event_grid_endpoint": url, "event_grid_sas_token": signature(url)}
    async with AzureCloud(**right) as cloud:
        await cloud.pubsub.publish(place[0], b"body")
        assert (await take(cloud, place)).body == b"body"
    ended: dict[str, Any] = {"event_grid_endpoint": url, "event_grid_sas_token": signature(url, -1)}
    async with AzureCloud(**ended) as cloud:
        with pytest.raises(AuthenticationError):
            await cloud.pubsub.publish(place[0], b"body")
        with pytest.raises(AuthenticationError):
            await cloud.pubsub.receive(*place)


@pytest.mark.parametrize("way", ["key", "signature"])
async def test_a_basic_topic_is_published_to_and_no_more(event_grid_server, way):
    url = f"{event_grid_server.url}/api/events"
    secret: dict[str, Any] = (
        {"event_grid_key": KEY} if way == "key" else {"event_grid_sas_token": signature(url)}
    )
    async with AzureCloud(event_grid_endpoint=url, **secret) as cloud:
        one = await cloud.pubsub.publish("any", b"\xff", attributes={"colour": "red"})
        two = (await cloud.pubsub.publish_batch("any", [b"two"]))[0].value
        events = await run_sync(received_by_basic_topic, event_grid_server.url)
        taken = {event["id"]: event for event in events}
        assert (taken[one.id]["data_base64"], taken[one.id]["colour"]) == ("/w==", "red")
        assert taken[two.id]["data_base64"] == "dHdv"
        assert not cloud.capabilities.pubsub.subscriptions
        for refused in (
            cloud.pubsub.receive("any", "name"),
            cloud.pubsub.create_subscription("any", "name"),
            cloud.pubsub.create_topic("any"),
            cloud.pubsub.topic_exists("any"),
        ):
            with pytest.raises(UnsupportedOperationError, match="basic topic"):
                await refused


async def test_a_basic_topic_has_one_name():
    url = "https://acme-news.westeurope-1.eventgrid.azure.net/api/events"
    async with AzureCloud(event_grid_endpoint=url, event_grid_key=KEY) as cloud:
        with pytest.raises(NotFoundError, match="acme-news"):
            await cloud.pubsub.publish("other-news", b"body")


async def test_events_of_other_publishers_are_messages(event_grid_server, cloud, place):
    published = {
        "JSON": ({"a": [1, "ä"]}, None, '{"a":[1,"ä"]}'.encode()),
        "text": ("a text", "text/plain", b"a text"),
        "JSON text": ("a text", "application/json", b'"a text"'),
        "bytes": (b"\x00\xff", None, b"\x00\xff"),
        "nothing": (None, None, b""),
    }

    def publish() -> None:
        client = EventGridPublisherClient(
            event_grid_server.url,
            AzureKeyCredential(KEY),
            namespace_topic=place[0],
            retry_policy=once(),
        )
        with client:
            for name, (data, kind, _) in published.items():
                extensions = {"kind": name, "number": 5}
                client.send(
                    CloudEvent("/s", "t", data=data, datacontenttype=kind, extensions=extensions)
                )

    await run_sync(publish)
    found: dict[str, bytes] = {}
    while len(found) < len(published):
        for message in await cloud.pubsub.receive(*place, max_messages=10, wait=5):
            assert message.attributes["number"] == "5"
            assert message.sent_at is not None
            found[message.attributes["kind"]] = message.body
    assert found == {name: body for name, (_, _, body) in published.items()}


async def test_other_readers_see_the_attributes_that_cloudevents_can_say(
    event_grid_server, cloud, place
):
    attributes = {"colour": "red", "Upper": "x", "time": "x", "line": "a\nb", "empty": ""}
    await cloud.pubsub.publish(place[0], b"body", attributes=attributes)

    def receive() -> Any:
        client = EventGridConsumerClient(
            event_grid_server.url,
            AzureKeyCredential(KEY),
            namespace_topic=place[0],
            subscription=place[1],
            retry_policy=once(),
        )
        with client:
            (detail,) = client.receive(max_events=1, max_wait_time=10)
            client.release(lock_tokens=[detail.broker_properties.lock_token])
            return detail.event

    event = await run_sync(receive)
    assert event.data == b"body"
    assert set(event.extensions) == {"colour", "cloudkitattributes"}
    assert event.extensions["colour"] == "red"
    assert dict((await take(cloud, place)).attributes) == attributes


async def test_a_receive_that_returns_early_leaves_its_poll_to_the_next(cloud, place):
    began = time.monotonic()
    assert await cloud.pubsub.receive(*place) == []
    assert time.monotonic() - began < 5, "the service itself would wait for ten seconds"
    await cloud.pubsub.publish(place[0], b"body")
    message = await take(cloud, place)
    assert (message.body, message.receive_count) == (b"body", 1)


async def test_what_comes_when_nobody_asks_any_more_is_given_back(cloud, event_grid_server, place):
    assert await cloud.pubsub.receive(*place) == []
    await cloud.pubsub.publish(place[0], b"body")
    async with make_event_grid(event_grid_server.url) as other:
        message = await take(other, place)
        assert message.body == b"body"
        assert message.receive_count > 1, "it went to the poll that was left, and came back"


async def test_a_cancelled_receive_loses_nothing(cloud, place):
    for number in range(5):
        with anyio.move_on_after(0.01 * number):
            await cloud.pubsub.receive(*place, wait=20)
    await cloud.pubsub.publish(place[0], b"body")
    assert (await take(cloud, place)).body == b"body"


async def test_closing_gives_back_and_does_not_wait_for_polls(event_grid_server, place):
    async with make_event_grid(event_grid_server.url) as cloud:
        assert await cloud.pubsub.receive(*place) == []
        began = time.monotonic()
    assert time.monotonic() - began < 5


async def test_an_answer_that_was_lost_is_no_false_failure(event_grid_server, place):
    port = int(event_grid_server.url.rpartition(":")[2])
    async with (
        flaky_endpoint(HOST, port) as endpoint,
        make_event_grid(endpoint.url) as cloud,
    ):
        await cloud.pubsub.publish(place[0], b"body")
        message = await take(cloud, place)
        endpoint.break_links(LinkFault(response_bytes=0, action="reset"), times=1)
        await cloud.pubsub.ack(message)
        assert await cloud.pubsub.receive(*place) == []


async def test_what_may_have_been_given_back_is_not_acknowledged(event_grid_server, place):
    port = int(event_grid_server.url.rpartition(":")[2])
    async with (
        flaky_endpoint(HOST, port) as endpoint,
        make_event_grid(endpoint.url, retry=NoRetry()) as cloud,
    ):
        await cloud.pubsub.publish(place[0], b"body")
        message = await take(cloud, place)
        endpoint.break_links(LinkFault(response_bytes=0, action="reset"), times=1)
        with pytest.raises(NetworkError):
            await cloud.pubsub.nack(message)
        with pytest.raises(NotFoundError):
            await cloud.pubsub.ack(message)


async def test_some_locks_fail_and_others_do_not(cloud, place):
    results = await cloud.pubsub.publish_batch(place[0], [b"1", b"2", b"3"])
    assert all(result.ok for result in results)
    messages: list[Message] = []
    while len(messages) < 3:
        messages += await cloud.pubsub.receive(*place, max_messages=3, wait=5)
    await cloud.pubsub.nack(messages[1])
    results = await cloud.pubsub.ack_batch(messages)
    assert [result.ok for result in results] == [True, False, True]
    assert isinstance(results[1].error, NotFoundError)
    assert results[1].error.code == "TokenLost"


async def test_a_batch_is_split_by_what_it_is_as_events(cloud, place):
    bodies = [bytes([number]) * 200_000 for number in range(7)]
    results = await cloud.pubsub.publish_batch(place[0], bodies)
    assert all(result.ok for result in results)
    strange = OutgoingMessage(body=b"", attributes={"a": "\x00" * 400_000, "b": "x" * 300_000})
    (result,) = await cloud.pubsub.publish_batch(place[0], [strange])
    assert isinstance(result.error, PayloadTooLargeError)
    found: set[bytes] = set()
    while len(found) < len(bodies):
        messages = await cloud.pubsub.receive(*place, max_messages=10, wait=5)
        found |= {message.body for message in messages}
    assert found == set(bodies)


async def test_dead_letters_go_to_the_container(event_grid_server):
    async with make_event_grid(event_grid_server.url, event_grid_dead_letters=CONTAINER) as cloud:
        topic = (await run_sync(new_subscription, event_grid_server.url))[0]
        await cloud.pubsub.create_subscription(topic, "with-container", visibility=60)
        await cloud.pubsub.publish(topic, b"poison", attributes={"a": "b"})
        message = await take(cloud, (topic, "with-container"))
        await cloud.pubsub.dead_letter(message, "no use")
        (dead,) = await run_sync(set_aside, event_grid_server.url, topic, "with-container")
        assert dead["event"]["data_base64"] == "cG9pc29u"


async def test_without_a_container_nothing_is_set_aside_and_lost(event_grid_server, place, cloud):
    assert not cloud.capabilities.pubsub.dead_letter
    async with make_event_grid(event_grid_server.url, event_grid_dead_letters=CONTAINER) as other:
        await other.pubsub.publish(place[0], b"body")
        message = await take(other, place)
        with pytest.raises(ConflictError, match="container"):
            await other.pubsub.dead_letter(message)
        await other.pubsub.ack(message)


async def test_a_filter_has_limits_of_the_service(cloud, place):
    for wanted in ({"a": [str(number) for number in range(26)]}, {"a": "x" * 400}):
        with pytest.raises(ValidationError):
            await cloud.pubsub.create_subscription(place[0], "filtered", filter=wanted)
    assert not await cloud.pubsub.subscription_exists(place[0], "filtered")


async def test_native_clients_are_those_of_the_sdk(event_grid_server, place):
    url = event_grid_server.url
    async with AzureCloud(event_grid_endpoint=url, event_grid_key=KEY) as cloud:

        def talk() -> Any:
            publisher = cloud.native.event_grid_publisher(place[0])
            publisher.send(CloudEvent("/s", "t", data=b"native"))
            (detail,) = cloud.native.event_grid_consumer(*place).receive(max_wait_time=10)
            return detail.event.data

        assert await run_sync(talk) == b"native"


async def test_a_namespace_with_the_locks_of_the_service_and_a_key_and_a_token():
    with event_grid(provisioning=0.2) as server:
        async with AzureCloud(
            event_grid_endpoint=server.url,
            event_grid_namespace=NAMESPACE,
            event_grid_key=KEY,
            management_endpoint=server.url,
            management_token=TOKEN,
            subscription_id=SUBSCRIPTION_ID,
            resource_group=GROUP,
        ) as cloud:
            # Each is there, or has gone, when the call returns.
            await cloud.pubsub.create_topic("topic")
            created = await cloud.pubsub.create_subscription("topic", "by-default")
            assert created.visibility == 60
            await cloud.pubsub.publish("topic", b"body")
            assert (await take(cloud, ("topic", "by-default"))).body == b"body"
            for length in (59, 301):
                with pytest.raises(ValidationError):
                    await cloud.pubsub.create_subscription("topic", "other", visibility=length)
            await cloud.pubsub.delete_topic("topic")
            assert not await cloud.pubsub.topic_exists("topic")
            await cloud.pubsub.create_topic("topic")


class Rotating(AuthProvider):
    """A token that the service refuses, and then one that it takes."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_credentials(self) -> TokenCredentials:
        self.asked += 1
        return TokenCredentials(token="an-old-token" if self.asked == 1 else TOKEN)


async def test_a_token_that_is_refused_is_renewed_also_while_receiving(event_grid_server, place):
    provider = Rotating()
    async with make_event_grid(event_grid_server.url, auth=provider) as cloud:
        assert await cloud.pubsub.receive(*place) == []
        assert provider.asked == 2
        await cloud.pubsub.publish(place[0], b"body")
        assert (await take(cloud, place)).body == b"body"
    assert provider.asked == 2


async def test_an_endpoint_that_does_not_consent_is_not_pushed_to(cloud, place):
    async def refuse(request: PushRequest) -> PushAnswer:
        return PushAnswer(status=200)

    async with push_server(refuse) as url:
        with pytest.raises(ProviderError, match="WebHook-Allowed-Origin") as caught:
            await cloud.pubsub.create_subscription(place[0], "pushed", push_endpoint=url)
        assert caught.value.code == "CreateFailed"
        await cloud.pubsub.delete_subscription(place[0], "pushed")
    with pytest.raises(ValidationError, match="https"):
        await cloud.pubsub.create_subscription(
            place[0], "pushed", push_endpoint="http://hook.example/"
        )


async def test_what_is_pushed_is_not_received(cloud, place):
    async def consent(request: PushRequest) -> PushAnswer:
        origin = request.header("webhook-request-origin") or ""
        return PushAnswer(status=200, headers={"WebHook-Allowed-Origin": origin})

    async with push_server(consent) as url:
        made = await cloud.pubsub.create_subscription(place[0], "pushed", push_endpoint=url)
        assert made.push_endpoint == url
        assert "?" in url, "which the resource manager shows only when it is asked for that alone"
        with pytest.raises(ValidationError, match="pushes"):
            await cloud.pubsub.receive(place[0], "pushed")
