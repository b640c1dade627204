"""Publishing to the double of Notifications, and what endpoints get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any, ClassVar
from urllib.request import urlopen

import pytest
from anyio.to_thread import run_sync
from attrs import evolve
from cloudkit.common import (
    Capabilities,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.core import lazy_property
from cloudkit.oracle import OracleCloud
from cloudkit.oracle.notifications import OracleNotifications
from cloudkit.oracle.notifications.messages import decode
from cloudkit.testing.messaging.samples import BODIES
from cloudkit.testing.pubsub import PubSubSuite
from cloudkit.testing.pubsub.endpoint import PushAnswer, PushRequest, push_server
from oracle.clouds import OracleClouds


class NotifyingCloud(OracleCloud):
    """Oracle's cloud with its topics at Notifications, so that the suite finds them."""

    @lazy_property
    def capabilities(self) -> Capabilities:
        """With those of the other topics."""
        return evolve(super().capabilities, pubsub=self.notifications.capabilities)

    @property
    def pubsub(self) -> OracleNotifications:  # type: ignore[override]
        """The other topics."""
        return self.notifications


class Subscriber:
    """An endpoint, and what it has got.

    Attributes:
        url: Its address.
        bodies: Of the messages.
        requests: Requests of all kinds.
        failures: How many messages it still refuses.
    """

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.requests: list[PushRequest] = []
        self.failures = 0

    async def answer(self, request: PushRequest) -> PushAnswer:
        """Confirm, refuse or take."""
        self.requests.append(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers["x-oci-ns-messagetype"] == "SubscriptionConfirmation":
            await run_sync(_open, headers["x-oci-ns-confirmationurl"])
            return PushAnswer()
        if self.failures > 0:
            self.failures -= 1
            return PushAnswer(status=503)
        self.bodies.append(decode(request.body.decode()))
        return PushAnswer()


def _open(url: str) -> None:
    with urlopen(url, timeout=10) as response:
        assert response.status == 200


class TestNotifications(OracleClouds, PubSubSuite):
    cloud_type = NotifyingCloud
    # Names are looked up in a list, so that a topic is missing is no error of the service.
    native_facts: ClassVar[Collection[str]] = ("request_id",)

    @pytest.fixture
    async def subscriber(self) -> AsyncIterator[Subscriber]:
        subscriber = Subscriber()
        async with push_server(subscriber.answer) as subscriber.url:
            yield subscriber

    async def _confirmed(self, cloud: Any, topic: str, subscriber: Subscriber) -> str:
        made = await cloud.notifications.subscribe_endpoint(topic, subscriber.url)
        assert (made.topic, made.protocol, made.confirmed) == (topic, "CUSTOM_HTTPS", False)

        async def confirmed() -> bool:
            found = await cloud.notifications.list_endpoints(topic)
            return any(each.id == made.id and each.confirmed for each in found)

        await self.eventually(confirmed)
        return str(made.id)

    async def test_an_endpoint_gets_what_is_published_byte_for_byte(
        self, cloud: Any, topic: str, subscriber: Subscriber
    ) -> None:
        await self._confirmed(cloud, topic, subscriber)
        limit = cloud.notifications.capabilities.max_message_bytes
        bodies = {body for body in BODIES.values() if len(body) <= limit} | {b"cloudkit.base64:x"}
        for result in await cloud.notifications.publish_batch(topic, bodies):
            assert result.error is None
        await self.eventually(lambda: set(subscriber.bodies) >= bodies)
        assert sorted(subscriber.bodies) == sorted(bodies)

    async def test_an_endpoint_that_refuses_gets_it_again(
        self, cloud: Any, topic: str, subscriber: Subscriber
    ) -> None:
        await self._confirmed(cloud, topic, subscriber)
        subscriber.failures = 2
        await cloud.notifications.publish(topic, b"body")
        await self.eventually(lambda: subscriber.bodies)
        assert subscriber.bodies == [b"body"]

    async def test_an_endpoint_that_is_unsubscribed_gets_no_more(
        self, cloud: Any, topic: str, subscriber: Subscriber
    ) -> None:
        made = await self._confirmed(cloud, topic, subscriber)
        other = await cloud.notifications.subscribe_endpoint(
            topic, "ocid1.fnfunc.oc1..x", protocol="ORACLE_FUNCTIONS"
        )
        assert other.confirmed
        await cloud.notifications.unsubscribe_endpoint(topic, made)
        left = await cloud.notifications.list_endpoints(topic)
        assert [each.endpoint for each in left] == ["ocid1.fnfunc.oc1..x"]
        before = len(subscriber.requests)
        await cloud.notifications.publish(topic, b"body")
        await self.nothing_more(lambda: len(subscriber.requests) > before)
        with pytest.raises(NotFoundError):
            await cloud.notifications.unsubscribe_endpoint(topic, made)

    async def nothing_more(self, condition: Any) -> None:
        """A condition does not become true for a while."""
        with pytest.raises(AssertionError):
            await self.within(self.quiet - self.patience, condition)

    async def test_endpoints_of_missing_topics_are_not_found(self, cloud: Any) -> None:
        name = self.fresh_name("missing")
        for call in (
            cloud.notifications.subscribe_endpoint(name, "https://example.org"),
            cloud.notifications.list_endpoints(name),
            cloud.notifications.unsubscribe_endpoint(name, "ocid1.onssubscription.oc1..x"),
        ):
            with pytest.raises(NotFoundError, match=name):
                await call

    async def test_wrong_endpoints_are_refused(self, cloud: Any) -> None:
        for endpoint, protocol in (
            ("ftp://example.org", "CUSTOM_HTTPS"),
            ("https://" + "x" * 512, "CUSTOM_HTTPS"),
            ("", "EMAIL"),
            ("a@example.org", "PIGEON"),
        ):
            with pytest.raises(ValidationError):
                await cloud.notifications.subscribe_endpoint("topic", endpoint, protocol=protocol)

    async def test_what_it_cannot_do_is_said_with_the_reason(self, cloud: Any) -> None:
        with pytest.raises(UnsupportedOperationError, match="subscribe_endpoint"):
            await cloud.notifications.create_subscription("topic", "mail")
        with pytest.raises(UnsupportedOperationError, match="is a text"):
            await cloud.notifications.publish("topic", b"body", attributes={"a": "b"})
        with pytest.raises(PayloadTooLargeError):
            await cloud.notifications.publish("topic", b"x" * 64_000)
