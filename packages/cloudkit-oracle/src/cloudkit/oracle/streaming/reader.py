"""A consumer of a stream: an instance of a group, and what it has read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from cloudkit.oracle.errors import status_of
from cloudkit.oracle.streaming.addresses import Address
from cloudkit.oracle.streaming.deliveries import Deliveries
from cloudkit.oracle.streaming.messages import Record, from_message
from cloudkit.oracle.streaming.streams import Streams

T = TypeVar("T")

COMMIT_SECONDS = 10.0
READ_LIMIT = 100
"""Messages of one request. Others cannot have them meanwhile: the partition is this instance's."""
SILENCE_SECONDS = 30.0
"""How long an instance may be silent before its partitions go to others; the service's default."""
SILENCE_OF_LEASE = 1.5
"""Silence that is asked for, in lengths of a lease: one, and what may have passed when it begins."""


class Reader:
    """Reads as one instance of a group, and commits what is done.

    Args:
        streams: Calls the service.
        address: The stream.
        group: The group.
        lease: Usual length of a lease, in seconds.
    """

    def __init__(self, streams: Streams, address: Address, group: str, lease: float) -> None:
        self._streams = streams
        self._address = address
        self._group = group
        self._silence = max(lease * SILENCE_OF_LEASE, SILENCE_SECONDS)
        self._instance = f"cloudkit-{uuid.uuid4().hex}"
        self._cursor: str | None = None
        self._heard_at = float("-inf")
        self._empty_since = float("-inf")
        self._lock = anyio.Lock()
        self.deliveries = Deliveries(anyio.current_time)

    async def begin_at_end(self) -> None:
        """Have the group get only what comes from now on."""
        async with self._lock:
            await self._join("LATEST")
            await self._call(lambda client: _set_latest(client, self._address.id, self._group))
            self._cursor = None
            self.deliveries.clear()

    async def read(self, since: float) -> None:
        """Read some messages, unless another task has just found none.

        Args:
            since: What was found missing before this moment must be looked for again.
        """
        async with self._lock:
            if self._empty_since >= since:
                return
            began = anyio.current_time()
            if self._cursor is None:
                await self._join("TRIM_HORIZON")
            while True:
                records, self._cursor = await self._calling(self._get)
                if not records:
                    self._empty_since = began
                    return
                # After a new beginning, what comes first may all be here already.
                if self.deliveries.add(records, self._cursor):
                    return

    async def commit(self) -> None:
        """Commit what is done, as far as everything before it is done."""
        async with self._lock:
            cursor = self.deliveries.committable()
            if cursor is None:
                return
            identity = self._address.id
            try:
                value = await self._call(
                    lambda client: client.consumer_commit(identity, cursor).data.value
                )
            except Exception as error:
                if not _is_refused(error):
                    raise
                self._lose_place()  # it comes again, and is known to be done
                return
            if self.deliveries.committed(cursor) and cursor == self._cursor:
                self._cursor = value

    async def commit_or_leave(self) -> None:
        """Commit, or leave it to the next commit: what is done here counts as done here."""
        with anyio.move_on_after(COMMIT_SECONDS, shield=True):
            try:
                await self.commit()
            except Exception:  # noqa: BLE001  (nothing is lost: at worst a message comes again)
                return

    async def stay(self, lease: float = 0.0) -> None:
        """Keep the partitions: what is leased must not be given to others.

        The service is told that this instance is there, when it has not heard of it for a while.

        Args:
            lease: Seconds for which it will perhaps not be told again.
        """
        async with self._lock:
            if lease * SILENCE_OF_LEASE > self._silence:
                self._silence = lease * SILENCE_OF_LEASE
                if self._cursor is not None:
                    await self._join("TRIM_HORIZON")  # only this says how long
                    self.deliveries.lose_place()
                return
            cursor = self._cursor
            quiet = anyio.current_time() - self._heard_at
            if cursor is None or quiet < self._silence / 3:
                return
            identity = self._address.id
            try:
                self._cursor = await self._call(
                    lambda client: client.consumer_heartbeat(identity, cursor).data.value
                )
            except Exception as error:
                if not _is_refused(error):
                    raise
                self._lose_place()

    async def _calling(
        self, call: Callable[[Any, str], tuple[list[Record], str]]
    ) -> tuple[list[Record], str]:
        """Make a call with the cursor; with a new one when it is no good any more."""
        assert self._cursor is not None  # noqa: S101
        cursor = self._cursor
        try:
            return await self._call(lambda client: call(client, cursor))
        except Exception as error:
            if not _is_refused(error):
                raise
        self._lose_place()
        new = await self._join("TRIM_HORIZON")
        return await self._call(lambda client: call(client, new))

    def _get(self, client: Any, cursor: str) -> tuple[list[Record], str]:
        answer = client.get_messages(self._address.id, cursor, limit=READ_LIMIT)
        return [from_message(each) for each in answer.data], answer.headers["opc-next-cursor"]

    async def _join(self, kind: str) -> str:
        """Take part in the group; it begins as said when it is new."""

        def join(client: Any) -> str:
            from oci.streaming.models import (  # type: ignore[import-untyped]
                CreateGroupCursorDetails,
            )

            details = CreateGroupCursorDetails(
                group_name=self._group,
                instance_name=self._instance,
                type=kind,
                timeout_in_ms=int(self._silence * 1000),
                commit_on_get=False,
            )
            return str(client.create_group_cursor(self._address.id, details).data.value)

        self._cursor = cursor = await self._call(join)
        return cursor

    async def _call(self, call: Callable[[Any], T]) -> T:
        result = await self._streams.call(self._address, call)
        self._heard_at = anyio.current_time()
        return result

    def _lose_place(self) -> None:
        self._cursor = None
        self.deliveries.lose_place()


def _set_latest(client: Any, identity: str, group: str) -> None:
    from oci.streaming.models import UpdateGroupDetails

    client.update_group(identity, group, UpdateGroupDetails(type="LATEST"))


def _is_refused(error: Exception) -> bool:
    """Whether the service takes a cursor no more: it is too old, or its partitions are others'."""
    return status_of(error) in {400, 409, 412}
