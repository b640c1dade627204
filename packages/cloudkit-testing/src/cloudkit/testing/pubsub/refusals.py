"""How to ask PubSub for what each of its capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.api.messaging import Source
from cloudkit.api.pubsub import PubSub
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.messaging.refusals import lease_refusals
from cloudkit.testing.suite import Refusal

_TOPIC, _SUBSCRIPTION = "ck-never-sent", "ck-never-sent-either"


async def _publish_attributes(pubsub: PubSub) -> None:
    await pubsub.publish(_TOPIC, b"body", attributes={"name": "value"})


async def _publish_with_a_key(pubsub: PubSub) -> None:
    await pubsub.publish(_TOPIC, b"body", ordering_key="key")


async def _subscribe_with_a_filter(pubsub: PubSub) -> None:
    ContractSuite.restrict(pubsub, subscriptions=True)  # or that would be refused first
    await pubsub.create_subscription(_TOPIC, _SUBSCRIPTION, filter={"kind": "a"})


async def _subscribe_an_endpoint(pubsub: PubSub) -> None:
    ContractSuite.restrict(pubsub, subscriptions=True)
    await pubsub.create_subscription(_TOPIC, _SUBSCRIPTION, push_endpoint="http://127.0.0.1:9/")


async def _read_dead_letters(pubsub: PubSub) -> None:
    ContractSuite.restrict(pubsub, subscriptions=True)
    await pubsub.dead_letters(_TOPIC, _SUBSCRIPTION, max_messages=1)


REFUSALS: Mapping[str, Refusal] = {
    **lease_refusals(Source("pubsub", _SUBSCRIPTION, _TOPIC)),
    "attributes": _publish_attributes,
    "ordering": _publish_with_a_key,
    "filters": _subscribe_with_a_filter,
    "push": _subscribe_an_endpoint,
    "subscriptions": lambda pubsub: pubsub.create_subscription(_TOPIC, _SUBSCRIPTION),
    "list_dead_letters": _read_dead_letters,
}
"""Capability flag → a call that needs it."""
