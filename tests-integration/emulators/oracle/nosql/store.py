"""Tables and their rows, in memory."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from emulators.oracle.errors import OracleError
from emulators.oracle.nosql.ddl import Definition
from emulators.oracle.nosql.units import Bucket
from emulators.oracle.queue.store import new_ocid
from emulators.oracle.routing import timestamp

DAY = 86400
Key = tuple[Any, ...]
_versions = count(1)
_group = uuid.uuid4().bytes


def new_version() -> str:
    """A version that nothing else has."""
    return base64.b64encode(_group + next(_versions).to_bytes(8, "big")).decode()


@dataclass(eq=False)
class Row:
    """A row.

    Attributes:
        value: By the columns' own names.
        expires: Seconds since 1970; None for never.
        version: Of this writing.
    """

    value: dict[str, Any]
    expires: float | None
    version: str = field(default_factory=new_version)

    @property
    def size(self) -> int:
        """Bytes as JSON."""
        return len(json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode())

    @property
    def alive(self) -> bool:
        """Whether its time is not over."""
        return self.expires is None or self.expires > time.time()


@dataclass(eq=False)
class Table:
    """A table.

    Attributes:
        id: OCID.
        compartment: OCID.
        definition: Its columns.
        ddl: The statement that made it.
        limits: Units and gigabytes, as they were given.
        state: ``ACTIVE``, or on the way to or from there.
        rows: By primary key.
        usage: Units that were used: read, written.
    """

    id: str
    compartment: str
    definition: Definition
    ddl: str
    limits: dict[str, Any]
    tags: Any
    state: str = "CREATING"
    created: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    etag: str = field(default_factory=new_version)
    rows: dict[Key, Row] = field(default_factory=dict)
    usage: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    reads: Bucket = field(default_factory=Bucket)
    writes: Bucket = field(default_factory=Bucket)

    def row(self, key: Key) -> Row | None:
        """The row of a key, while it is alive."""
        found = self.rows.get(key)
        if found is not None and not found.alive:
            del self.rows[key]
            return None
        return found

    def become(self, state: str) -> None:
        """Change the state."""
        self.state, self.changed, self.etag = state, time.time(), new_version()

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Set how much may be used in a second."""
        self.limits = dict(limits)
        on_demand = limits.get("capacityMode") == "ON_DEMAND"
        self.reads = Bucket(None if on_demand else int(limits["maxReadUnits"]))
        self.writes = Bucket(None if on_demand else int(limits["maxWriteUnits"]))

    def charge(self, read: int = 0, write: int = 0) -> dict[str, int]:
        """Count units; gives them as answers show them."""
        self.usage[0] += read
        self.usage[1] += write
        self.reads.take(read)
        self.writes.take(write)
        return {"readUnitsConsumed": read, "writeUnitsConsumed": write}

    def admit(self, *, write: bool) -> None:
        """There are units left.

        Raises:
            OracleError: There are none.
        """
        bucket = self.writes if write else self.reads
        if bucket.empty:
            self.usage[3 if write else 2] += 1
            kind = "write" if write else "read"
            raise OracleError(429, "TooManyRequests", f"The table's {kind} limit was exceeded")

    @property
    def summary(self) -> dict[str, Any]:
        """As lists have it."""
        return {
            "id": self.id,
            "name": self.definition.name,
            "compartmentId": self.compartment,
            "timeCreated": moment(self.created),
            "timeUpdated": moment(self.changed),
            "tableLimits": self.limits,
            "lifecycleState": self.state,
            "lifecycleDetails": None,
            "isAutoReclaimable": False,
            "timeOfExpiration": None,
            "schemaState": "MUTABLE",
            "isMultiRegion": False,
            "freeformTags": self.tags,
            "definedTags": {},
            "systemTags": {},
        }

    @property
    def description(self) -> dict[str, Any]:
        """All of it."""
        definition = self.definition
        return {
            **self.summary,
            "ddlStatement": self.ddl,
            "schema": {
                "columns": [
                    {"name": name, "type": kind, "isNullable": name not in definition.primary}
                    for name, kind in definition.columns.items()
                ],
                "primaryKey": list(definition.primary),
                "shardKey": list(definition.shard),
                "ttl": definition.ttl or 0,
            },
        }


class Store:
    """All tables, deleted ones too."""

    def __init__(self) -> None:
        self.tables: list[Table] = []

    def live(self, compartment: str) -> list[Table]:
        """What has not been deleted."""
        return [
            table
            for table in self.tables
            if table.compartment == compartment and table.state != "DELETED"
        ]

    def named(self, name: str, compartment: str) -> Table | None:
        """The table of a name, in whatever case."""
        wanted = name.lower()
        return next(
            (t for t in self.live(compartment) if t.definition.name.lower() == wanted), None
        )

    def find(self, name_or_id: str, compartment: str | None) -> Table:
        """A table that is there, by its OCID, or its name in a compartment.

        Raises:
            OracleError: There is none.
        """
        if name_or_id.startswith("ocid1.nosqltable."):
            known = next((table for table in self.tables if table.id == name_or_id), None)
            if known and compartment in {None, known.compartment} and known.state != "DELETED":
                return known
            raise _missing(name_or_id)
        if not compartment:
            raise OracleError(404, "NotAuthorizedOrNotFound", "The compartment id must be given")
        found = self.named(name_or_id, compartment)
        if found is None:
            raise _missing(name_or_id)
        return found

    def usable(self, name_or_id: str, compartment: str | None) -> Table:
        """A table whose rows can be had.

        Raises:
            OracleError: There is none.
        """
        table = self.find(name_or_id, compartment)
        if table.state not in {"ACTIVE", "UPDATING"}:
            raise _missing(name_or_id)
        return table

    def add(self, compartment: str, definition: Definition, ddl: str, tags: Any) -> Table:
        """A new table, whose state is yet to become active."""
        table = Table(new_ocid("nosqltable"), compartment, definition, ddl, {}, tags)
        self.tables.append(table)
        return table


def moment(seconds: float) -> str:
    """A moment as answers have it."""
    return timestamp(datetime.fromtimestamp(seconds, UTC))


def end_of(days: int) -> float:
    """When a row ends that lives so many days: at the end of the day, in UTC."""
    return float(-(-(time.time() + days * DAY) // DAY) * DAY)


def _missing(name: str) -> OracleError:
    return OracleError(404, "TableNotFound", f"Table not found: {name}")
