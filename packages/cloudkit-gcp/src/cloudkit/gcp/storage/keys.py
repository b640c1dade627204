"""Keys as names that Cloud Storage takes, and back.

Nearly all keys are their own names. Cloud Storage has no carriage returns and line feeds: they stand
in the name as ``%0D`` and ``%0A``. It has no objects ``.`` and ``..``, and none below
``.well-known/acme-challenge/``: these names get a ``%`` at their end, or before that slash. A ``%`` of
the key that would read like one of these gets ``25`` behind it, one more than it has. So every key has
exactly one name, and nearly every name, also of objects that other tools wrote, stands for itself.

https://cloud.google.com/storage/docs/objects#naming
"""

from __future__ import annotations

import re

from cloudkit.common import ValidationError

MAX_BYTES = 1024
"""Longest name, in UTF-8."""

_ACME = ".well-known/acme-challenge"
_RESERVED = re.compile(rf"\A(?:({re.escape(_ACME)})(%(?:25)*)?(?=/)|(\.\.?)(%(?:25)*)?\Z)")
_IN_KEY = re.compile(r"[\r\n]|%(?=(?:25)*0[AD])")
_IN_NAME = re.compile(r"%(?:25(?=(?:25)*0[AD])|(0[AD]))")
_UNDECIDED = re.compile(r"(%(?:25)*)0\Z")
_PLAIN = re.compile(r"[^%025AD]+")


def to_name(key: str) -> str:
    """The name of the object for a key.

    Raises:
        ValidationError: It is too long once it is escaped.
    """
    name = _RESERVED.sub(_mark, _escape(key), count=1) if key.startswith(".") else _escape(key)
    size = len(name.encode())
    if size > MAX_BYTES:
        raise ValidationError(
            f"the key has {size:,} bytes once it is escaped; the limit is {MAX_BYTES:,}",
            hint="Carriage returns and line feeds take three each.",
        )
    return name


def to_key(name: str) -> str:
    """The key for the name of an object, or for the common beginning of several."""
    if name.startswith("."):
        name = _RESERVED.sub(_unmark, name, count=1)
    return _IN_NAME.sub(_unescape, name) if "%" in name else name


def to_prefix(prefix: str) -> str:
    """A beginning that the names of all keys with this prefix have in common.

    The listing may hold other names as well.
    """
    name = _escape(_UNDECIDED.sub(r"\1", prefix))
    return _RESERVED.sub(_mark, name, count=1) if name.startswith(_ACME) else name


def to_delimiter(delimiter: str) -> str | None:
    """The delimiter as it stands in names; None when the service would find it in wrong places."""
    return _escape(delimiter) if _PLAIN.fullmatch(delimiter) else None


def to_start(key: str) -> tuple[str, bool]:
    """Where a listing behind a key begins, and whether that is exactly there.

    No key behind this one has a name before it. Escaped characters stand elsewhere in the order of
    names than in that of keys, so where there is one the listing begins before it.
    """
    if key.startswith(_ACME):
        return _ACME, False
    if key in {".", ".."}:
        return key, False
    escaped = _IN_KEY.search(key)
    return (f"{key}\0", True) if escaped is None else (key[: escaped.start()], False)


def _escape(text: str) -> str:
    return _IN_KEY.sub(_escape_one, text)


def _escape_one(found: re.Match[str]) -> str:
    character = found[0]
    return "%25" if character == "%" else f"%{ord(character):02X}"


def _unescape(found: re.Match[str]) -> str:
    return "%" if found[1] is None else chr(int(found[1], 16))


def _mark(found: re.Match[str]) -> str:
    name, mark = (found[1] or found[3]), (found[2] or found[4])
    return f"{name}%" if mark is None else f"{name}{mark}25"


def _unmark(found: re.Match[str]) -> str:
    name, mark = (found[1] or found[3]), (found[2] or found[4] or "")
    return name + ("" if mark in {"", "%"} else mark[:-2])
