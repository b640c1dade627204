"""Lists in pages: ``limit``, ``page`` and the header ``opc-next-page``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from emulators.oracle.errors import invalid
from emulators.oracle.routing import integer
from emulators.web import Request

MAX_PAGE = 1000
_Item = TypeVar("_Item")


def page(
    request: Request, items: Sequence[_Item], default: int = 100
) -> tuple[Sequence[_Item], dict[str, str]]:
    """The items of the page that is asked for, and the headers that tell of the next.

    Raises:
        OracleError: The page or the limit is wrong.
    """
    limit = integer(request, "limit", 1, MAX_PAGE, default)
    start = _start(request.param("page"))
    end = start + limit
    headers = {}
    if end < len(items):
        headers["opc-next-page"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return items[start:end], headers


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("page is not valid") from None
