"""The double of Notifications, driven by Oracle's client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.request import urlopen

import pytest
from emulators.process import HOST, Server
from oci.exceptions import ServiceError  # type: ignore[import-untyped]
from oci.ons import (  # type: ignore[import-untyped]
    NotificationControlPlaneClient,
    NotificationDataPlaneClient,
    models,
)
from oci.retry import NoneRetryStrategy  # type: ignore[import-untyped]
from oracle.conftest import COMPARTMENT

_numbers = count(1)


class Endpoint:
    """An endpoint of a subscriber.

    Attributes:
        url: Its address.
        received: Headers and bodies, of what it refused too.
        failures: How many requests it still refuses.
    """

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.failures = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.received.append((headers, body))
                endpoint.failures -= 1
                self.send_response(503 if endpoint.failures >= 0 else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # inherited
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/hook"

    def await_request(self, number: int) -> tuple[dict[str, str], bytes]:
        """The request of this number, from 1."""
        deadline = time.monotonic() + 10
        while len(self.received) < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.received[number - 1]


def refused(
    status: int, code: str | None, call: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    with pytest.raises(ServiceError) as caught:
        call(*args, **named)
    assert (caught.value.status, caught.value.code) == (status, code)
    return caught.value


@pytest.fixture(scope="module")
def control(oci_double: Server, config: dict[str, Any]) -> Any:
    """Oracle's client of topics."""
    return NotificationControlPlaneClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture
def topic(control: Any) -> Any:
    """A new topic."""
    name = f"topic-{next(_numbers)}"
    details = models.CreateTopicDetails(name=name, compartment_id=COMPARTMENT)
    return control.create_topic(details).data


@pytest.fixture
def data(config: dict[str, Any], topic: Any) -> Any:
    """Oracle's client of subscriptions and messages."""
    return NotificationDataPlaneClient(
        config, service_endpoint=topic.api_endpoint, retry_strategy=NoneRetryStrategy()
    )


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint that runs."""
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, daemon=True)
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


def subscribe(data: Any, topic: Any, endpoint: str, protocol: str = "CUSTOM_HTTPS") -> Any:
    details = models.CreateSubscriptionDetails(
        topic_id=topic.topic_id, compartment_id=COMPARTMENT, protocol=protocol, endpoint=endpoint
    )
    return data.create_subscription(details).data


def publish(data: Any, topic: Any, body: str) -> Any:
    return data.publish_message(topic.topic_id, models.MessageDetails(body=body)).data


def test_topics(control: Any, topic: Any) -> None:
    listed = control.list_topics(COMPARTMENT, name=topic.name).data
    assert [(each.topic_id, each.lifecycle_state) for each in listed] == [
        (topic.topic_id, "ACTIVE")
    ]
    same = models.CreateTopicDetails(name=topic.name, compartment_id=COMPARTMENT)
    refused(409, "Conflict", control.create_topic, same)
    wrong = models.CreateTopicDetails(name="a.b", compartment_id=COMPARTMENT)
    refused(400, "InvalidParameter", control.create_topic, wrong)
    changes = models.TopicAttributesDetails(description="changed")
    assert control.update_topic(topic.topic_id, changes).data.description == "changed"
    refused(412, "NoEtagMatch", control.delete_topic, topic.topic_id, if_match=topic.etag)
    control.delete_topic(topic.topic_id)
    refused(404, "NotAuthorizedOrNotFound", control.get_topic, topic.topic_id)


def test_an_endpoint_gets_messages_once_it_has_confirmed(
    data: Any, topic: Any, endpoint: Endpoint
) -> None:
    subscription = subscribe(data, topic, endpoint.url)
    assert subscription.lifecycle_state == "PENDING"
    headers, body = endpoint.await_request(1)
    assert headers["x-oci-ns-messagetype"] == "SubscriptionConfirmation"
    link = headers["x-oci-ns-confirmationurl"]
    assert json.loads(body) == {"ConfirmationURL": link}
    publish(data, topic, "nobody wants it yet")
    with urlopen(link, timeout=10) as response:
        assert json.load(response)["subscriptionId"] == subscription.id
    assert data.get_subscription(subscription.id).data.lifecycle_state == "ACTIVE"
    endpoint.failures = 2
    message = publish(data, topic, "Grüße")
    headers, body = endpoint.await_request(4)
    assert (headers["x-oci-ns-messageid"], body.decode()) == (message.message_id, "Grüße")
    assert {body for _, body in endpoint.received[1:]} == {"Grüße".encode()}
    data.delete_subscription(subscription.id)
    publish(data, topic, "too late")
    refused(404, "NotAuthorizedOrNotFound", data.get_subscription, subscription.id)


def test_subscriptions(data: Any, topic: Any) -> None:
    function = subscribe(data, topic, "ocid1.fnfunc.oc1..x", "ORACLE_FUNCTIONS")
    mail = subscribe(data, topic, "a@example.org", "EMAIL")
    assert (function.lifecycle_state, mail.lifecycle_state) == ("ACTIVE", "PENDING")
    listed = data.list_subscriptions(COMPARTMENT, topic_id=topic.topic_id).data
    assert [each.protocol for each in listed] == ["ORACLE_FUNCTIONS", "EMAIL"]
    wrong = data.get_confirm_subscription
    refused(400, "InvalidParameter", wrong, mail.id, "token", "EMAIL")
    refused(400, "InvalidParameter", subscribe, data, topic, "ftp://x")
    refused(400, "InvalidParameter", subscribe, data, topic, "http://" + "x" * 512)


def test_limits_of_a_message(
    oci_double: Server, config: dict[str, Any], data: Any, topic: Any
) -> None:
    publish(data, topic, "x" * 64 * 1024)
    refused(413, "RequestEntityTooLarge", publish, data, topic, "x" * (64 * 1024 + 1))
    refused(400, "InvalidParameter", publish, data, topic, "")
    elsewhere = NotificationDataPlaneClient(
        config, service_endpoint=oci_double.url, retry_strategy=NoneRetryStrategy()
    )
    refused(404, "NotAuthorizedOrNotFound", publish, elsewhere, topic, "x")
