"""Pages of listings: how many entries, and where the next one begins."""

from __future__ import annotations

import base64
import binascii

from emulators.cloud_storage.errors import invalid
from emulators.web import Request

MAX_RESULTS = 1000


def limit(request: Request) -> int:
    """How many entries a page may have.

    Raises:
        StorageError: It is no positive number (400).
    """
    text = request.param("maxResults")
    if text is None:
        return MAX_RESULTS
    if not text.isdigit() or not int(text):
        raise invalid("Invalid value for: maxResults", location="maxResults")
    return min(int(text), MAX_RESULTS)


def token(last: str) -> str:
    """What stands for the page behind an entry."""
    return base64.urlsafe_b64encode(b"\x0a" + last.encode()).decode()


def after(request: Request) -> str:
    """The entry behind which the page begins; empty for the first page.

    Raises:
        StorageError: The token was not issued here (400).
    """
    text = request.param("pageToken")
    if not text:
        return ""
    try:
        decoded = base64.b64decode(text, altchars=b"-_", validate=True)
        if decoded[:1] == b"\x0a":
            return decoded[1:].decode()
    except (binascii.Error, UnicodeDecodeError):
        pass  # said below
    raise invalid("Invalid argument: pageToken", location="pageToken")
