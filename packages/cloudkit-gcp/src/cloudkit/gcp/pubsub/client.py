"""Pub/Sub's two clients on one channel. All of it blocks, but for what is said otherwise.

The calls that move messages go over the SDK's transports, without the copies that its clients make of
each message. None is made twice: there is one retry loop, the executor's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]
from cloudkit.gcp.pubsub.messages import Encoded
from cloudkit.gcp.pubsub.pulling import Pulling
from cloudkit.gcp.transport import ClientSettings, make_channel
from google.api_core.exceptions import from_grpc_error
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import (
    AcknowledgeRequest,
    ModifyAckDeadlineRequest,
    PublishRequest,
    PullRequest,
)

MARGIN = 1.0
"""Seconds that a pull may take beyond its wait: servers answer empty-handed somewhat before the end."""
TICK = 1.0
"""Seconds between two looks at what else there is to do while a pull waits."""

_Publish, _Pull = PublishRequest.pb(), PullRequest.pb()
_Ack, _Modify = AcknowledgeRequest.pb(), ModifyAckDeadlineRequest.pb()


class PubSubClient:
    """The client of the service.

    Args:
        settings: Who signs, where the service is, and in which project.

    Attributes:
        publisher: The SDK's client for topics.
        subscriber: The SDK's client for subscriptions.
        options: Keyword arguments of their calls: a timeout, and no retries.

    Raises:
        ConfigurationError: Nobody names the project.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._project = f"projects/{settings.named_project}"
        self._channel = make_channel(settings)
        self._publishing = PublisherGrpcTransport(channel=self._channel)
        self._subscribing = SubscriberGrpcTransport(channel=self._channel)
        self._timeout = settings.config.timeout
        self.publisher = PublisherClient(transport=self._publishing)
        self.subscriber = SubscriberClient(transport=self._subscribing)
        self.options: dict[str, Any] = {"retry": None, "timeout": self._timeout}

    @property
    def project(self) -> str:
        """The project's name as requests give it."""
        return self._project

    def topic(self, name: str) -> str:
        """A topic's name as requests give it."""
        return f"{self._project}/topics/{name}"

    def subscription(self, name: str) -> str:
        """A subscription's name as requests give it."""
        return f"{self._project}/subscriptions/{name}"

    def publish(self, topic: str, messages: Sequence[Encoded]) -> list[str]:
        """Publish messages in one request.

        Args:
            topic: The service's name of it.
            messages: Of one ordering key.

        Returns:
            Their ids.
        """
        request = _Publish(
            topic=self.topic(topic), messages=[message.fields() for message in messages]
        )
        answer = self._call(self._publishing.publish, request, ("topic", request.topic))
        return list(answer._pb.message_ids)

    def acknowledge(self, subscription: str, leases: Sequence[str]) -> None:
        """Remove messages for good."""
        request = _Ack(subscription=self.subscription(subscription), ack_ids=leases)
        self._call(self._subscribing.acknowledge, request, _of(request))

    def modify(self, subscription: str, leases: Sequence[str], length: int) -> None:
        """Have leases end some seconds from now; 0 gives the messages back."""
        request = _Modify(
            subscription=self.subscription(subscription),
            ack_ids=leases,
            ack_deadline_seconds=length,
        )
        self._call(self._subscribing.modify_ack_deadline, request, _of(request))

    def pull(
        self,
        subscription: str,
        count: int,
        wait: float = 0.0,
        *,
        pulling: Pulling | None = None,
        tick: Callable[[], None] | None = None,
    ) -> list[Any]:
        """Lease some messages, for as long as the subscription says.

        Args:
            subscription: The service's name of it.
            count: At most so many.
            wait: Seconds to wait for the first.
            pulling: What calls it off; then there are none.
            tick: Called each second meanwhile.

        Returns:
            The messages as they were received.
        """
        pulling = pulling or Pulling()
        end = time.monotonic() + wait
        while True:
            left = end - time.monotonic()
            messages = self._pull_once(subscription, count, left, pulling, tick)
            if messages or pulling.unwanted or time.monotonic() >= end:
                return messages

    def _pull_once(
        self,
        subscription: str,
        count: int,
        wait: float,
        pulling: Pulling,
        tick: Callable[[], None] | None,
    ) -> list[Any]:
        request = _Pull(
            subscription=self.subscription(subscription),
            max_messages=count,
            # Nothing else says that an empty subscription is to be told of at once.
            return_immediately=wait <= 0,
        )
        timeout = self._timeout if wait <= 0 else wait + MARGIN
        method: Any = self._subscribing.pull
        call = method.future(request, timeout=timeout, metadata=_metadata(_of(request)))
        pulling.begin(call)
        try:
            return list(_result(call, tick)._pb.received_messages)
        except grpc.FutureCancelledError:
            return []
        except grpc.RpcError as error:
            if pulling.unwanted or (wait > 0 and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED):
                return []
            raise _native(error) from error
        finally:
            call.cancel()  # of no effect on one that has ended

    def _call(self, method: Any, request: Any, route: tuple[str, str]) -> Any:
        try:
            return method(request, timeout=self._timeout, metadata=_metadata(route))
        except grpc.RpcError as error:
            raise _native(error) from error

    def close(self) -> None:
        """End the connections."""
        self._channel.close()


def make_client(settings: ClientSettings) -> PubSubClient:
    """The client of Pub/Sub.

    Args:
        settings: Who signs, where the service is, and in which project.
    """
    return PubSubClient(settings)


def _of(request: Any) -> tuple[str, str]:
    return ("subscription", request.subscription)


def _metadata(route: tuple[str, str]) -> list[tuple[str, str]]:
    return [to_grpc_metadata([route])]  # type: ignore[no-untyped-call]


def _native(error: grpc.RpcError) -> Exception:
    made: Exception = from_grpc_error(error)  # type: ignore[no-untyped-call]
    return made


def _result(call: Any, tick: Callable[[], None] | None) -> Any:
    while tick is not None:
        try:
            return call.result(timeout=TICK)
        except grpc.FutureTimeoutError:
            tick()
    return call.result()
