"""What Functions can do."""

from __future__ import annotations

from cloudkit.common import FunctionsCapabilities

MAX_BODY = 6 * 1024 * 1024

FUNCTIONS_CAPABILITIES = FunctionsCapabilities(
    qualifiers=False,
    logs=False,
    max_payload_bytes=MAX_BODY,
    max_async_payload_bytes=MAX_BODY,
    reasons={
        "qualifiers": "A function of Oracle Cloud has one version: its image.",
        "logs": "Logs go to the Logging service, not to who invokes.",
    },
)
"""Flags and limits: https://docs.oracle.com/en-us/iaas/api/#/en/functions/20181201/Function/InvokeFunction"""
