"""Databases and containers: their definitions, and what is in them."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulators.cosmos.errors import invalid, unsupported
from emulators.cosmos.partitions import RANGES, Key, Range, effective, paths_of

MAX_NAME = 255
_FORBIDDEN = "/\\?#"
_INDEXING = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}


def new_etag() -> str:
    """An ETag that no other has, with its quotes."""
    return f'"{uuid.uuid4()}"'


def encode_rid(rid: bytes) -> str:
    """A resource id as it is written."""
    return base64.b64encode(rid).decode().replace("/", "-")


def check_name(name: Any, limit: int) -> str:
    """An id of a database, a container or an item.

    Raises:
        CosmosError: It is none (400).
    """
    good = isinstance(name, str) and 0 < len(name.encode("utf-8", "surrogatepass")) <= limit
    if not good or any(mark in name for mark in _FORBIDDEN) or name.endswith(" "):
        raise invalid(
            f"The input name {name!r} is invalid. Ensure to provide a unique non-empty string of at "
            f"most {limit} bytes, without /, \\, ? and #, that does not end with a space."
        )
    return str(name)


@dataclass
class Item:
    """An item.

    Attributes:
        number: The place among all of its container, by creation.
        body: All of it, with what the service adds.
        partition: Where it is.
        hashed: Its effective partition key.
    """

    number: int
    body: dict[str, Any]
    partition: Range
    hashed: str


@dataclass
class Container:
    """A container.

    Attributes:
        properties: As they are answered.
        rid: Its resource id.
        items: By partition key and id. What has expired may still be there: see ``find``.
        writes: How many there were, by partition: the session token.
    """

    properties: dict[str, Any]
    rid: bytes
    items: dict[tuple[Key, str], Item] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=lambda: {part.id: 1 for part in RANGES})
    _created: int = 0

    @property
    def paths(self) -> list[tuple[str, ...]]:
        """Those of the partition key."""
        return paths_of(self.properties["partitionKey"])

    def find(self, key: Key, name: str) -> Item | None:
        """An item that is there and has not expired."""
        item = self.items.get((key, name))
        if item is not None and self._has_expired(item):
            del self.items[key, name]
            return None
        return item

    def alive(self) -> Iterator[tuple[Key, Item]]:
        """All items that have not expired, with their partition keys, in the order of creation."""
        for (key, name), _ in sorted(self.items.items(), key=lambda entry: entry[1].number):
            item = self.find(key, name)
            if item is not None:
                yield key, item

    def put(self, key: Key, body: Mapping[str, Any]) -> Item:
        """Write an item, in place of the one with its key and id."""
        old = self.find(key, body["id"])
        if old is None:
            self._created += 1
        number = self._created if old is None else old.number
        hashed = effective(key)
        partition = next(part for part in RANGES if part.holds(hashed))
        rid = encode_rid(self.rid + number.to_bytes(8, "little"))
        added = {
            "_rid": rid,
            "_self": f"{self.properties['_self']}docs/{rid}/",
            "_etag": new_etag(),
            "_attachments": "attachments/",
            "_ts": int(time.time()),
        }
        item = Item(number, {**body, **added}, partition, hashed)
        self.items[key, body["id"]] = item
        self.writes[partition.id] += 1
        return item

    def remove(self, key: Key, name: str) -> None:
        """Take an item away that is there."""
        self.writes[self.items.pop((key, name)).partition.id] += 1

    def _has_expired(self, item: Item) -> bool:
        default = self.properties.get("defaultTtl")
        if default is None:
            return False  # an item's own is ignored then
        life = item.body.get("ttl") or default
        return bool(life > 0 and time.time() >= item.body["_ts"] + life)


@dataclass
class Database:
    """A database.

    Attributes:
        properties: As they are answered.
        rid: Its resource id.
        containers: By id.
    """

    properties: dict[str, Any]
    rid: bytes
    containers: dict[str, Container] = field(default_factory=dict)


def definition_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says about a container.

    Raises:
        CosmosError: It is wrong (400), or beyond what the double knows (501).
    """
    for name in ("uniqueKeyPolicy", "computedProperties", "materializedViewDefinition"):
        if any(
            (body.get(name) or {}).values() if name == "uniqueKeyPolicy" else body.get(name, ())
        ):
            raise unsupported(name)
    lifetime = body.get("defaultTtl")
    if lifetime is not None and not is_lifetime(lifetime):
        raise invalid(f"The value of defaultTtl {lifetime!r} is invalid.")
    definition = {
        "id": check_name(body.get("id"), MAX_NAME),
        "partitionKey": _partition_key(body.get("partitionKey")),
        "indexingPolicy": {**_INDEXING, **(body.get("indexingPolicy") or {})},
        "conflictResolutionPolicy": {
            "mode": "LastWriterWins",
            "conflictResolutionPath": "/_ts",
            "conflictResolutionProcedure": "",
        },
    }
    return definition if lifetime is None else {**definition, "defaultTtl": lifetime}


def is_lifetime(value: Any) -> bool:
    """Whether it may be a time to live: -1, or seconds from 1 to 2147483647."""
    return type(value) is int and (value == -1 or 0 < value < 2**31)


def _partition_key(definition: Any) -> dict[str, Any]:
    if not isinstance(definition, dict) or not definition.get("paths"):
        raise invalid("Partition key definition must be specified.")
    kind, paths = definition.get("kind", "Hash"), definition["paths"]
    most = 3 if kind == "MultiHash" else 1
    good = all(isinstance(path, str) and path.startswith("/") and path != "/" for path in paths)
    if kind not in {"Hash", "MultiHash"} or len(paths) > most or not good:
        raise invalid(f"The partition key definition {definition} is invalid.")
    if definition.get("version") != 2:
        raise unsupported("partition keys of version 1")
    return {"paths": paths, "kind": kind, "version": 2}
