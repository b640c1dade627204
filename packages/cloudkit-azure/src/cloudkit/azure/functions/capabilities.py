"""What Functions can do.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
"""

from __future__ import annotations

from cloudkit.common import FunctionsCapabilities, NameRule

MIB = 1024 * 1024

FUNCTION = NameRule(
    r"[A-Za-z][A-Za-z0-9_-]{0,127}",
    "1 to 128 letters, digits, hyphens and underscores, beginning with a letter",
    max_bytes=128,
)

FUNCTIONS_CAPABILITIES = FunctionsCapabilities(
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
)
"""Flags and limits of Functions."""
