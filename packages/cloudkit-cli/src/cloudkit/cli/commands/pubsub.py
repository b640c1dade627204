"""``publish`` and ``subscribe``: topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.inputs import given_bytes, given_pairs
from cloudkit.cli.messages import deliver
from cloudkit.cli.output import Output
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import PubSub


@click.command(cls=Command)
@click.argument("topic", type=PlaceType("topic", alone=True))
@click.argument("body")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=VALUE", help="Sent beside it.")
@click.option("--ordering-key", help="Messages of one key keep their order; ordered topics.")
@click.option("--create", is_flag=True, help="Create the topic when it is missing.")
@click.pass_obj
def publish(
    settings: Settings,
    topic: Place,
    body: str,
    attribute: tuple[str, ...],
    ordering_key: str | None,
    create: bool,
) -> int | None:
    """Publish a message. BODY is its text, @FILE, or - for standard input."""
    attributes = given_pairs(attribute, "--attribute")
    data = given_bytes(body)

    async def work() -> None:
        async with Clouds(settings, make_folder=create) as clouds:
            contract = (await clouds.get(topic.cloud)).pubsub
            if create:
                await _make_topic(contract, topic.name)
            sent = await contract.publish(
                topic.name, data, attributes=attributes, ordering_key=ordering_key
            )
            Output(settings).result({"id": sent.id, "sequence": sent.sequence}, sent.id)

    return run(work)


@click.command(cls=Command, short_help="Print messages of a subscription.")
@click.argument("place", metavar="TOPIC/SUBSCRIPTION", type=PlaceType("topic", "subscription"))
@click.option("-n", "--max", "most", type=click.IntRange(1), help="End after so many messages.")
@click.option("--wait", type=DURATION, help="End when nothing has come for so long.")
@click.option("--keep", is_flag=True, help="Give the messages back, instead of taking them.")
@click.option("--create", is_flag=True, help="Create topic and subscription when missing.")
@click.pass_obj
def subscribe(
    settings: Settings,
    place: Place,
    most: int | None,
    wait: float | None,
    keep: bool,
    create: bool,
) -> int | None:
    """Print the messages of a subscription as they come, until Ctrl-C.

    Each is taken from the subscription once it is printed.
    """
    if keep and most is None:
        raise click.UsageError("--keep needs --max: messages that are given back come again")
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings, make_folder=create) as clouds:
            contract = (await clouds.get(place.cloud)).pubsub
            if create:
                await _make_topic(contract, place.name)
                await _make_subscription(contract, place.name, place.key)
            await _listen(contract, place, output, most=most, wait=wait, keep=keep)

    return run(work)


async def _listen(
    contract: PubSub,
    place: Place,
    output: Output,
    *,
    most: int | None,
    wait: float | None,
    keep: bool,
) -> None:
    import anyio

    limits = contract.capabilities
    heard, last = 0, anyio.current_time()
    while most is None or heard < most:
        left = limits.max_receive if most is None else min(most - heard, limits.max_receive)
        patience = limits.max_wait_seconds
        if wait is not None:
            patience = min(patience, max(0.0, last + wait - anyio.current_time()))
        messages = await contract.receive(place.name, place.key, max_messages=left, wait=patience)
        for message in messages:
            await deliver(message, contract, output, keep=keep)
        heard += len(messages)
        now = anyio.current_time()
        if messages:
            last = now
        elif wait is not None and now - last >= wait:
            return


async def _make_topic(contract: PubSub, topic: str) -> None:
    from cloudkit.common import AlreadyExistsError

    try:
        await contract.create_topic(topic)
    except AlreadyExistsError:
        return


async def _make_subscription(contract: PubSub, topic: str, subscription: str) -> None:
    from cloudkit.common import AlreadyExistsError

    try:
        await contract.create_subscription(topic, subscription)
    except AlreadyExistsError:
        return
