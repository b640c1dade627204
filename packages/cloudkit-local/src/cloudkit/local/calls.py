"""Calls of functions that nobody waits for."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from cloudkit.api.messaging import ConsumeOptions, Message, OutgoingMessage, Source
from cloudkit.common import CloudError, NotFoundError
from cloudkit.local.connection import Connection
from cloudkit.local.database import Database
from cloudkit.local.invocation import Outcome
from cloudkit.local.messaging.fleet import Fleet
from cloudkit.local.messaging.messages import Messages
from cloudkit.local.messaging.rows import new_id
from cloudkit.local.messaging.sources import (
    CALLS_CHANNEL,
    SourceRecord,
    create_source,
    find_source,
    list_sources,
)

KIND: Final = "functions"
ATTEMPTS: Final = 3
CONCURRENCY: Final = 10
"""Calls of one function at once."""

_RETRY_DELAY = 1.0
_LEASE = 30.0
_DRAIN = 5.0
_ALL = -1
_logger = logging.getLogger("cloudkit.local")


class CallFailedError(Exception):
    """A call failed and is made again."""


class Calls:
    """Calls as messages, one source a function, so that a killed process loses none.

    Args:
        database: Where they wait.
        translate: Turns errors of SQLite into CloudErrors.
        known: Whether this process has a function.
        call: Makes a call.
    """

    def __init__(
        self,
        database: Database,
        translate: Callable[[Exception], CloudError | None],
        known: Callable[[str], bool],
        call: Callable[[str, bytes], Awaitable[Outcome]],
    ) -> None:
        self._database = database
        self._known = known
        self._call = call
        self._fleet = Fleet(
            database, translate, CALLS_CHANNEL, self._sources, lambda record: _OPTIONS, self._make
        )
        self._looked = False

    def expect_others(self) -> None:
        """A function was added, of which an earlier process may have left calls."""
        self._looked = False

    async def take_up(self) -> None:
        """Start, if other processes have left calls."""
        if self._looked or self._database.path is None:
            return
        self._looked = True
        if await self._database.read(self._sources):
            self._fleet.start(look=True)

    async def add(self, function: str, payload: bytes) -> str:
        """Write a call down, and start; returns its id."""
        call_id = new_id()
        message = OutgoingMessage(body=payload)

        def add(connection: Connection) -> None:
            record = _source(connection, function)
            Messages(connection, record, time.time()).add(message, call_id)

        await self._database.write(add)
        self._fleet.start()
        return call_id

    async def aclose(self) -> None:
        """Stop; calls under way get some seconds to end."""
        await self._fleet.aclose()

    def _sources(self, connection: Connection) -> list[SourceRecord]:
        records = list_sources(connection, KIND, "", size=_ALL)
        return [record for record in records if self._known(record.name)]

    async def _make(self, record: SourceRecord, message: Message) -> None:
        fault: object
        try:
            fault = (await self._call(record.name, message.body)).fault
        except CloudError as error:
            fault = error  # it cannot be loaded
        if fault is None:
            return
        if message.receive_count < ATTEMPTS:
            raise CallFailedError(f"{record.name}: {fault}")
        _logger.error(
            "call %s of %s was given up after %d attempts: %s",
            message.id,
            record.name,
            message.receive_count,
            fault,
        )


_OPTIONS = ConsumeOptions(
    concurrency=CONCURRENCY,
    visibility=_LEASE,
    retry_delay=_RETRY_DELAY,
    drain_timeout=_DRAIN,
)


def _source(connection: Connection, function: str) -> SourceRecord:
    try:
        return find_source(connection, Source(KIND, function))
    except NotFoundError:
        connection.notify(CALLS_CHANNEL)
        record = SourceRecord(id=0, kind=KIND, topic="", name=function, visibility=_LEASE)
        return create_source(connection, record)
