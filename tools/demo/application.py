"""The application: it knows the contracts, and no provider.

Files of a folder become objects; their metadata goes into a table; a queue hands them to workers, which
have a function look at the text; the outcome is announced on a topic with two subscribers.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from attrs import Factory, define, field, frozen
from cloudkit.prelude import (
    AuthenticationError,
    Cloud,
    CloudError,
    Item,
    Key,
    Message,
    PermissionDeniedError,
    attr,
)

from tools.demo.digest import digest

FUNCTION = "cloudkit-demo-digest"
PARTITION = "documents"


@frozen
class Names:
    """What the application creates, under names that are its own for this run."""

    bucket: str
    table: str
    queue: str
    topic: str

    @classmethod
    def fresh(cls) -> Names:
        """Names that nobody else uses."""
        run = secrets.token_hex(4)
        return cls(*(f"cloudkit-demo-{run}-{kind}" for kind in ("files", "index", "work", "news")))


@define
class Outcome:
    """What happened."""

    documents: list[Item] = Factory(list)
    handled_by: dict[str, int] = Factory(dict)
    failures: int = 0
    heard: dict[str, list[str]] = Factory(dict)
    bytes_stored: int = 0
    deployed: bool = True
    """Whether the function ran at the provider, and not in this process."""


@define(eq=False)
class Application:
    """One run of the demo.

    Attributes:
        cloud: Any provider.
        folder: Where the files are.
        workers: How many consumers share the queue.
        outcome: What has happened so far.
        failure: What a handler failed with last, and not on purpose.
    """

    cloud: Cloud
    folder: Path
    workers: int = 3
    names: Names = Factory(Names.fresh)
    outcome: Outcome = field(factory=Outcome)
    failure: CloudError | None = None

    async def run(self) -> Outcome:
        """Do all of it, and clean up.

        Raises:
            CloudError: Something failed for good.
        """
        files = [path for path in sorted(self.folder.rglob("*")) if path.suffix in {".md", ".txt"}]
        self.outcome.deployed = await self._is_deployed()
        async with self._resources(), anyio.create_task_group() as subscribers:
            markdown = [path for path in files if path.suffix == ".md"]
            subscribers.start_soon(self._listen, "archive", len(files), "")
            subscribers.start_soon(self._listen, "markdown", len(markdown), ".md")
            async with anyio.create_task_group() as ingesting:
                for path in files:
                    ingesting.start_soon(self._ingest, path)
            async with anyio.create_task_group() as working:
                for number in range(self.workers):
                    working.start_soon(self._work, f"worker {number + 1}")
            done = self.cloud.kv.query(self.names.table, PARTITION, filter=attr("status") == "done")
            self.outcome.documents = await done.to_list()
            if self.failure is not None and len(self.outcome.documents) < len(files):
                raise self.failure
            subscribers.cancel_scope.deadline = anyio.current_time() + 30
        return self.outcome

    async def _ingest(self, path: Path) -> None:
        key = path.relative_to(self.folder).as_posix()
        stored = await self.cloud.storage.put_object(
            self.names.bucket, key, path, metadata={"origin": path.name}
        )
        size = stored.size or 0
        self.outcome.bytes_stored += size
        await self.cloud.kv.put(
            self.names.table,
            Key(PARTITION, key),
            {"size": size, "etag": stored.etag, "status": "new"},
            if_absent=True,
        )
        await self.cloud.queue.send_json(self.names.queue, {"key": key})

    async def _work(self, worker: str) -> None:
        async def handle(message: Message) -> None:
            if self.outcome.failures == 0:
                self.outcome.failures += 1
                raise RuntimeError("failing once on purpose: the message comes back")
            try:
                await self._process(message.json()["key"])
            except CloudError as error:
                self.failure = error  # another try may mend it
                raise
            self.outcome.handled_by[worker] = self.outcome.handled_by.get(worker, 0) + 1

        await self.cloud.queue.consume(
            self.names.queue, handle, concurrency=4, stop_when_empty=True
        )

    async def _process(self, key: str) -> None:
        data = await self.cloud.storage.get_object(self.names.bucket, key)
        facts = await self._digest(data.decode())
        await self.cloud.kv.update(
            self.names.table, Key(PARTITION, key), set={**facts, "status": "done"}
        )
        await self.cloud.pubsub.publish_json(
            self.names.topic,
            {"key": key, "words": facts["words"]},
            attributes={"kind": key.rpartition(".")[2]},
        )

    async def _is_deployed(self) -> bool:
        try:
            return await self.cloud.functions.function_exists(FUNCTION)
        except (AuthenticationError, PermissionDeniedError):
            return True  # who may call a function need not have the right to look for it

    async def _digest(self, text: str) -> dict[str, Any]:
        if not self.outcome.deployed:
            # CloudKit calls functions and deploys none: on somebody's own account it may be missing.
            local: dict[str, Any] = json.loads(digest(json.dumps({"text": text}).encode()))
            return local
        result = await self.cloud.functions.invoke_json(FUNCTION, {"text": text})
        if result.error is not None:
            raise RuntimeError(f"the function failed: {result.error}")
        facts: dict[str, Any] = result.json()
        return facts

    async def _listen(self, subscription: str, expected: int, suffix: str) -> None:
        heard = self.outcome.heard.setdefault(subscription, [])
        with anyio.CancelScope() as scope:

            async def hear(message: Message) -> None:
                key: str = message.json()["key"]
                # Not every service filters.
                if key.endswith(suffix):
                    heard.append(key)
                if len(set(heard)) >= expected:
                    scope.cancel()

            if expected:
                await self.cloud.pubsub.consume(self.names.topic, subscription, hear)

    @asynccontextmanager
    async def _resources(self) -> AsyncIterator[None]:
        cloud, names = self.cloud, self.names
        wanted = {"kind": "md"} if cloud.capabilities.pubsub.filters else None
        async with AsyncExitStack() as made:

            async def make(
                creation: Awaitable[object], undo: Callable[[str], Awaitable[None]], name: str
            ) -> None:
                await creation
                made.push_async_callback(_shielded, undo, name)

            await make(cloud.storage.create_bucket(names.bucket), self._delete_bucket, names.bucket)
            await make(
                cloud.kv.create_table(names.table, sort_key="path"),
                cloud.kv.delete_table,
                names.table,
            )
            await make(cloud.queue.create_queue(names.queue), cloud.queue.delete_queue, names.queue)
            await make(
                cloud.pubsub.create_topic(names.topic), cloud.pubsub.delete_topic, names.topic
            )
            await cloud.pubsub.create_subscription(names.topic, "archive")
            await cloud.pubsub.create_subscription(names.topic, "markdown", filter=wanted)
            yield

    async def _delete_bucket(self, bucket: str) -> None:
        keys = [entry.key async for entry in self.cloud.storage.list_objects(bucket)]
        for removed in await self.cloud.storage.delete_objects(bucket, keys):
            _ = removed.value  # raises what went wrong
        await self.cloud.storage.delete_bucket(bucket)


async def _shielded(undo: Callable[[str], Awaitable[None]], name: str) -> None:
    with anyio.CancelScope(shield=True):
        await undo(name)
