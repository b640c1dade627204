"""Texts that services carry as they are."""

from __future__ import annotations

import re

# Control characters, and what is no character at all: allowed in JSON, but not everywhere behind it.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_readable(text: str) -> bool:
    """Whether a text is one for people: not empty, and of nothing but printable characters."""
    return bool(text) and not _FORBIDDEN.search(text)


def readable(body: bytes) -> str | None:
    """The text that a body is; None when it is none for people."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if is_readable(text) else None
