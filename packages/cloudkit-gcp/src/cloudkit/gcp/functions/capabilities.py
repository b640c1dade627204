"""What Cloud Functions can do.

https://cloud.google.com/functions/quotas
"""

from __future__ import annotations

from cloudkit.common import FunctionsCapabilities, NameRule

MIB = 1024 * 1024

FUNCTION = NameRule(
    r"(?:projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/functions/)?[A-Za-z][A-Za-z0-9_-]{0,62}",
    "up to 63 letters, digits, hyphens and underscores, beginning with a letter; or "
    "projects/…/locations/…/functions/ and such a name",
    max_bytes=255,
)

FUNCTIONS_CAPABILITIES = FunctionsCapabilities(
    invoke_async=False,
    qualifiers=False,
    logs=False,
    max_payload_bytes=32 * MIB,
    function_name=FUNCTION,
    reasons={
        "invoke_async": "A function that is called over HTTP answers when it is done. Publish a "
        "message or create a task of Cloud Tasks to have one called later.",
        "qualifiers": "The URL of a function leads to the revision that its traffic settings name.",
        "logs": "Logs go to Cloud Logging, and not with the answer.",
    },
)
"""Flags and limits of Functions."""
