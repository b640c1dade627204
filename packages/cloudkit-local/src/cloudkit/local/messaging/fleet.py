"""Consumers in the background, one for each source of some kind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.abc import TaskGroup
from attrs import evolve
from cloudkit.api.messaging import ConsumeOptions, Consumer, Message, Nack, Source
from cloudkit.common import (
    ClientClosedError,
    CloudError,
    MessagingCapabilities,
    NotFoundError,
)
from cloudkit.local.background import Background
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.messaging.leases import LocalLeases
from cloudkit.local.messaging.runner import InlineRunner
from cloudkit.local.messaging.sources import SourceRecord
from cloudkit.local.watch import Watch

LONGEST_BACKOFF = 60.0
_PAUSE = 1.0
_LIMITS = MessagingCapabilities(min_visibility_seconds=0.001, max_visibility_seconds=1e9)
_logger = logging.getLogger("cloudkit.local")


class _Leases(LocalLeases[MessagingCapabilities]):
    async def _nack(self, op: Nack) -> None:
        """Each time that a message fails it stays away twice as long."""
        doublings = min(op.message.receive_count - 1, 30)
        delay = min(op.delay * 2**doublings, LONGEST_BACKOFF)
        await super()._nack(evolve(op, delay=delay))


class Fleet:
    """Consumes every source of some kind in a background task, also those that come later.

    Args:
        database: Where the messages are.
        translate: Turns errors of SQLite into CloudErrors.
        channel: Where it is announced that there is another source.
        sources: Lists the sources.
        options: How to consume one. ``retry_delay`` doubles with each failure of a message.
        handle: Handles a message of one.
    """

    def __init__(
        self,
        database: Database,
        translate: Callable[[Exception], CloudError | None],
        channel: str,
        sources: Callable[[Connection], list[SourceRecord]],
        options: Callable[[SourceRecord], ConsumeOptions],
        handle: Callable[[SourceRecord, Message], Awaitable[Any]],
    ) -> None:
        self._database = database
        self._leases = _Leases(InlineRunner(translate), _LIMITS, database)
        self._channel = channel
        self._sources = sources
        self._options = options
        self._handle = handle
        self._background = Background(self._main)
        self._watch: Watch | None = None

    def start(self, *, look: bool = False) -> None:
        """Start, in this event loop, unless it runs already.

        Args:
            look: Whether to look for further sources now, without waiting for an announcement.
        """
        self._background.start()
        if look and self._watch is not None:
            self._watch.trigger()

    async def aclose(self) -> None:
        """Stop. What is under way is given back when it does not end in time."""
        await self._background.stop()

    async def _main(self) -> None:
        served: set[int] = set()
        with self._database.watch(self._channel) as watch:
            self._watch = watch
            async with anyio.create_task_group() as tasks:
                while await self._look(tasks, served):
                    await watch.changed()

    async def _look(self, tasks: TaskGroup, served: set[int]) -> bool:
        """Begin to serve new sources; False when the client was closed."""
        try:
            records = await self._database.read(self._sources)
        except ClientClosedError:
            return False
        for record in records:
            if record.id not in served:
                served.add(record.id)
                tasks.start_soon(self._serve, record)
        return True

    async def _serve(self, record: SourceRecord) -> None:
        source = Source(record.kind, record.name, record.topic or None)

        async def handler(message: Message) -> None:
            await self._handle(record, message)

        while True:
            try:
                await Consumer(self._leases, source, handler, self._options(record)).run()
            except (NotFoundError, ClientClosedError):
                return  # it was deleted
            except CloudError as error:
                _logger.warning("messages of %s wait: %s", source, error)
            await anyio.sleep(_PAUSE)
