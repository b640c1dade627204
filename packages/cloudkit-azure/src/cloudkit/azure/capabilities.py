"""What Azure can do, service by service."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from cloudkit.azure.config import AzureConfig
from cloudkit.azure.service_bus.capabilities import QUEUES
from cloudkit.common import (
    Capabilities,
    FunctionsCapabilities,
    KeyValueCapabilities,
    NameRule,
    PubSubCapabilities,
    StorageCapabilities,
)

KIB = 1024
MIB = 1024 * KIB

CONTAINER = NameRule(
    r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$root|\$web",
    "3 to 63 lower-case letters, digits and single hyphens, beginning and ending with a letter or "
    "digit; or $root or $web",
    max_bytes=63,
)
TABLE = NameRule(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}",
    "1 to 255 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
    max_bytes=255,
)
EVENT_GRID_NAME = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9-]{3,50}",
    "3 to 50 letters, digits and hyphens, at least one of them a letter or digit",
    max_bytes=50,
)
FUNCTION = NameRule(
    r"[A-Za-z][A-Za-z0-9_-]{0,127}",
    "1 to 128 letters, digits, hyphens and underscores, beginning with a letter",
    max_bytes=128,
)

AZURE_CAPABILITIES = Capabilities(
    storage=StorageCapabilities(
        list_uploads=False,
        presigned_content_type=False,
        max_object_size=50_000 * 4000 * MIB,
        max_put_size=5000 * MIB,
        min_part_size=1,
        max_part_size=4000 * MIB,
        max_parts=50_000,
        max_metadata_bytes=8 * KIB,
        delete_batch=256,
        max_page_size=5000,
        bucket_name=CONTAINER,
        reasons={
            "list_uploads": "Blob Storage lists keys with uncommitted blocks only while there is no "
            "object of that key, and does not tell one upload from another. It drops the blocks "
            "itself, a week after the last one came.",
            "presigned_content_type": "A shared access signature does not cover the headers of the "
            "request.",
        },
    ),
    kv=KeyValueCapabilities(
        consistent_reads=False,
        cross_partition_transactions=False,
        cross_table_transactions=False,
        max_item_bytes=2 * MIB - KIB,
        max_partition_key_bytes=2 * KIB,
        max_sort_key_bytes=1023,
        max_depth=60,
        max_transaction_items=50,
        table_name=TABLE,
        reasons={
            "consistent_reads": "The account's consistency level decides. With Session, the default, "
            "a client sees its own writes at once and those of others soon; with Strong it sees all.",
            "cross_partition_transactions": "A transactional batch of Cosmos DB is about one "
            "partition.",
            "cross_table_transactions": "A transactional batch of Cosmos DB is about one partition "
            "of one container.",
        },
    ),
    # https://learn.microsoft.com/azure/event-grid/quotas-limits, and the REST reference of the
    # resource manager for the lengths of locks
    queue=QUEUES,
    pubsub=PubSubCapabilities(
        visibility=False,
        extend_length=False,
        dead_letter=False,
        list_dead_letters=False,
        redrive=False,
        ordering=False,
        max_message_bytes=(1_000_000 - 8 * KIB) * 3 // 4,
        max_attributes=100,
        max_receive=100,
        max_wait_seconds=120,
        min_visibility_seconds=60,
        max_visibility_seconds=300,
        send_batch=1000,
        ack_batch=100,
        max_receives=10,
        max_deliveries=10,
        topic_name=EVENT_GRID_NAME,
        subscription_name=EVENT_GRID_NAME,
        reasons={
            "visibility": "A lock of Event Grid is as long as the subscription says, from one to five "
            "minutes.",
            "extend_length": "Event Grid renews a lock for as long as the subscription's locks are.",
            "dead_letter": "Event Grid drops what is rejected, unless the subscription has a container "
            "of Blob Storage to write it to: name one by the option event_grid_dead_letters.",
            "list_dead_letters": "Event Grid writes dead letters to a container of Blob Storage, as "
            "files in JSON, some minutes later. Read them there.",
            "redrive": "Dead letters are files in a container of Blob Storage: publish them again.",
            "ordering": "Event Grid keeps no order.",
        },
    ),
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
    functions=FunctionsCapabilities(
        qualifiers=False,
        logs=False,
        max_payload_bytes=100 * MIB,
        max_async_payload_bytes=100 * MIB,
        function_name=FUNCTION,
        reasons={
            "qualifiers": "A deployment slot of an app has an address of its own: give it as "
            "functions_endpoint.",
            "logs": "The host does not send a function's log with its answer; it is in Application "
            "Insights.",
        },
    ),
)
"""Flags and limits of the five contracts."""

BASIC_REASON = (
    "A basic topic of Event Grid can only be published to: its subscriptions push to endpoints, and are "
    "made in the portal. Give the endpoint of a namespace."
)


def capabilities_of(config: AzureConfig) -> Capabilities:
    """The capabilities of a client, which depend on what it was told.

    Args:
        config: Its settings.
    """
    changes: dict[str, Any] = {}
    if config.event_grid_dead_letters is not None:
        changes["dead_letter"] = True
    if config.event_grid_is_basic:
        reasons = {**AZURE_CAPABILITIES.pubsub.reasons, "subscriptions": BASIC_REASON}
        changes.update(subscriptions=False, dead_letter=False, reasons=reasons)
    if not changes:
        return AZURE_CAPABILITIES
    return evolve(AZURE_CAPABILITIES, pubsub=evolve(AZURE_CAPABILITIES.pubsub, **changes))
