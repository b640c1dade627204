"""What AWS can do, service by service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve
from cloudkit.common import (
    Capabilities,
    ContractCapabilities,
    FunctionsCapabilities,
    KeyValueCapabilities,
    NameRule,
    PubSubCapabilities,
    QueueCapabilities,
    StorageCapabilities,
)

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

BUCKET = NameRule(
    r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "3 to 63 lower-case letters, digits, hyphens and single dots, beginning and ending with a letter "
    "or digit, and no IP address",
    max_bytes=63,
)
TABLE = NameRule(
    r"[A-Za-z0-9_.-]{3,255}",
    "3 to 255 letters, digits, dots, hyphens and underscores",
    max_bytes=255,
)
QUEUE = NameRule(
    r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo",
    "1 to 80 letters, digits, hyphens and underscores, with .fifo at the end of a FIFO queue",
    max_bytes=80,
)
TOPIC = NameRule(
    r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo",
    "1 to 256 letters, digits, hyphens and underscores, with .fifo at the end of a FIFO topic",
    max_bytes=256,
)

AWS_CAPABILITIES = Capabilities(
    storage=StorageCapabilities(
        max_object_size=10_000 * 5 * GIB,
        bucket_name=BUCKET,
    ),
    kv=KeyValueCapabilities(
        max_partition_key_bytes=2048,
        max_sort_key_bytes=1024,
        max_depth=32,
        table_name=TABLE,
    ),
    queue=QueueCapabilities(
        min_visibility_seconds=1,
        queue_name=QUEUE,
    ),
    pubsub=PubSubCapabilities(
        min_visibility_seconds=1,
        topic_name=TOPIC,
        subscription_name=QUEUE,
    ),
    functions=FunctionsCapabilities(),
)
"""Flags and limits of the five contracts, for the services of AWS itself."""


def without(flags: Iterable[str]) -> Capabilities:
    """The capabilities of a store that speaks AWS's protocol, but not all of it.

    Args:
        flags: What it cannot do, for example ``"storage.conditional_delete"``.

    Raises:
        ValueError: There is no such flag.
    """
    result = AWS_CAPABILITIES
    for name in flags:
        contract, _, flag = name.partition(".")
        capabilities: Any = getattr(result, contract, None)
        if not isinstance(capabilities, ContractCapabilities) or not _is_flag(capabilities, flag):
            raise ValueError(
                f"{name!r} is not a capability flag; write it as 'storage.conditional_delete'"
            )
        reasons = {**capabilities.reasons, flag: "The option 'unsupported' says so."}
        changes: dict[str, Any] = {flag: False, "reasons": reasons}
        changed: dict[str, Any] = {contract: evolve(capabilities, **changes)}
        result = evolve(result, **changed)
    return result


def _is_flag(capabilities: ContractCapabilities, name: str) -> bool:
    return any(row[:2] == (name, "flag") for row in capabilities.describe())
