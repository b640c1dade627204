"""The double of Event Grid by itself, driven by the SDK alone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest
from azure.event_grid_clients import manage, new_subscription, once, provision, refused
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient, generate_sas
from azure.mgmt.eventgrid import EventGridManagementClient
from azure.mgmt.eventgrid.models import (
    DeliveryConfiguration,
    FiltersConfiguration,
    NamespaceTopic,
    QueueInfo,
    StringContainsFilter,
    Subscription,
)
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
from emulators.process import Server

CONTAINER = {
    "deadLetterDestinationWithResourceIdentity": {
        "identity": {"type": "SystemAssigned"},
        "deadLetterDestination": {
            "endpointType": "StorageBlob",
            "properties": {"resourceId": "/subscriptions/s/x", "blobContainerName": "dead"},
        },
    }
}


class Channel:
    """A publisher to a topic, and a consumer of one of its subscriptions."""

    def __init__(self, url: str, topic: str, name: str, key: str = KEY) -> None:
        self.url, self.topic, self.name = url, topic, name
        credential = AzureKeyCredential(key)
        options: dict[str, Any] = {"retry_policy": once()}
        self.publisher = EventGridPublisherClient(url, credential, namespace_topic=topic, **options)
        self.consumer = EventGridConsumerClient(
            url, credential, namespace_topic=topic, subscription=name, **options
        )

    def publish(self, *data: Any, **options: Any) -> None:
        self.publisher.send([CloudEvent("/tests", "test", data=item, **options) for item in data])

    def receive(self, count: int = 1) -> list[Any]:
        return self.consumer.receive(max_events=count, max_wait_time=10)

    def receive_one(self) -> Any:
        (detail,) = self.receive()
        return detail

    def close(self) -> None:
        self.publisher.close()
        self.consumer.close()


@pytest.fixture
def make_channel(event_grid_server: Server) -> Iterator[Any]:
    """Makes channels; those to a topic that is there share it."""
    made: list[Channel] = []

    def make(topic: str | None = None, **queue: Any) -> Channel:
        made.append(
            Channel(event_grid_server.url, *new_subscription(event_grid_server.url, topic, **queue))
        )
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(make_channel: Any) -> Channel:
    made: Channel = make_channel()
    return made


def tokens(*details: Any) -> list[str]:
    return [detail.broker_properties.lock_token for detail in details]


def test_an_event_arrives_as_it_was_published(channel):
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    event = CloudEvent(
        "/tests",
        "test",
        data=b"\x00\xff",
        time=moment,
        subject="about",
        extensions={"colour": "red"},
    )
    channel.publisher.send(event)
    detail = channel.receive_one()
    received = detail.event
    assert (received.id, received.data, received.time) == (event.id, b"\x00\xff", moment)
    assert (received.source, received.type, received.subject) == ("/tests", "test", "about")
    assert received.extensions == {"colour": "red"}
    assert detail.broker_properties.delivery_count == 1


def test_a_batch_arrives_and_is_acknowledged(channel):
    channel.publish(*range(5))
    details = channel.receive(10)
    assert sorted(detail.event.data for detail in details) == list(range(5))
    first, *others = tokens(*details)
    result = channel.consumer.acknowledge(lock_tokens=[first, "nonsense"])
    assert result.succeeded_lock_tokens == [first]
    (failed,) = result.failed_lock_tokens
    assert (failed.lock_token, failed["error"]["code"]) == ("nonsense", "BadToken")
    again = channel.consumer.acknowledge(lock_tokens=[first, *others])
    assert again.succeeded_lock_tokens == others
    assert again.failed_lock_tokens[0]["error"]["code"] == "TokenLost"


def test_every_subscription_has_a_copy_from_when_it_was_made(make_channel):
    early = make_channel()
    early.publish("first")
    late = make_channel(early.topic)
    early.publish("second")
    assert [detail.event.data for detail in early.receive(10)] == ["first", "second"]
    assert [detail.event.data for detail in late.receive(10)] == ["second"]


def test_a_receive_waits_for_the_first_event(channel):
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(channel.receive()))
    began = time.monotonic()
    thread.start()
    channel.publish("news")
    thread.join(10)
    assert [detail.event.data for detail in found] == ["news"]
    assert time.monotonic() - began < 5


def test_a_lock_ends(make_channel):
    channel = make_channel(receiveLockDurationInSeconds=1)
    channel.publish("body")
    first, second = channel.receive_one(), channel.receive_one()
    assert second.broker_properties.delivery_count == 2
    result = channel.consumer.acknowledge(lock_tokens=tokens(first))
    assert result.failed_lock_tokens[0]["error"]["code"] == "TokenLost"
    assert channel.consumer.acknowledge(lock_tokens=tokens(second)).succeeded_lock_tokens


def test_a_lock_is_renewed(make_channel):
    channel = make_channel(receiveLockDurationInSeconds=2)
    channel.publish("body")
    (token,) = tokens(channel.receive_one())
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert channel.consumer.renew_locks(lock_tokens=[token]).succeeded_lock_tokens == [token]
        time.sleep(0.2)
    assert channel.consumer.acknowledge(lock_tokens=[token]).succeeded_lock_tokens == [token]


def test_what_is_released_comes_back(channel):
    channel.publish("body")
    (token,) = tokens(channel.receive_one())
    assert channel.consumer.release(lock_tokens=[token]).succeeded_lock_tokens == [token]
    again = channel.receive_one()
    assert again.broker_properties.delivery_count == 2
    began = time.monotonic()
    channel.consumer.release(lock_tokens=tokens(again), release_delay=10)
    assert channel.receive_one().broker_properties.delivery_count == 3
    assert time.monotonic() - began > 9


def test_delays_of_a_release_are_a_few(channel):
    channel.publish("body")
    found = tokens(channel.receive_one())
    with refused(400, "BadRequest"):
        channel.consumer.release(lock_tokens=found, release_delay=5)


@pytest.mark.parametrize("queue", [{}, CONTAINER], ids=["dropped", "set aside"])
def test_what_is_rejected_is_set_aside_where_there_is_a_container(make_channel, queue):
    channel = make_channel(**queue)
    channel.publish("body")
    found = tokens(channel.receive_one())
    assert channel.consumer.reject(lock_tokens=found).succeeded_lock_tokens == found
    dead = set_aside(channel.url, channel.topic, channel.name)
    assert [letter["event"]["data"] for letter in dead] == (["body"] if queue else [])
    channel.publish("next")
    assert channel.receive_one().event.data == "next"


def test_what_is_delivered_too_often_is_set_aside(make_channel):
    channel = make_channel(maxDeliveryCount=2, **CONTAINER)
    channel.publish("poison")
    for _ in range(2):
        channel.consumer.release(lock_tokens=tokens(channel.receive_one()))
    (letter,) = set_aside(channel.url, channel.topic, channel.name)
    assert letter["deadLetterProperties"]["deliveryattempts"] == 2
    channel.publish("next")
    assert channel.receive_one().event.data == "next"


@pytest.mark.parametrize(
    ("filters", "through"),
    [
        ([{"operatorType": "StringIn", "key": "colour", "values": ["RED"]}], ["red"]),
        ([{"operatorType": "StringContains", "key": "colour", "values": ["e"]}], ["red", "blue"]),
        ([{"operatorType": "StringNotIn", "key": "colour", "values": ["red"]}], ["blue", ""]),
        ([{"operatorType": "IsNullOrUndefined", "key": "colour"}], [""]),
        (
            [
                {"operatorType": "StringContains", "key": "colour", "values": ["e"]},
                {"operatorType": "StringNotContains", "key": "colour", "values": ["bl"]},
            ],
            ["red"],
        ),
    ],
    ids=["in", "contains", "not in", "null", "and"],
)
def test_filters_let_only_their_events_through(make_channel, filters, through):
    channel = make_channel(filters=filters)
    for colour in ("red", "blue", ""):
        channel.publish(colour, extensions={"colour": colour} if colour else {})
    assert [detail.event.data for detail in channel.receive(10)] == through


def test_events_are_checked(channel):
    good = {"id": "1", "source": "s", "type": "t", "specversion": "1.0"}
    for wrong in (
        {"specversion": "0.3"},
        {"id": ""},
        {"Upper": "x"},
        {"with-hyphen": "x"},
        {"extension": {"a": 1}},
        {"extension": "line\nend"},
        {"data": 1, "data_base64": "YQ=="},
        {"data_base64": "no base64"},
        {"time": "yesterday"},
    ):
        with refused(400, "BadRequest"):
            _publish_raw(channel, [{**good, **wrong}])
    assert _publish_raw(channel, [good]) == {}
    assert channel.receive_one().event.id == "1"


def test_sizes_are_limited(channel):
    good = {"id": "1", "source": "s", "type": "t", "specversion": "1.0"}
    with refused(413, "RequestEntityTooLarge"):
        _publish_raw(channel, [{**good, "data": "x" * 1024 * 1024}])
    with refused(413, "RequestEntityTooLarge"):
        _publish_raw(channel, [good] * 1001)


def _publish_raw(channel: Channel, events: list[Any]) -> Any:
    request = HttpRequest(
        "POST",
        f"/topics/{channel.topic}:publish?api-version=2024-06-01",
        json=events,
        headers={"Content-Type": "application/cloudevents-batch+json"},
    )
    response = channel.publisher.send_request(request)
    response.raise_for_status()
    return response.json()


def test_limits_of_a_receive(channel):
    for options in ({"max_events": 0}, {"max_events": 101}, {"max_wait_time": 9}):
        with refused(400, "BadRequest"):
            channel.consumer.receive(**options)


def test_what_is_missing(channel):
    for topic, name in (("no-such-topic", channel.name), (channel.topic, "no-such-name")):
        other = Channel(channel.url, topic, name)
        with refused(404, "NotFound"):
            other.receive()
        other.close()
    other = Channel(channel.url, "no-such-topic", "name")
    with refused(404, "NotFound"):
        other.publish("body")
    other.close()


def test_the_key_is_checked(channel):
    other = Channel(channel.url, channel.topic, channel.name, key="d3Jvbmc=")
    with refused(401, "Unauthorized"):
        other.publish("body")
    with refused(401, "Unauthorized"):
        other.receive()
    other.close()


@pytest.mark.parametrize("header", ["aeg-sas-token", "authorization"])
def test_signatures_are_checked(channel, header):
    def send(resource: str, key: str, hours: int) -> int:
        until = datetime.now(UTC) + timedelta(hours=hours)
        signature = generate_sas(f"{channel.url}{resource}", key, until)
        value = signature if header == "aeg-sas-token" else f"SharedAccessSignature {signature}"
        request = HttpRequest(
            "POST",
            f"{channel.url}/topics/{channel.topic}/eventsubscriptions/{channel.name}"
            ":acknowledge?api-version=2024-06-01",
            json={"lockTokens": ["x"]},
            headers={header: value},
        )
        return int(anonymous.send_request(request).status_code)

    from azure.core import PipelineClient

    anonymous: Any = PipelineClient(channel.url, policies=[])
    with anonymous:
        assert send("", KEY, 1) == 200
        assert send(f"/topics/{channel.topic}", KEY, 1) == 200
        assert send("/topics/another", KEY, 1) == 401
        assert send("", KEY, -1) == 401
        assert send("", "d3Jvbmc=", 1) == 401


def test_a_basic_topic_takes_events(event_grid_server):
    url = f"{event_grid_server.url}/api/events"
    event = CloudEvent("/tests", "test", data={"a": 1})
    signature = generate_sas(url, KEY, datetime.now(UTC) + timedelta(hours=1))
    for credential in (AzureKeyCredential(KEY), AzureSasCredential(signature)):
        with EventGridPublisherClient(url, credential) as client:
            client.send([event, event])
    taken = [
        item for item in received_by_basic_topic(event_grid_server.url) if item["id"] == event.id
    ]
    assert [item["data"] for item in taken] == [{"a": 1}] * 4
    with (
        EventGridPublisherClient(url, AzureKeyCredential("d3Jvbmc=")) as client,
        refused(401, "Unauthorized"),
    ):
        client.send(event)


def test_topics_and_subscriptions_are_managed(event_grid_server):
    url = event_grid_server.url
    provision(url, "/managed", {"eventRetentionInDays": 1})
    for number in range(7):
        provision(url, f"/managed/eventSubscriptions/number-{number}", {})
    status, page = manage(url, "GET", "/managed/eventSubscriptions")
    names = [item["name"] for item in page["value"]]
    assert (status, len(names)) == (200, 5)
    _, rest = manage(url, "GET", page["nextLink"])
    names += [item["name"] for item in rest["value"]]
    assert sorted(names) == [f"number-{number}" for number in range(7)]
    assert manage(url, "PUT", "/managed", {"properties": {}})[0] == 200
    _, described = manage(url, "GET", "/managed/eventSubscriptions/number-0")
    queue = described["properties"]["deliveryConfiguration"]["queue"]
    assert (queue["receiveLockDurationInSeconds"], queue["maxDeliveryCount"]) == (60, 10)
    assert manage(url, "DELETE", "/managed")[0] == 202
    deadline = time.monotonic() + 10
    while manage(url, "GET", "/managed")[0] != 404:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert manage(url, "DELETE", "/managed")[0] == 204
    status, body = manage(url, "GET", "/managed/eventSubscriptions")
    assert (status, body["error"]["code"]) == (404, "ResourceNotFound")


def test_management_is_checked(event_grid_server):
    url = event_grid_server.url
    assert manage(url, "GET", token="another")[0] == 401
    assert manage(url, "PUT", "/under_score", {"properties": {}})[0] == 400
    assert manage(url, "PUT", "/topic/eventSubscriptions/none", {"properties": {}})[0] == 404
    topic, _ = new_subscription(url)
    for queue in ({"receiveLockDurationInSeconds": 301}, {"maxDeliveryCount": 11}):
        delivery = {"deliveryConfiguration": {"deliveryMode": "Queue", "queue": queue}}
        path = f"/{topic}/eventSubscriptions/wrong"
        assert manage(url, "PUT", path, {"properties": delivery})[0] == 400
    filters = [{"operatorType": "StringIn", "key": "a", "values": ["x"] * 26}]
    configuration = {"filtersConfiguration": {"filters": filters}}
    path = f"/{topic}/eventSubscriptions/wrong"
    assert manage(url, "PUT", path, {"properties": configuration})[0] == 400


def test_the_shortest_lock_of_the_service_is_a_minute():
    with event_grid() as server:
        provision(server.url, "/topic", {})
        queue = {"receiveLockDurationInSeconds": 59}
        delivery = {"deliveryConfiguration": {"deliveryMode": "Queue", "queue": queue}}
        path = "/topic/eventSubscriptions/name"
        assert manage(server.url, "PUT", path, {"properties": delivery})[0] == 400
        queue["receiveLockDurationInSeconds"] = 60
        assert manage(server.url, "PUT", path, {"properties": delivery})[0] == 201


class Signed(SansIOHTTPPolicy[Any, Any]):
    """Sends the token also without TLS, which the SDK's own policy does not."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {TOKEN}"


class Token:
    """What the SDK's constructor wants."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, int(time.time()) + 3600)


def test_the_sdk_for_management_understands_the_resource_manager(event_grid_server):
    client: Any = EventGridManagementClient(
        Token(),
        SUBSCRIPTION_ID,
        base_url=event_grid_server.url,
        authentication_policy=Signed(),
        polling_interval=0,
        retry_policy=once(),
    )
    place = (GROUP, NAMESPACE, "by-its-sdk")
    with client:
        topics, subscriptions = client.namespace_topics, client.namespace_topic_event_subscriptions
        topic = topics.begin_create_or_update(*place, NamespaceTopic()).result(10)
        assert (topic.name, topic.provisioning_state) == ("by-its-sdk", "Succeeded")
        queue = QueueInfo(receive_lock_duration_in_seconds=90, max_delivery_count=3)
        wanted = Subscription(
            delivery_configuration=DeliveryConfiguration(delivery_mode="Queue", queue=queue),
            filters_configuration=FiltersConfiguration(
                filters=[StringContainsFilter(key="colour", values=["red"])]
            ),
        )
        for number in range(6):
            subscriptions.begin_create_or_update(*place, f"number-{number}", wanted).result(10)
        found = subscriptions.get(*place, "number-0")
        assert found.delivery_configuration.queue.receive_lock_duration_in_seconds == 90
        assert found.filters_configuration.filters[0].values == ["red"]
        listed = subscriptions.list_by_namespace_topic(*place)
        assert sorted(item.name for item in listed) == [f"number-{n}" for n in range(6)]
        subscriptions.begin_delete(*place, "number-0").result(10)
        with pytest.raises(ResourceNotFoundError):
            subscriptions.get(*place, "number-0")
        topics.begin_delete(*place).result(10)
        assert "by-its-sdk" not in [
            item.name for item in topics.list_by_namespace(GROUP, NAMESPACE)
        ]


class Hook(BaseHTTPRequestHandler):
    """An endpoint that consents, and takes an event when it comes the second time."""

    def do_OPTIONS(self) -> None:  # the inherited names
        self.send_response(200)
        self.send_header("WebHook-Allowed-Origin", self.headers["WebHook-Request-Origin"])
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.taken.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(204 if len(server.taken) > 1 else 503)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def test_events_are_pushed_to_an_endpoint_that_consents(channel):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        taken: list[Any] = []
        server.taken = taken  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/hook?code=secret"
        hook = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
        path = f"/{channel.topic}/eventSubscriptions/pushed"
        delivery = {"deliveryMode": "Push", "push": {"destination": hook}}
        provision(channel.url, path, {"deliveryConfiguration": delivery})
        assert "secret" not in json.dumps(manage(channel.url, "GET", path))
        assert manage(channel.url, "POST", f"{path}/getFullUrl")[1] == {"endpointUrl": url}
        channel.publish("news")
        deadline = time.monotonic() + 10
        while len(taken) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.shutdown()
        thread.join()
    (target, kind, event), again = taken
    assert again[2] == event
    assert (target, event["data"]) == ("/hook?code=secret", "news")
    assert kind.startswith("application/cloudevents+json")
    with refused(400, "BadRequest"):
        Channel(channel.url, channel.topic, "pushed").receive()


def test_an_endpoint_must_consent(channel):
    hook = {"endpointType": "WebHook", "properties": {"endpointUrl": "http://127.0.0.1:9/"}}
    path = f"/{channel.topic}/eventSubscriptions/refusing"
    delivery = {"deliveryMode": "Push", "push": {"destination": hook}}
    body = {"properties": {"deliveryConfiguration": delivery}}
    assert manage(channel.url, "PUT", path, body)[0] == 201
    deadline = time.monotonic() + 10
    while manage(channel.url, "GET", path)[1]["properties"]["provisioningState"] != "CreateFailed":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    hook["properties"] = {"endpointUrl": "http://hook.example/"}
    body["properties"]["deliveryConfiguration"]["push"] = {"destination": hook}
    assert manage(channel.url, "PUT", f"{path}-too", body)[0] == 400
