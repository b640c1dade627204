"""Consumer groups: who reads which partition, and how far it has been read."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError, invalid, not_found, object_body
from emulators.oracle.routing import Call, Route, route, timestamp
from emulators.oracle.streaming.store import Message, Store, Stream
from emulators.web import Response

CURSOR_SECONDS = 300.0
MAX_GROUPS = 50
MAX_BYTES = 1024 * 1024


@dataclass
class _Reservation:
    """Of a partition by an instance. The number tells it from earlier ones."""

    instance: str
    number: int


@dataclass(eq=False)
class _Group:
    """A group of a stream.

    Attributes:
        committed: For each partition, the next offset.
        seen: Instance → when it was last seen, and how long it may be silent.
        reservations: Partition → who has it.
    """

    committed: list[int]
    seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    reservations: dict[int, _Reservation] = field(default_factory=dict)
    numbers: int = 0

    def join(self, instance: str, silence: float) -> None:
        """See an instance, drop those that are gone, and share the partitions out."""
        now = time.monotonic()
        self.seen[instance] = (now, silence)
        self.seen = {name: each for name, each in self.seen.items() if each[0] + each[1] > now}
        for number, held in list(self.reservations.items()):
            if held.instance not in self.seen:
                del self.reservations[number]
        share = -(-len(self.committed) // len(self.seen))
        for number in range(len(self.committed)):
            other = self.reservations.get(number)
            if self._count(instance) >= share:
                break
            if other is None or self._count(other.instance) > share:
                self.numbers += 1
                self.reservations[number] = _Reservation(instance, self.numbers)

    def _count(self, instance: str) -> int:
        return sum(held.instance == instance for held in self.reservations.values())

    def until(self, instance: str) -> float:
        """When an instance is taken for gone, in seconds from now."""
        seen, silence = self.seen[instance]
        return seen + silence - time.monotonic()


class Groups:
    """Operations on groups."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._groups: dict[tuple[str, str], _Group] = {}
        self.routes: list[Route] = [
            route("POST", "/streams/{streamId}/groupCursors", self._create_cursor),
            route("POST", "/streams/{streamId}/commit", self._commit),
            route("POST", "/streams/{streamId}/heartbeat", self._heartbeat),
            route("GET", "/streams/{streamId}/groups/{groupName}", self._get),
            route("PUT", "/streams/{streamId}/groups/{groupName}", self._update),
        ]

    def read(self, stream: Stream, cursor: dict[str, Any], limit: int) -> list[Message]:
        """Messages of one partition of the cursor's instance; the cursor goes on."""
        group = self._joined(stream, cursor)
        if cursor["commit"]:
            self._keep(group, cursor)
        for number in sorted(group.reservations, key=lambda each: (each <= cursor["last"], each)):
            held = group.reservations[number]
            if held.instance != cursor["instance"]:
                continue
            reservation, offset = cursor["places"].get(str(number), (None, 0))
            if reservation != held.number:
                offset = group.committed[number]
            found = stream.partitions[number].read(offset, limit, MAX_BYTES)
            if found:
                cursor["places"][str(number)] = [held.number, found[-1].offset + 1]
                cursor["last"] = number
                return found
        return []

    def _create_cursor(self, call: Call, identity: str) -> Response:
        stream = self._store.live(identity)
        details = object_body(call.request)
        name, silence = details.get("groupName"), details.get("timeoutInMs") or 30000
        if not isinstance(name, str) or not name:
            raise invalid("groupName must be given")
        if not isinstance(silence, int) or silence < 1:
            raise invalid("timeoutInMs must be a positive number")
        if (identity, name) not in self._groups:
            if sum(stream_id == identity for stream_id, _ in self._groups) >= MAX_GROUPS:
                raise OracleError(400, "LimitExceeded", f"A stream has at most {MAX_GROUPS} groups")
            self._groups[identity, name] = _Group(offsets(stream, details))
        cursor: dict[str, Any] = {
            "stream": identity,
            "group": name,
            "instance": details.get("instanceName") or uuid.uuid4().hex,
            "silence": silence / 1000,
            "commit": details.get("commitOnGet") is not False,
            "places": {},
            "last": -1,
        }
        self._joined(stream, cursor)
        return Response.of_json({"value": token(cursor)})

    def _commit(self, call: Call, identity: str) -> Response:
        cursor, group = self._called(call, identity)
        self._keep(group, cursor)
        return Response.of_json({"value": token(cursor)})

    def _heartbeat(self, call: Call, identity: str) -> Response:
        cursor, _ = self._called(call, identity)
        return Response.of_json({"value": token(cursor)})

    def _get(self, call: Call, identity: str, name: str) -> Response:
        self._store.live(identity)
        group = self._find(identity, name)
        found = []
        for number, committed in enumerate(group.committed):
            entry: dict[str, Any] = {"partition": str(number), "committedOffset": committed - 1}
            held = group.reservations.get(number)
            if held is not None and held.instance in group.seen:
                moment = time.time() + group.until(held.instance)
                entry["reservedInstance"] = held.instance
                entry["timeReservedUntil"] = timestamp(datetime.fromtimestamp(moment, UTC))
            found.append(entry)
        answer = {"streamId": identity, "groupName": name, "reservations": found}
        return Response.of_json(answer)

    def _update(self, call: Call, identity: str, name: str) -> Response:
        stream = self._store.live(identity)
        group = self._find(identity, name)
        group.committed = offsets(stream, object_body(call.request))
        group.reservations.clear()  # what was read from the places before counts no more
        return Response(204)

    def _find(self, identity: str, name: str) -> _Group:
        if (identity, name) not in self._groups:
            raise not_found()
        return self._groups[identity, name]

    def _called(self, call: Call, identity: str) -> tuple[dict[str, Any], _Group]:
        stream = self._store.live(identity)
        cursor = read_token(identity, call.request.param("cursor"))
        if "group" not in cursor:
            raise invalid("The cursor belongs to no group")
        return cursor, self._joined(stream, cursor)

    def _joined(self, stream: Stream, cursor: Mapping[str, Any]) -> _Group:
        group = self._find(stream.description["id"], cursor["group"])
        group.join(cursor["instance"], cursor["silence"])
        return group

    def _keep(self, group: _Group, cursor: Mapping[str, Any]) -> None:
        """Commit how far a cursor has come, in the partitions that its instance still has."""
        for number, (reservation, offset) in cursor["places"].items():
            held = group.reservations.get(int(number))
            if held is not None and held.number == reservation:
                group.committed[int(number)] = offset


def offsets(stream: Stream, details: Mapping[str, object]) -> list[int]:
    """Where to begin, for each partition.

    Raises:
        OracleError: It is not said right.
    """
    kind = details.get("type")
    if kind == "TRIM_HORIZON":
        return [partition.start for partition in stream.partitions]
    if kind == "LATEST":
        return [partition.end for partition in stream.partitions]
    if kind == "AT_TIME":
        try:
            moment = datetime.fromisoformat(str(details.get("time"))).timestamp()
        except ValueError:
            raise invalid("time is not a time") from None
        return [partition.after(moment) for partition in stream.partitions]
    raise invalid("type must be AT_TIME, LATEST or TRIM_HORIZON")


def token(cursor: Mapping[str, Any]) -> str:
    """A cursor as it is given away. It is good for five minutes."""
    content = json.dumps({**cursor, "issued": time.time()})
    return base64.urlsafe_b64encode(content.encode()).decode()


def read_token(identity: str, value: str | None) -> dict[str, Any]:
    """A cursor that was given away.

    Raises:
        OracleError: It is none of this stream, or too old.
    """
    try:
        cursor = json.loads(base64.urlsafe_b64decode(value or ""))
        issued, stream = float(cursor["issued"]), cursor["stream"]
    except (ValueError, KeyError, TypeError):
        raise invalid("The cursor is not valid") from None
    if stream != identity or time.time() > issued + CURSOR_SECONDS:
        raise invalid("The cursor is not valid, or has expired")
    return dict(cursor)
