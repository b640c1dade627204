"""What the local provider can do.

Everything, within limits that are those of the clouds: a program that works here must not meet its
first limit in production. Where clouds differ, the limit is the one that most of them share.
"""

from __future__ import annotations

from cloudkit.common import (
    Capabilities,
    FunctionsCapabilities,
    KeyValueCapabilities,
    PubSubCapabilities,
    QueueCapabilities,
    StorageCapabilities,
)

LOCAL_CAPABILITIES = Capabilities(
    storage=StorageCapabilities(),  # the defaults are S3's, which the others come close to
    kv=KeyValueCapabilities(),  # the defaults are DynamoDB's: 400 KiB an item
    queue=QueueCapabilities(min_visibility_seconds=0.05),  # tests should not have to wait
    pubsub=PubSubCapabilities(min_visibility_seconds=0.05),
    functions=FunctionsCapabilities(
        qualifiers=False,
        reasons={"qualifiers": "A local function is a Python callable, which has no versions."},
    ),
)
"""Flags and limits of the five contracts."""
