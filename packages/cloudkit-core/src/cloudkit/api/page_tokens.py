"""Page tokens: where a listing goes on, in a form that tells a token from anything else."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from cloudkit.common import ValidationError

_SUM_BYTES = 4


def make_token(listing: Sequence[str | None], position: tuple[str, ...]) -> str:
    """A token to continue a listing after a position.

    Args:
        listing: What is listed; the token is good for nothing else.
        position: The last entry that was given, by what the entries are ordered by. As it names an
            entry and no number, entries may come and go. Or what the service calls the place.
    """
    body = json.dumps([list(listing), position], separators=(",", ":")).encode()
    summed = zlib.crc32(body).to_bytes(_SUM_BYTES, "big") + body
    return base64.urlsafe_b64encode(summed).rstrip(b"=").decode()


def read_token(token: Any, listing: Sequence[str | None]) -> tuple[str, ...]:
    """The position that a token stands for.

    Args:
        token: What the caller gave.
        listing: What is listed now.

    Raises:
        ValidationError: It is no token, or one of another listing.
    """
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        given, position = json.loads(_checked(packed))
    except (TypeError, ValueError):
        given, position = None, ()
    if given != list(listing):
        raise ValidationError(
            f"page_token {str(token)[:80]!r} does not come from this listing",
            hint="Pass the next_token of a page of the same listing, with the same conditions.",
        )
    return tuple(position)


def _checked(packed: bytes) -> bytes:
    body = packed[_SUM_BYTES:]
    if zlib.crc32(body).to_bytes(_SUM_BYTES, "big") != packed[:_SUM_BYTES]:
        raise ValueError("the checksum is another")
    return body
