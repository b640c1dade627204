"""Topics and subscriptions as resources: created, awaited, described, deleted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from attrs import evolve, frozen
from cloudkit.api.messaging import DeadLetterPolicy, Source
from cloudkit.api.pubsub import SubscriptionInfo, TopicInfo
from cloudkit.api.pubsub.operations import CreateSubscription
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.errors import status_of, translate
from cloudkit.azure.event_grid.filters import read_filter, write_filter
from cloudkit.azure.event_grid.locks import SHORTEST_LOCK
from cloudkit.azure.event_grid.management import ManagementClient
from cloudkit.common import ProviderError, ValidationError
from cloudkit.core.urls import is_loopback

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
KNOWN_SECONDS = 300.0
RETENTION_DAYS = 7
MAX_DELIVERIES = 10
BROKEN_HINT = (
    "It is there, but of no use: delete it. An endpoint that messages are pushed to must consent, by the "
    "answer to an OPTIONS request (WebHook-Allowed-Origin)."
)
_BROKEN = frozenset({"Canceled", "Failed", "CreateFailed", "UpdatedFailed", "DeleteFailed"})


@frozen
class Settings:
    """What must be known of a subscription to receive from it.

    Attributes:
        lock: Seconds that its locks last; None where that is not known.
        sets_aside: Whether it has a place for dead letters; True where that is not known.
    """

    lock: float | None = None
    sets_aside: bool = True

    @property
    def least_lock(self) -> float:
        """Seconds that a lock lasts at least."""
        return SHORTEST_LOCK if self.lock is None else self.lock


class Resources:
    """Topics and subscriptions of the namespace.

    Args:
        clients: Makes the calls.
    """

    def __init__(self, clients: AzureClients) -> None:
        self._clients = clients
        self._known: dict[tuple[str, str], tuple[float, Settings]] = {}

    # Topics

    async def create_topic(self, name: str) -> TopicInfo:
        """Create a topic, and wait until it is there."""
        properties = {
            "publisherType": "Custom",
            "inputSchema": "CloudEventSchemaV1_0",
            "eventRetentionInDays": RETENTION_DAYS,
        }
        await self._run(ManagementClient.create, properties, name)
        await self._await_ready(name)
        return TopicInfo(name=name)

    async def describe_topic(self, name: str) -> TopicInfo:
        """A topic."""
        await self._run(_read, name)
        return TopicInfo(name=name)

    async def topics(self) -> list[str]:
        """The names of all topics, in order."""
        found = await self._run(ManagementClient.children)
        return sorted(item["name"] for item in found if not _is_going(item))

    # Subscriptions

    async def create_subscription(self, op: CreateSubscription) -> SubscriptionInfo:
        """Create a subscription, and wait until it is there."""
        container = self._clients.config.event_grid_dead_letters
        properties: dict[str, Any] = {
            "deliveryConfiguration": _delivery(op, container),
            "eventDeliverySchema": "CloudEventSchemaV1_0",
        }
        filters = write_filter(op.filter)
        if filters is not None:
            properties["filtersConfiguration"] = filters
        await self._run(ManagementClient.create, properties, op.topic, op.subscription)
        ready = await self._await_ready(op.topic, op.subscription)
        return await self._described(op.topic, ready)

    async def describe_subscription(self, topic: str, name: str) -> SubscriptionInfo:
        """A subscription."""
        return await self._described(topic, await self._run(_read, topic, name))

    async def subscriptions(self, topic: str) -> list[SubscriptionInfo]:
        """All subscriptions of a topic, by name."""
        found = await self._run(ManagementClient.children, topic)
        infos = [await self._described(topic, item) for item in found if not _is_going(item)]
        return sorted(infos, key=lambda info: info.name)

    async def settings(self, source: Source) -> Settings:
        """What is known of a subscription; asks where that is possible."""
        key = (str(source.topic), source.name)
        at, known = self._known.get(key, (-math.inf, Settings()))
        if at + KNOWN_SECONDS > time.monotonic() or self._clients.config.event_grid_place is None:
            return known
        try:
            self._learn(key[0], await self._run(_read, *key))
        except Exception:  # noqa: BLE001  # who may receive need not be allowed to manage
            self._known[key] = (time.monotonic(), known)
            return known
        return self._known[key][1]

    async def delete(self, *names: str) -> None:
        """Delete a topic or subscription, and wait until it has gone."""
        for key in [key for key in self._known if key[: len(names)] == names]:
            del self._known[key]
        await self._run(ManagementClient.delete, *names)
        await self._poll(lambda resource: resource is None, *names)

    async def _described(self, topic: str, resource: Mapping[str, Any]) -> SubscriptionInfo:
        info = self._learn(topic, resource)
        if info.push_endpoint is None:
            return info
        url = await self._run(ManagementClient.full_url, topic, info.name)
        return evolve(info, push_endpoint=url)

    def _learn(self, topic: str, resource: Mapping[str, Any]) -> SubscriptionInfo:
        info = _info(topic, resource)
        settings = Settings(lock=info.visibility, sets_aside=info.dead_letter is not None)
        self._known[(topic, info.name)] = (time.monotonic(), settings)
        return info

    async def _await_ready(self, *names: str) -> Any:
        return await self._poll(
            lambda resource: resource and _state(resource) == "Succeeded", *names
        )

    async def _poll(self, done: Callable[[Any], Any], *names: str) -> Any:
        pause = FIRST_PAUSE
        while True:
            try:
                resource = await self._run(_read_or_none, *names)
            except Exception as error:
                # What was begun goes on. To begin it again, as the retry policy would, is an error.
                failure = translate(error)
                if failure is None or not failure.retryable:
                    raise
                pause = max(pause, failure.retry_after or 0)
            else:
                if done(resource):
                    return resource
                _check_state(resource)
            await anyio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run(self, func: Callable[..., Any], *args: Any) -> Any:
        return await self._clients.run("management", lambda client: func(client, *args))


def _read(client: ManagementClient, *names: str) -> Any:
    return client.read(*names)


def _read_or_none(client: ManagementClient, *names: str) -> Any:
    try:
        return client.read(*names)
    except Exception as error:
        if status_of(error) == 404:
            return None
        raise


def _state(resource: Mapping[str, Any]) -> str:
    return str(resource["properties"].get("provisioningState", "Succeeded"))


def _check_state(resource: Mapping[str, Any] | None) -> None:
    if resource is not None and (state := _state(resource)) in _BROKEN:
        raise ProviderError(
            f"the resource manager ended with {state}", code=state, hint=BROKEN_HINT
        )


def _is_going(resource: Mapping[str, Any]) -> bool:
    return _state(resource) in {"Deleting", "Deleted"}


def _delivery(op: CreateSubscription, container: str | None) -> dict[str, Any]:
    policy, url = op.dead_letter, op.push_endpoint
    common: dict[str, Any] = {
        "maxDeliveryCount": MAX_DELIVERIES if policy is None else policy.max_receives
    }
    if container is not None:
        common["deadLetterDestinationWithResourceIdentity"] = _dead_letters(container)
    if url is None:
        lock = {"receiveLockDurationInSeconds": math.ceil(op.visibility)}
        return {"deliveryMode": "Queue", "queue": {**lock, **common}}
    if not url.startswith("https:") and not is_loopback(url):
        raise ValidationError("Event Grid pushes to https endpoints only")
    hook = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
    return {"deliveryMode": "Push", "push": {**common, "destination": hook}}


def _dead_letters(container: str) -> dict[str, Any]:
    account, _, name = container.partition("/blobServices/default/containers/")
    return {
        "identity": {"type": "SystemAssigned"},
        "deadLetterDestination": {
            "endpointType": "StorageBlob",
            "properties": {"resourceId": account, "blobContainerName": name},
        },
    }


def _info(topic: str, resource: Mapping[str, Any]) -> SubscriptionInfo:
    properties = resource["properties"]
    delivery = properties.get("deliveryConfiguration") or {}
    queue = delivery.get("queue") or {}
    push = delivery.get("push") or {}
    common = queue or push
    policy = None
    if common.get("deadLetterDestinationWithResourceIdentity"):
        policy = DeadLetterPolicy(max_receives=common.get("maxDeliveryCount") or MAX_DELIVERIES)
    hook = (push.get("destination") or {}).get("properties") or {}
    return SubscriptionInfo(
        topic=topic,
        name=resource["name"],
        filter=read_filter(properties.get("filtersConfiguration")),
        visibility=float(queue.get("receiveLockDurationInSeconds") or SHORTEST_LOCK),
        dead_letter=policy,
        push_endpoint=hook.get("endpointBaseUrl") or hook.get("endpointUrl"),
    )
