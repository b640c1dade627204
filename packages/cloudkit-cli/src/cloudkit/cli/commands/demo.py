"""``demo``: the five contracts at work, in a minute."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.output import Output
from cloudkit.cli.places import CloudName, Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import Cloud

FUNCTION = "shout"
_TEXT = b"hello from CloudKit"


@click.command(cls=Command, short_help="Show the five contracts at work.")
@click.argument("provider", required=False, type=PlaceType(bare=True))
@click.pass_obj
def demo(settings: Settings, provider: Place | None) -> int | None:
    """Show the five contracts at work, on the local provider or the one that is named.

    It makes a bucket, a table, a queue and a topic under names of its own, and deletes them.
    """
    scratch = tempfile.TemporaryDirectory(prefix="cloudkit-demo-") if provider is None else None

    async def work() -> None:
        with scratch or nullcontext() as folder:
            cloud = CloudName("local", folder=folder) if provider is None else provider.cloud
            extra: dict[str, Any] = {}
            if cloud.name == "local":
                extra["functions"] = {FUNCTION: bytes.upper}  # nobody has deployed one there
            async with Clouds(settings, make_folder=True, memory=True, **extra) as clouds:
                await _Demo(await clouds.get(cloud), Output(settings)).run()

    return run(work)


class _Demo:
    """One run."""

    def __init__(self, cloud: Cloud, output: Output) -> None:
        self._cloud = cloud
        self._output = output
        self._name = f"cloudkit-demo-{secrets.token_hex(4)}"

    async def run(self) -> None:
        from cloudkit.common import UnsupportedOperationError

        steps = (self._storage, self._kv, self._queue, self._pubsub, self._functions)
        for step in steps:
            try:
                await step()
            except UnsupportedOperationError as error:
                self._tell(step.__name__.strip("_"), f"not here: {error}")

    def _tell(self, contract: str, what: str) -> None:
        self._output.result({"contract": contract, "what": what}, f"{contract:10} {what}")

    async def _storage(self) -> None:
        import anyio

        storage = self._cloud.storage
        await storage.create_bucket(self._name)
        try:
            stored = await storage.put_object(self._name, "hello.txt", _TEXT)
            read = await storage.get_object(self._name, "hello.txt")
            self._tell("storage", f"wrote and read {len(read)} bytes, etag {stored.etag}")
        finally:
            with anyio.CancelScope(shield=True):
                await storage.delete_object(self._name, "hello.txt")
                await storage.delete_bucket(self._name)

    async def _kv(self) -> None:
        import anyio

        store = self._cloud.kv
        await store.create_table(self._name)
        try:
            await store.put(self._name, "ada", {"visits": 1})
            item = await store.update(self._name, "ada", increment={"visits": 1})
            self._tell("kv", f"counted to {item['visits']}, version {item.version}")
        finally:
            with anyio.CancelScope(shield=True):
                await store.delete_table(self._name)

    async def _queue(self) -> None:
        import anyio

        queue = self._cloud.queue
        await queue.create_queue(self._name)
        try:
            await queue.send(self._name, _TEXT)
            messages = await queue.receive(self._name, wait=5)
            await queue.ack_batch(messages)
            self._tell("queue", f"sent one message, received {len(messages)}")
        finally:
            with anyio.CancelScope(shield=True):
                await queue.delete_queue(self._name)

    async def _pubsub(self) -> None:
        import anyio

        pubsub = self._cloud.pubsub
        await pubsub.create_topic(self._name)
        try:
            heard = 0
            for subscription in ("first", "second"):
                await pubsub.create_subscription(self._name, subscription)
            await pubsub.publish(self._name, _TEXT)
            for subscription in ("first", "second"):
                messages = await pubsub.receive(self._name, subscription, wait=5)
                await pubsub.ack_batch(messages)
                heard += len(messages)
            self._tell("pubsub", f"published one message, heard by {heard} subscriptions")
        finally:
            with anyio.CancelScope(shield=True):
                await pubsub.delete_topic(self._name)

    async def _functions(self) -> None:
        functions = self._cloud.functions
        if await functions.function_exists(FUNCTION):
            result = await functions.invoke(FUNCTION, _TEXT)
            self._tell("functions", f"{FUNCTION} answered {result.payload.decode()!r}")
        else:
            self._tell("functions", f"there is no function {FUNCTION!r} to invoke")
