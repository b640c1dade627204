"""``queue``: messages in queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.exits import ReportedError, exit_of_all
from cloudkit.cli.inputs import given_bytes, given_pairs
from cloudkit.cli.messages import deliver
from cloudkit.cli.output import Output, report
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Group, Settings

if TYPE_CHECKING:
    from cloudkit.api import Message, MessageQueue

QUEUE = PlaceType("queue", alone=True)


@click.group(cls=Group)
def queue() -> None:
    """Messages in queues."""


@queue.command("create")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.option("--fifo", is_flag=True, help="Keep the order inside a group.")
@click.option("--visibility", type=DURATION, default="30s", show_default=True, help="Of a lease.")
@click.option(
    "--max-receives", type=click.IntRange(1), help="Set a message aside after so many receives."
)
@click.pass_obj
def create(
    settings: Settings, place: Place, fifo: bool, visibility: float, max_receives: int | None
) -> int | None:
    """Create a queue."""

    async def work() -> None:
        from cloudkit.api import DeadLetterPolicy

        policy = None if max_receives is None else DeadLetterPolicy(max_receives=max_receives)
        async with Clouds(settings, make_folder=True) as clouds:
            made = await (await clouds.get(place.cloud)).queue.create_queue(
                place.name, fifo=fifo, visibility=visibility, dead_letter=policy
            )
            values = {"queue": made.name, "fifo": made.fifo, "visibility": made.visibility}
            Output(settings).result(values, f"made {place}")

    return run(work)


@queue.command("ls")
@click.argument("cloud", type=PlaceType(bare=True))
@click.pass_obj
def list_queues(settings: Settings, cloud: Place) -> int | None:
    """List the queues of a cloud."""
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            async for info in (await clouds.get(cloud.cloud)).queue.list_queues():
                values = {"queue": info.name, "fifo": info.fifo, "visibility": info.visibility}
                output.result(values, info.name)

    return run(work)


@queue.command("send")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.argument("body")
@click.option("--lines", is_flag=True, help="Each line of BODY is a message.")
@click.option("-a", "--attribute", multiple=True, metavar="NAME=VALUE", help="Sent beside it.")
@click.option("--delay", type=DURATION, default="0", help="How long it stays hidden.")
@click.option("--group", help="Messages of one group keep their order; fifo queues.")
@click.option("--dedup-id", help="A second message with it is dropped for a while; fifo queues.")
@click.pass_obj
def send(
    settings: Settings,
    place: Place,
    body: str,
    lines: bool,
    attribute: tuple[str, ...],
    delay: float,
    group: str | None,
    dedup_id: str | None,
) -> int | None:
    """Send a message. BODY is its text, @FILE, or - for standard input."""
    shared: dict[str, Any] = {"attributes": given_pairs(attribute, "--attribute"), "delay": delay}
    shared |= {"group": group, "dedup_id": dedup_id}
    data = given_bytes(body)
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            contract = (await clouds.get(place.cloud)).queue
            if lines:
                await _send_lines(contract, place.name, data.splitlines(), shared, output)
                return
            sent = await contract.send(place.name, data, **shared)
            output.result({"id": sent.id, "sequence": sent.sequence}, sent.id)

    return run(work)


async def _send_lines(
    contract: MessageQueue, queue: str, lines: list[bytes], shared: dict[str, Any], output: Output
) -> None:
    from cloudkit.api import OutgoingMessage

    messages = [OutgoingMessage(body=line, **shared) for line in lines]
    errors: list[Exception] = []
    for outcome in await contract.send_batch(queue, messages):
        if outcome.error is None:
            output.result({"id": outcome.value.id}, outcome.value.id)
        else:
            errors.append(outcome.error)
            report(outcome.error, as_json=output.json)
    if errors:
        raise ReportedError(exit_of_all(errors))


@queue.command("receive")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.option("-n", "--max", "most", type=click.IntRange(1), default=1, show_default=True)
@click.option("--wait", type=DURATION, default="0", help="How long to wait for the first.")
@click.option("--keep", is_flag=True, help="Give the messages back, instead of taking them.")
@click.option("--dead", is_flag=True, help="The queue's dead letters.")
@click.pass_obj
def receive(
    settings: Settings, place: Place, most: int, wait: float, keep: bool, dead: bool
) -> int | None:
    """Print messages, and take each from the queue once it is printed."""
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            contract = (await clouds.get(place.cloud)).queue
            left = most
            while left:
                some = min(left, contract.capabilities.max_receive)
                if dead:
                    messages = await contract.dead_letters(place.name, max_messages=some)
                else:
                    # Only the first wait is for something to come; the rest takes what is there.
                    first = wait if left == most else 0
                    messages = await _receive(contract, place.name, some, first)
                for message in messages:
                    await deliver(message, contract, output, keep=keep)
                left -= len(messages)
                if not messages or keep:
                    return

    return run(work)


async def _receive(contract: MessageQueue, queue: str, most: int, wait: float) -> list[Message]:
    """Receive; asks again where one request cannot wait for so long."""
    import anyio

    until = anyio.current_time() + wait
    while True:
        patience = min(
            max(0.0, until - anyio.current_time()), contract.capabilities.max_wait_seconds
        )
        messages = await contract.receive(queue, max_messages=most, wait=patience)
        if messages or anyio.current_time() >= until:
            return messages


@queue.command("purge")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.pass_obj
def purge(settings: Settings, place: Place) -> int | None:
    """Delete all messages of a queue. There is no question before."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            await (await clouds.get(place.cloud)).queue.purge(place.name)
            Output(settings).result({"queue": place.name, "purged": True}, f"purged {place}")

    return run(work)


@queue.command("delete")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.pass_obj
def delete(settings: Settings, place: Place) -> int | None:
    """Delete a queue with its messages. There is no question before."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            await (await clouds.get(place.cloud)).queue.delete_queue(place.name)
            Output(settings).result({"queue": place.name, "deleted": True}, f"deleted {place}")

    return run(work)


@queue.command("stats")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.pass_obj
def stats(settings: Settings, place: Place) -> int | None:
    """Show how many messages a queue holds."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            found = await (await clouds.get(place.cloud)).queue.stats(place.name)
            values: dict[str, Any] = {"queue": place.name, "available": found.available}
            values |= {"leased": found.leased, "delayed": found.delayed, "dead": found.dead}
            values["exact"] = found.exact
            names = ("available", "leased", "delayed", "dead", "exact")
            Output(settings).table(names, [values])

    return run(work)


@queue.command("redrive")
@click.argument("place", metavar="QUEUE", type=QUEUE)
@click.option("-n", "--max", "most", type=click.IntRange(1), help="Most messages; all by default.")
@click.pass_obj
def redrive(settings: Settings, place: Place, most: int | None) -> int | None:
    """Send messages that were set aside back to their queue."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            contract = (await clouds.get(place.cloud)).queue
            count = await contract.redrive(place.name, max_messages=most)
            Output(settings).result({"queue": place.name, "redriven": count}, f"redriven {count}")

    return run(work)
