"""Bodies as the texts that Notifications takes.

A readable text is sent as it is. Any other body is sent as base64 behind a mark, and so is a text that
begins with it: what is pushed to an endpoint tells by itself what it is.
"""

from __future__ import annotations

import base64

from cloudkit.oracle.texts import readable

PREFIX = "cloudkit.base64:"
"""What a text begins with that stands for other bytes."""

MAX_BYTES = 64_000
"""Largest message. "64KB" in the reference of PublishMessage, which does not say which KB, so the
smaller one: https://docs.oracle.com/en-us/iaas/api/#/en/notification/20181201/PublishResult/PublishMessage"""


def encode(body: bytes) -> str:
    """A body as a text."""
    text = readable(body)
    if text is not None and not text.startswith(PREFIX):
        return text
    return PREFIX + base64.b64encode(body).decode()


def decode(text: str) -> bytes:
    """The body that a text stands for: for endpoints that are pushed to.

    Args:
        text: What was posted.

    Raises:
        ValueError: It is marked as base64 and is none.
    """
    if text.startswith(PREFIX):
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    return text.encode()
