r"""Keys as names that Object Storage takes, and back, in the same order.

Nearly all keys are their own names. The service has no NUL, line feed or carriage return, and its
listings are in the order of names. So these stand as a character that it has and that sorts just
before them, and what makes them sort behind everything that begins with it:

- A line feed is a tab, and a carriage return a form feed, with a last character (U+10FFFD) behind.
  Last characters that stand there in the key are doubled, so an odd number tells that it is one.
- NUL is ``\x01\x01``, and ``\x01`` is ``\x01\x02``.
- The keys ``.`` and ``..`` have ``\x01`` behind. As they are, they would say of a URL that it means
  something else: the bucket.

Names that other tools wrote stand for themselves, unless they hold just that.
"""

from __future__ import annotations

import re

from cloudkit.common import ValidationError

MAX_NAME = 1024
"""Most bytes of a name."""

LAST = "\U0010fffd"

DOTS = frozenset({".", ".."})

_IN_KEY = re.compile(rf"[\x00\x01]|[\n\r]{LAST}*|[\t\f]{LAST}+")
_IN_NAME = re.compile(rf"\x01[\x01\x02]|[\t\f]{LAST}+")
_BEFORE = {"\n": "\t", "\r": "\f"}
_BEHIND = {before: character for character, before in _BEFORE.items()}


def to_name(key: str) -> str:
    """The name of the object for a key.

    Raises:
        ValidationError: It is too long once it is escaped.
    """
    name = to_place(key)
    size = len(name.encode())
    if size > MAX_NAME:
        raise ValidationError(
            f"the key has {size:,} bytes once it is escaped; the limit is {MAX_NAME:,}",
            hint="NUL takes two bytes, a line feed or carriage return five.",
        )
    return name


def to_place(key: str) -> str:
    """Where a key stands among the names."""
    return f"{key}\x01" if key in DOTS else to_prefix(key)


def to_prefix(prefix: str) -> str:
    """What the names of all keys with a prefix begin with; those of others may do so too."""
    return _IN_KEY.sub(_escape, prefix)


def to_key(name: str) -> str:
    """The key for the name of an object, or for the common beginning of several."""
    if name[:-1] in DOTS and name[-1] == "\x01":
        return name[:-1]
    return _IN_NAME.sub(_unescape, name)


def behind(prefix: str) -> str | None:
    """The first name behind all that begin with a prefix; None when nothing can be."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return None
    code = ord(head[-1]) + 1
    # Neither what the service does not take, nor the halves of UTF-16.
    code = {0x0A: 0x0B, 0x0D: 0x0E, 0xD800: 0xE000}.get(code, code)
    return head[:-1] + chr(code)


def _escape(found: re.Match[str]) -> str:
    character, rest = found[0][0], found[0][1:]
    if character in "\x00\x01":
        return "\x01\x01" if character == "\x00" else "\x01\x02"
    if character in _BEFORE:
        return _BEFORE[character] + LAST + 2 * rest
    return character + 2 * rest


def _unescape(found: re.Match[str]) -> str:
    character, rest = found[0][0], found[0][1:]
    if character == "\x01":
        return "\x00" if rest == "\x01" else "\x01"
    first = _BEHIND[character] if len(rest) % 2 else character
    return first + rest[: len(rest) // 2]
