"""Keys as names that Blob Storage takes, and back.

Most keys are their own names. Blob Storage has no control characters, takes a backslash for a slash,
and loses a dot at the end of a segment of the path. Such a character stands in the name as ``%`` with
two capital hex digits. A ``%`` of the key that would read like that gets ``25`` behind it, one more
than it has: ``%01`` is ``%2501`` and ``%2501`` is ``%252501``. So every key has exactly one name, and
nearly every name, also of blobs that other tools wrote, stands for itself.
"""

from __future__ import annotations

import re

from cloudkit.common import ValidationError

MAX_NAME = 1024
"""Most characters of a name."""


def _escaped_code(end: str) -> str:
    """Pattern of the digits of an escaped character; a dot only counts where a segment ends."""
    return rf"(?:[01][0-9A-F]|7F|5C|2E(?={end}))"


def _to_escape(end: str) -> re.Pattern[str]:
    return re.compile(rf"[\x00-\x1f\x7f\\]|\.(?={end})|%(?=(?:25)*{_escaped_code(end)})")


_IN_KEY = _to_escape(r"/|\Z")
_IN_PREFIX = _to_escape("/")
_IN_NAME = re.compile(
    r"%(?:25(?=(?:25)*{code})|({code}))".replace("{code}", _escaped_code(r"/|\Z"))
)
_UNDECIDED = re.compile(r"(?:\.|%(?:25)*(?:[01257]|2E)?)\Z")
_PLAIN = re.compile(r"[^.%0-9A-F]+")


def to_name(key: str) -> str:
    """The name of the blob for a key.

    Raises:
        ValidationError: It is too long once it is escaped.
    """
    name = _IN_KEY.sub(_escape, key)
    if len(name) > MAX_NAME:
        raise ValidationError(
            f"the key has {len(name):,} characters once it is escaped; the limit is {MAX_NAME:,}",
            hint="Control characters, backslashes and dots before a slash take three each.",
        )
    return name


def to_key(name: str) -> str:
    """The key for the name of a blob, or for the common beginning of several."""
    return _IN_NAME.sub(_unescape, name)


def to_prefix(prefix: str) -> str:
    """A beginning that the names of all keys with this prefix have in common.

    How a dot or ``%`` at the end stands in the names depends on what follows, so it is left away:
    the listing may hold other names as well.
    """
    return _IN_PREFIX.sub(_escape, _UNDECIDED.sub("", prefix))


def to_delimiter(delimiter: str) -> str | None:
    """The delimiter as it stands in names; None when the service would find it in wrong places."""
    return _IN_PREFIX.sub(_escape, delimiter) if _PLAIN.fullmatch(delimiter) else None


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return "%25" if character == "%" else f"%{ord(character):02X}"


def _unescape(found: re.Match[str]) -> str:
    return "%" if found[1] is None else chr(int(found[1], 16))
