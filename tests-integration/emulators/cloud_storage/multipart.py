"""Bodies of several parts: ``multipart/related`` of uploads and ``multipart/mixed`` of batches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message

from emulators.cloud_storage.errors import invalid

Part = tuple[dict[str, str], bytes]
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """Headers (by lower-case name) and content of each part.

    Raises:
        StorageError: It is not made of parts (400).
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str):
        raise invalid("Missing multipart boundary.")
    # Each delimiter but the first belongs to a line break before it.
    pieces = re.split(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()), body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise invalid("Malformed multipart body.")
    return [_part(piece) for piece in pieces[1:-1]]


def head_and_body(data: bytes) -> tuple[list[str], bytes]:
    """Lines above the first empty one, and what is below it."""
    match = _EMPTY_LINE.search(data)
    if match is None:
        return data.decode().splitlines(), b""
    return data[: match.start()].decode().splitlines(), data[match.end() :]


def headers_of(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of header lines."""
    split = (line.partition(":") for line in lines if line.strip())
    return [(name.strip(), value.strip()) for name, _, value in split]


def _part(piece: bytes) -> Part:
    content = piece.removeprefix(b"\r\n").removeprefix(b"\n")
    if content.startswith((b"\r\n", b"\n")):
        return {}, content.removeprefix(b"\r\n").removeprefix(b"\n")
    lines, body = head_and_body(content)
    return {name.lower(): value for name, value in headers_of(lines)}, body
