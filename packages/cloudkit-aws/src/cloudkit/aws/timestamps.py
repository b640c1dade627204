"""Moments in the services' answers.

botocore reads them with a parser that understands any date a person might write. That is three fifths
of the time that a page of a listing takes; the two forms that services write need no such thing.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

_IN_HEADERS = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


def read_timestamp(value: Any) -> datetime:
    """A moment, with its time zone.

    Args:
        value: Text such as ``2026-01-01T00:00:00.000Z`` or ``Thu, 01 Jan 2026 00:00:00 GMT``, or
            anything else that botocore understands, such as seconds since the epoch.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, str):
        try:
            if value.endswith("Z"):
                return datetime.fromisoformat(value)
            if _IN_HEADERS.fullmatch(value):
                return parsedate_to_datetime(value)
        except ValueError:
            return _read_any(value)
    return _read_any(value)


def _read_any(value: Any) -> datetime:
    from botocore.utils import parse_timestamp

    moment: datetime = parse_timestamp(value)
    return moment
