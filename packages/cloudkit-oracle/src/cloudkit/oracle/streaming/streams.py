"""Streams by name: found once, then known. What blocks runs in a worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import anyio
from cloudkit.common import AlreadyExistsError, NotFoundError, ProviderError
from cloudkit.oracle.clients import OracleClients, ServiceAt
from cloudkit.oracle.errors import status_of
from cloudkit.oracle.streaming.addresses import DEAD, Address

T = TypeVar("T")

LIVE = frozenset({"ACTIVE", "UPDATING"})
COMING = LIVE | {"CREATING"}
SETTINGS_SECONDS = 60.0
"""How long settings of a stream are believed."""
PAGE_SIZE = 50
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


def is_missing(error: Exception) -> bool:
    """Whether Streaming says that there is no such stream."""
    return not isinstance(error, NotFoundError) and status_of(error) == 404


class Streams:
    """What is known of streams, and how they are made and removed.

    Args:
        clients: The SDK's clients.
    """

    def __init__(self, clients: OracleClients) -> None:
        self._clients = clients
        self._addresses: dict[str, Address] = {}

    # Finding

    async def using(self, name: str, call: Callable[[Any, Address], T]) -> T:
        """Call ``call(client, address)`` in a worker thread, with the client of a stream's messages.

        It is called again when the stream is known but not there any more, for there may be another
        of its name by now.

        Raises:
            NotFoundError: There is no stream of this name.
            Exception: Whatever the SDK raised.
        """

        def run(admin: Any) -> T:
            known = self._addresses.get(name)
            if known is not None and time.monotonic() - known.read_at < SETTINGS_SECONDS:
                try:
                    return call(self._messages(known), known)
                except Exception as error:
                    if not is_missing(error):
                        raise
            address = self._find(admin, name)
            return call(self._messages(address), address)

        return await self._clients.run("streaming_admin", run)

    async def address(self, name: str) -> Address:
        """Where a stream is, by what is known of it or by asking.

        Raises:
            NotFoundError: There is none.
        """
        known = self._addresses.get(name)
        if known is not None and time.monotonic() - known.read_at < SETTINGS_SECONDS:
            return known
        return await self.find(name)

    async def find(self, name: str) -> Address:
        """Ask where a stream is.

        Raises:
            NotFoundError: There is none.
        """
        return await self._clients.run("streaming_admin", self._find, name)

    async def call(self, address: Address, call: Callable[[Any], T]) -> T:
        """Call ``call(client)`` in a worker thread, with the client of a stream's messages."""
        try:
            return await self._clients.run(ServiceAt("streaming", address.endpoint), call)
        except Exception as error:
            if is_missing(error):
                self.forget(address.name)  # there may be another of its name by now
            raise

    async def listed(self, unless: str) -> list[Address]:
        """The streams by name, but for those that are used for something else.

        Args:
            unless: The other use.
        """
        found = await self._clients.run("streaming_admin", self._all)
        return [
            each
            for each in found
            if each.kind not in {unless, "dead-letters"} and not each.name.endswith(DEAD)
        ]

    def forget(self, name: str) -> None:
        """Ask anew when the stream is next needed."""
        self._addresses.pop(name, None)

    # Changing

    async def create(
        self, name: str, tags: Mapping[str, str], retention_hours: int | None = None
    ) -> Address:
        """Make a stream, and wait until it can be used.

        Raises:
            AlreadyExistsError: There is one of this name.
        """
        run = self._clients.run
        if await run("streaming_admin", self._named, name):
            raise _taken(name)
        made = await run("streaming_admin", self._create, name, dict(tags), retention_hours)
        await self._await_state(made, "ACTIVE")
        # Names may not be unique: of two who make one at once, the first has it.
        first = (await run("streaming_admin", self._named, name))[0]
        if first.id != made:
            await self._delete(made)
            raise _taken(name)
        return await self.find(name)

    async def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Remove a stream with its messages, and wait until it is gone.

        Raises:
            NotFoundError: There is none.
        """
        try:
            address = await self.find(name)
        except NotFoundError:
            if missing_ok:
                return
            raise
        try:
            await self._delete(address.id)
        finally:
            self.forget(name)

    async def change_tags(
        self, name: str, change: Callable[[Address, dict[str, str]], None]
    ) -> Address:
        """Change the tags of a stream; again when somebody else does at the same time.

        Args:
            name: The stream.
            change: Gets the stream and its tags, and changes these.
        """
        while True:
            address = await self.find(name)
            tags = dict(address.tags)
            change(address, tags)
            try:
                await self._clients.run("streaming_admin", _update, address, tags)
            except Exception as error:
                if status_of(error) not in {409, 412}:
                    raise
                await anyio.sleep(FIRST_PAUSE)
            else:
                await self._await_state(address.id, "ACTIVE")
                return await self.find(name)

    # In worker threads

    def _messages(self, address: Address) -> Any:
        return self._clients.client(ServiceAt("streaming", address.endpoint))

    def _find(self, admin: Any, name: str) -> Address:
        self.forget(name)
        answers = list(self._answers(admin, name=name))
        for summary in _oldest_first(answers):
            if summary.lifecycle_state in LIVE:
                found = self._addresses[name] = _address(admin.get_stream(summary.id))
                return found
        raise NotFoundError(f"there is no stream {name!r}", request_id=answers[-1].request_id)

    def _named(self, admin: Any, name: str) -> list[Any]:
        self.forget(name)
        found = _oldest_first(self._answers(admin, name=name))
        return [each for each in found if each.lifecycle_state in COMING]

    def _all(self, admin: Any) -> list[Address]:
        found = {each.name: each for each in self._pages(admin)}
        return [found[name] for name in sorted(found)]

    def _pages(self, admin: Any) -> Iterator[Address]:
        for answer in self._answers(admin):
            for summary in answer.data:
                if summary.lifecycle_state in LIVE:
                    yield _summary(summary, answer.request_id)

    def _answers(self, admin: Any, **wanted: str) -> Iterator[Any]:
        """A list of streams, page by page. For 90 days it has those that were deleted, too."""
        page: dict[str, str] = {}
        while True:
            answer = admin.list_streams(
                compartment_id=self._clients.compartment(), limit=PAGE_SIZE, **wanted, **page
            )
            yield answer
            if not answer.next_page:
                return
            page = {"page": answer.next_page}

    def _create(self, admin: Any, name: str, tags: dict[str, str], hours: int | None) -> str:
        from oci.streaming.models import CreateStreamDetails  # type: ignore[import-untyped]

        details = CreateStreamDetails(
            name=name,
            partitions=self._clients.config.stream_partitions,
            compartment_id=self._clients.compartment(),
            retention_in_hours=hours,
            freeform_tags=tags,
        )
        try:
            return str(admin.create_stream(details).data.id)
        except Exception as error:
            if status_of(error) == 409:
                raise _taken(name) from error
            raise

    async def _delete(self, identity: str) -> None:
        await self._clients.run("streaming_admin", lambda admin: admin.delete_stream(identity))
        await self._await_state(identity, "DELETED")

    async def _await_state(self, identity: str, wanted: str) -> None:
        pause = FIRST_PAUSE
        while True:
            state = await self._clients.run("streaming_admin", _state, identity)
            if state == wanted:
                return
            if state == "FAILED":
                raise ProviderError("the stream could not be made")
            await anyio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _state(admin: Any, identity: str) -> str:
    try:
        return str(admin.get_stream(identity).data.lifecycle_state)
    except Exception as error:
        if is_missing(error):
            return "DELETED"
        raise


def _update(admin: Any, address: Address, tags: dict[str, str]) -> None:
    from oci.streaming.models import UpdateStreamDetails

    match = {} if address.etag is None else {"if_match": address.etag}
    admin.update_stream(address.id, UpdateStreamDetails(freeform_tags=tags), **match)


def _oldest_first(answers: Iterable[Any]) -> list[Any]:
    summaries = (summary for answer in answers for summary in answer.data)
    return sorted(summaries, key=lambda each: (each.time_created, each.id))


def _address(answer: Any) -> Address:
    stream = answer.data
    return Address(
        name=stream.name,
        id=stream.id,
        endpoint=stream.messages_endpoint,
        retention=3600.0 * (stream.retention_in_hours or 24),
        tags=stream.freeform_tags or {},
        etag=answer.headers.get("etag"),
        request_id=answer.request_id,
        read_at=time.monotonic(),
    )


def _summary(stream: Any, request_id: str | None) -> Address:
    """What a list tells: not how long messages are kept."""
    return Address(
        name=stream.name,
        id=stream.id,
        endpoint=stream.messages_endpoint,
        retention=0.0,
        tags=stream.freeform_tags or {},
        etag=None,
        request_id=request_id,
        read_at=time.monotonic(),
    )


def _taken(name: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"there is a stream {name!r}")
