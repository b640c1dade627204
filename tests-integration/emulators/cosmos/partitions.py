"""Partition keys: those of items, those of requests, and the ranges that they are spread over."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.cosmos.errors import invalid
from emulators.cosmos.murmur import hash_128
from emulators.cosmos.values import UNDEFINED, at, parse

MAX_KEY_BYTES = 2048

Key = tuple[Any, ...]
"""The components, each with its type, so that True is not 1: usable in a dict."""


@dataclass(frozen=True)
class Range:
    """A physical partition, or a part of one: effective keys from ``low`` to before ``high``."""

    id: str
    low: str
    high: str

    def holds(self, effective: str) -> bool:
        """Whether an effective key belongs here."""
        return self.low <= effective < self.high


RANGES = (Range("0", "", "1F" + "F" * 30), Range("1", "1F" + "F" * 30, "FF"))
"""Every container has two physical partitions, so that queries do cross them."""


def paths_of(definition: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The paths of a container's partition key: ``/a/b`` is ``("a", "b")``."""
    return [
        tuple(part.strip("\"'") for part in path.strip("/").split("/"))
        for path in definition["paths"]
    ]


def key_of_item(item: Mapping[str, Any], paths: Sequence[tuple[str, ...]]) -> Key:
    """The partition key that an item has.

    Raises:
        CosmosError: A component is an array or an object, or it is too long (400).
    """
    return _key([at(item, path) for path in paths])


def key_of_header(header: str, count: int) -> Key:
    """The partition key that a request names.

    Args:
        header: A JSON array; ``{}`` stands for a component that is undefined.
        count: How many components the container's key has.

    Raises:
        CosmosError: It cannot be one of that container (400).
    """
    values = parse(header.encode())
    if not isinstance(values, list):
        raise invalid(f"Partition key {header} is invalid.")
    if len(values) != count:
        raise invalid(
            "Partition key provided either doesn't correspond to definition in the collection or "
            "doesn't match partition key field values specified in the document."
        )
    return _key([UNDEFINED if value == {} else value for value in values])


def _key(values: list[Any]) -> Key:
    for value in values:
        if isinstance(value, (list, dict)):
            raise invalid(f"Partition key {json.dumps(value)} is invalid.")
        if isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
            raise invalid(f"Partition key value must be no longer than {MAX_KEY_BYTES} bytes.")
    return tuple((type(value) is bool, value) for value in values)


def effective(key: Key) -> str:
    """The effective key: decides on the partition. The same hash as the SDKs compute."""
    return "".join(_hash(value) for _, value in key)


def _hash(value: Any) -> str:
    digest = bytearray(hash_128(_encoded(value)))
    digest[0] &= 0x3F
    return digest.hex().upper()


def _encoded(value: Any) -> bytes:
    if value is UNDEFINED:
        return b"\x00"
    if value is None:
        return b"\x01"
    if isinstance(value, bool):
        return b"\x03" if value else b"\x02"
    if isinstance(value, str):
        return b"\x08" + value.encode("utf-8", "surrogatepass") + b"\xff"
    return b"\x05" + struct.pack("<d", value)
