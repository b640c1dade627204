"""``topic``: topics and their subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.output import Output
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Group, Settings

if TYPE_CHECKING:
    from cloudkit.api import PubSub

TOPIC = PlaceType("topic")


@click.group(cls=Group, short_help="Topics, and their subscriptions.")
def topic() -> None:
    """Topics, and their subscriptions: aws:news is a topic, aws:news/archive a subscription of it."""


@topic.command("create")
@click.argument("place", metavar="TOPIC[/SUBSCRIPTION]", type=TOPIC)
@click.option("--ordering", is_flag=True, help="Keep the order of messages with one ordering key.")
@click.pass_obj
def create(settings: Settings, place: Place, ordering: bool) -> int | None:
    """Create a topic, or a subscription of a topic that is there."""
    if place.key and ordering:
        raise click.UsageError("--ordering is for topics, not for subscriptions")

    async def work() -> None:
        async with Clouds(settings, make_folder=True) as clouds:
            pubsub = (await clouds.get(place.cloud)).pubsub
            if place.key:
                await pubsub.create_subscription(place.name, place.key)
            else:
                await pubsub.create_topic(place.name, ordering=ordering)
            Output(settings).result(_values(place), f"made {place}")

    return run(work)


@topic.command("ls")
@click.argument("place", metavar="CLOUD|TOPIC", type=PlaceType(bare=True))
@click.pass_obj
def list_topics(settings: Settings, place: Place) -> int | None:
    """List the topics of a cloud, or the subscriptions of a topic."""
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            pubsub = (await clouds.get(place.cloud)).pubsub
            if place.name:
                await _list_subscriptions(pubsub, place, output)
                return
            async for info in pubsub.list_topics():
                output.result({"topic": info.name, "ordering": info.ordering}, info.name)

    return run(work)


@topic.command("delete")
@click.argument("place", metavar="TOPIC[/SUBSCRIPTION]", type=TOPIC)
@click.pass_obj
def delete(settings: Settings, place: Place) -> int | None:
    """Delete a topic with its subscriptions, or one subscription. There is no question before."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            pubsub = (await clouds.get(place.cloud)).pubsub
            if place.key:
                await pubsub.delete_subscription(place.name, place.key)
            else:
                await pubsub.delete_topic(place.name)
            Output(settings).result({**_values(place), "deleted": True}, f"deleted {place}")

    return run(work)


async def _list_subscriptions(pubsub: PubSub, place: Place, output: Output) -> None:
    async for info in pubsub.list_subscriptions(place.name):
        values = {"topic": info.topic, "subscription": info.name, "visibility": info.visibility}
        output.result({**values, "push_endpoint": info.push_endpoint}, info.name)


def _values(place: Place) -> dict[str, Any]:
    return {"topic": place.name, "subscription": place.key or None}
