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
    r"(?=.*[A-Za-z0-9])(?:[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)",
    "1 to 80 letters, digits, hyphens and underscores, at least one of them a letter or digit, and "
    ".fifo may stand at the end",
    max_bytes=80,
)
TOPIC = NameRule(
    r"(?=.*[A-Za-z0-9])(?:[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo)",
    "1 to 256 letters, digits, hyphens and underscores, at least one of them a letter or digit, and "
    ".fifo may stand at the end",
    max_bytes=256,
)
SUBSCRIPTION = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]{1,65}",
    "1 to 65 letters, digits, hyphens and underscores, at least one of them a letter or digit",
    max_bytes=65,
)
FUNCTION = NameRule(
    r"(?:(?:arn:[a-z-]+:lambda:[a-z0-9-]+:)?\d{12}:(?:function:)?)?"
    r"[A-Za-z0-9_.-]{1,64}(?::[A-Za-z0-9_$.-]{1,128})?",
    "1 to 64 letters, digits, hyphens, underscores and dots, or an ARN",
    max_bytes=256,
)

MESSAGE_RESERVE = 4 * KIB
"""Bytes of a message's largest size that are kept for what CloudKit adds."""


def _largest_message(limit: int) -> int:
    """Bytes that fit even when they must be sent as base64."""
    return (limit - MESSAGE_RESERVE) * 3 // 4


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
        max_message_bytes=_largest_message(MIB),
        max_attributes=8,
        min_visibility_seconds=1,
        queue_name=QUEUE,
    ),
    pubsub=PubSubCapabilities(
        max_message_bytes=_largest_message(256 * KIB),
        max_attributes=8,
        min_visibility_seconds=1,
        topic_name=TOPIC,
        subscription_name=SUBSCRIPTION,
    ),
    functions=FunctionsCapabilities(
        max_payload_bytes=6 * MIB,
        max_async_payload_bytes=MIB,
        function_name=FUNCTION,
    ),
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
