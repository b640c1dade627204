"""Streams by name, among those of the same name that were deleted before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.oracle.streaming.streams import Streams

pytestmark = pytest.mark.anyio

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Admin:
    """Streams of one name, as the SDK's client has them: the oldest first, a few on a page.

    Attributes:
        states: Of the streams.
    """

    def __init__(self, *states: str) -> None:
        self.states = states

    async def run(self, service: str, call: Any, *args: Any) -> Any:
        return call(self, *args)

    def compartment(self) -> str:
        return "ocid"

    def list_streams(self, compartment_id: str, limit: int = 10, **options: Any) -> Any:
        start = int(options.get("page", 0))
        end = start + limit
        return SimpleNamespace(
            data=[self._stream(number) for number in range(len(self.states))[start:end]],
            next_page=str(end) if end < len(self.states) else None,
            request_id=f"request-{start}",
        )

    def get_stream(self, identity: str) -> Any:
        return SimpleNamespace(data=self._stream(int(identity)), headers={}, request_id="r")

    def _stream(self, number: int) -> Any:
        return SimpleNamespace(
            name="news",
            id=str(number),
            lifecycle_state=self.states[number],
            time_created=BEGIN + timedelta(days=number),
            messages_endpoint="http://localhost",
            retention_in_hours=24,
            freeform_tags={},
        )


def streams(*states: str) -> Streams:
    clients: Any = Admin(*states)
    return Streams(clients)


async def test_the_live_one_is_found_behind_any_number_of_deleted_ones() -> None:
    known = streams(*["DELETED"] * 120, "ACTIVE")
    assert (await known.find("news")).id == "120"
    with pytest.raises(AlreadyExistsError):
        await known.create("news", {})


async def test_of_several_live_ones_the_oldest_is_meant() -> None:
    assert (await streams("DELETED", "ACTIVE", "ACTIVE").find("news")).id == "1"


async def test_deleted_ones_are_none() -> None:
    with pytest.raises(NotFoundError) as caught:
        await streams(*["DELETED"] * 60).find("news")
    assert caught.value.request_id == "request-50"
