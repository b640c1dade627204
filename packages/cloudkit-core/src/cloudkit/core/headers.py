"""What several services have in headers: metadata in ASCII, sizes, checksums."""

from __future__ import annotations

import base64
import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header

_AWKWARD = re.compile(r"[^\x20-\x7e]|=\?|  |\A\Z")
_WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="
_WORDS = re.compile(rf"{_WORD}(?:\s+{_WORD})*")


def encode_value(value: str) -> str:
    """A text as the value of a header: as RFC 2047 has it, where it might not survive as it is.

    So it is with what is not ASCII, and with values that are empty or hold several spaces in a row,
    which headers, or their signatures, may lose.
    """
    return encode_word(value) if _AWKWARD.search(value) else value


def encode_word(value: str) -> str:
    """Any text in ASCII, as RFC 2047 has it."""
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def decode_value(value: str) -> str:
    """The inverse of both; what is no encoded text comes back as it is."""
    if not _WORDS.fullmatch(value):
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeDecodeError, binascii.Error):
        return value


def whole_size(content_range: str | None, content_length: str | None) -> int:
    """Bytes of a whole object, of which an answer may hold a part.

    Args:
        content_range: The header Content-Range (``bytes 0-99/1000``), where there is one.
        content_length: The header Content-Length, which tells where the other does not.

    Raises:
        ValueError: Neither tells.
    """
    total = (content_range or "").rpartition("/")[2]
    return int(total if total.isdigit() else content_length or "")


def hex_digest(value: str | None) -> str | None:
    """A checksum that a header has in base64, in hex; None where it has none.

    The headers of some services can be set to anything.
    """
    try:
        return None if value is None else base64.b64decode(value, validate=True).hex()
    except binascii.Error:
        return None
