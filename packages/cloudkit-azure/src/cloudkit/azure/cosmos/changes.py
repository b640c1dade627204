"""Updates as patches that the service carries out by itself.

A patch has a predicate. It says under which conditions the service does just what ``apply_update`` does:
the item is alive, a number is a whole one and stays one that a double holds, the parent of a path is an
object that stands for itself. Where it does not hold, the service changes nothing, and the update is
made of what has been read and written on the condition that the item is still the same.

A predicate takes no parameters. Nothing of the user's is in it but names, and these only where they are
plain identifiers.

Source: https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen
from cloudkit.api.kv import KEEP, Update, Value, encode_value
from cloudkit.api.kv.codec import SAFE_INT
from cloudkit.api.kv.judging import moment_after
from cloudkit.api.kv.paths import Path
from cloudkit.azure.cosmos.items import EXPIRES, SEEN, TAGS, ItemCodec, microseconds
from cloudkit.azure.cosmos.schema import KEEPS_TTL, TTL
from cloudkit.common import utc_now

MAX_OPERATIONS: Final = 10

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class IndirectError(Exception):
    """No patch does exactly what the update asks for."""


@frozen
class Patch:
    """A patch in the making.

    Attributes:
        operations: As the service takes them.
        terms: What must hold, in SQL.
    """

    operations: list[dict[str, Any]] = field(factory=list)
    terms: list[str] = field(factory=list)

    @property
    def predicate(self) -> str:
        """What must hold, as the service takes it."""
        return f"FROM c WHERE {' AND '.join(dict.fromkeys(self.terms))}"

    def set(self, path: Path, value: Any) -> None:
        """Assign a value."""
        self._add("set", path, value)

    def add(self, path: Path, amount: int) -> None:
        """Add to a number; what is missing counts as 0."""
        self._add("incr", path, amount)

    def remove(self, path: Path) -> None:
        """Let something go that is there."""
        self.operations.append({"op": "remove", "path": _pointer(path)})

    def require(self, *terms: str) -> None:
        """Carry it out only where these hold."""
        self.terms.extend(terms)

    def _add(self, kind: str, path: Path, value: Any) -> None:
        self.operations.append({"op": kind, "path": _pointer(path), "value": value})


def patch_for(write: Update, codec: ItemCodec) -> Patch:
    """The patch that carries out an update.

    Args:
        write: Without a condition: the service could not evaluate it exactly.
        codec: For the items of the table.

    Raises:
        IndirectError: There is none.
        UnsupportedOperationError: Items of the container cannot have times to live.
    """
    patch = Patch()
    patch.require(_alive(utc_now()), _unseen())
    schema = codec.schema
    for path, value in write.set.items():
        _set(patch, schema.stored_path(path), value)
    for path, amount in write.increment.items():
        _increment(patch, schema.stored_path(path), amount)
    for path in write.remove:
        _remove(patch, schema.stored_path(path))
    if write.expires_in is not KEEP:
        _expire(patch, codec, moment_after(write.expires_in))
    if not 0 < len(patch.operations) <= MAX_OPERATIONS:
        raise IndirectError
    return patch


def _set(patch: Patch, path: Path, value: Value) -> None:
    patch.set(path, encode_value(value))
    if path[1:]:
        patch.require(_is_plain_object(path[:-1]))


def _increment(patch: Patch, path: Path, amount: Value) -> None:
    if type(amount) is not int or abs(amount) > SAFE_INT:
        raise IndirectError  # the sum may not be what a double holds, or not what it is kept as
    patch.add(path, amount)
    at = _reference(path)
    low, high = max(-SAFE_INT, -SAFE_INT - amount), min(SAFE_INT, SAFE_INT - amount)
    whole = f"IS_NUMBER({at}) AND {at} >= {low} AND {at} <= {high} AND FLOOR({at}) = {at}"
    patch.require(f"(NOT IS_DEFINED({at}) OR ({whole}))")
    if path[1:]:
        patch.require(_is_plain_object(path[:-1]))


def _remove(patch: Patch, path: Path) -> None:
    if path[1:]:
        raise IndirectError  # what is left may have to be marked
    patch.remove(path)
    patch.require(f"IS_DEFINED({_reference(path)})")


def _expire(patch: Patch, codec: ItemCodec, expires_at: datetime | None) -> None:
    fields: dict[str, Any] = {EXPIRES: None, TTL: KEEPS_TTL, **codec.expiry(expires_at)}
    for name in (EXPIRES, TTL):
        patch.set((name,), fields[name])


def _alive(now: datetime) -> str:
    at = _reference((EXPIRES,))
    return f"(NOT IS_DEFINED({at}) OR IS_NULL({at}) OR {at} > {microseconds(now)})"


def _unseen() -> str:
    """No transaction has kept the version, which would stay where the patch changes nothing."""
    return f"NOT IS_DEFINED({_reference((SEEN,))})"


def _is_plain_object(path: Path) -> str:
    at = _reference(path)
    tagged = (f'NOT IS_DEFINED({at}["{tag}"])' for tag in TAGS)
    return " AND ".join((f"IS_OBJECT({at})", *tagged))


def _reference(path: Path) -> str:
    return "c" + "".join(f'["{_checked(name)}"]' for name in path)


def _pointer(path: Path) -> str:
    return "".join(f"/{_checked(name)}" for name in path)


def _checked(name: str) -> str:
    if not _PLAIN.fullmatch(name):
        raise IndirectError
    return name
