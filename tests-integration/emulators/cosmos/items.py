"""What can be done with an item, alone or in a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.cosmos.containers import Container, Item, check_name, is_lifetime
from emulators.cosmos.errors import CosmosError, changed, invalid, missing, taken, too_large
from emulators.cosmos.partitions import Key, key_of_item
from emulators.cosmos.patches import patched

MAX_ID = 1023
MAX_ITEM_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Conditions:
    """ETags, or ``*``, that a request was sent with."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, item: Item) -> None:
        """Refuse to write over an item of another version.

        Raises:
            CosmosError: It has changed (412).
        """
        if self.if_match not in {None, "*", item.body["_etag"]}:
            raise changed()


@dataclass(frozen=True)
class Outcome:
    """What came of an operation: the item, unless it is gone."""

    status: int
    item: Item | None = None


class Items:
    """The items of a container with one partition key."""

    def __init__(self, container: Container, key: Key) -> None:
        self._container = container
        self._key = key

    def create(self, body: Any) -> Outcome:
        checked = self._checked(body)
        if self._container.find(self._key, checked["id"]) is not None:
            raise taken()
        return Outcome(201, self._container.put(self._key, checked))

    def upsert(self, body: Any, conditions: Conditions) -> Outcome:
        checked = self._checked(body)
        old = self._container.find(self._key, checked["id"])
        if old is None:
            return Outcome(201, self._container.put(self._key, checked))
        conditions.check(old)
        return Outcome(200, self._container.put(self._key, checked))

    def replace(self, name: str, body: Any, conditions: Conditions) -> Outcome:
        checked = self._checked(body)
        old = self._found(name)
        conditions.check(old)
        if checked["id"] != name:
            raise invalid("The id of an item cannot be replaced.")
        return Outcome(200, self._container.put(self._key, checked))

    def read(self, name: str, conditions: Conditions) -> Outcome:
        item = self._found(name)
        if conditions.if_none_match in {"*", item.body["_etag"]}:
            return Outcome(304, item)
        return Outcome(200, item)

    def delete(self, name: str, conditions: Conditions) -> Outcome:
        conditions.check(self._found(name))
        self._container.remove(self._key, name)
        return Outcome(204)

    def patch(self, name: str, body: Any, conditions: Conditions) -> Outcome:
        old = self._found(name)
        conditions.check(old)
        new = patched(old.body, body, self._container.paths)
        return Outcome(200, self._container.put(self._key, self._checked(new)))

    def _found(self, name: str) -> Item:
        item = self._container.find(self._key, name)
        if item is None:
            raise missing()
        return item

    def _checked(self, body: Any) -> Mapping[str, Any]:
        if not isinstance(body, dict):
            raise invalid("The input content is invalid: an item is a JSON object.")
        check_name(body.get("id"), MAX_ID)
        lifetime = body.get("ttl")
        if lifetime is not None and not is_lifetime(lifetime):
            raise invalid(f"The input ttl {lifetime!r} is invalid.")
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES:
            raise too_large()
        if key_of_item(body, self._container.paths) != self._key:
            raise _mismatch()
        return body


def _mismatch() -> CosmosError:
    return invalid(
        "PartitionKey extracted from document doesn't match the one specified in the header. "
        "Learn more: https://aka.ms/CosmosDB/sql/errors/wrong-pk-value",
        1001,
    )
