"""Which request goes to which handler."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from emulators.oracle.errors import invalid, not_doubled
from emulators.web import Request, Response, segment

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Call:
    """A request whose sender is known.

    Attributes:
        request: As it came.
        user: OCID of who has signed it.
    """

    request: Request
    user: str


def route(method: str, template: str, handler: Handler) -> Route:
    """A route from the path as the SDK writes it: ``"/n/{namespaceName}/b"``."""
    return Route(method, re.compile(re.sub(r"\{\w+\}", "([^/]+)", template)), handler)


@dataclass(frozen=True)
class Route:
    """An operation.

    Attributes:
        method: Of HTTP.
        path: Matches the path; its groups are given to the handler, decoded.
        handler: Called with the call and the groups.
    """

    method: str
    path: re.Pattern[str]
    handler: Handler

    def fits(self, call: Call, path: str) -> bool:
        """Whether a call is for this operation."""
        return self.method == call.request.method and self.path.fullmatch(path) is not None


def dispatch(routes: Sequence[Route], call: Call, path: str) -> Response:
    """Answer a call.

    Args:
        routes: The first that fits is taken.
        call: Whose request it is.
        path: As sent, without the version of the API.

    Raises:
        OracleError: It is refused, or no route fits.
    """
    for candidate in routes:
        match = candidate.path.fullmatch(path)
        if match and candidate.method == call.request.method:
            try:
                names = [segment(part) for part in match.groups()]
            except UnicodeDecodeError:
                raise invalid("The path is not UTF-8") from None
            return candidate.handler(call, *names)
    raise not_doubled(call.request)


def timestamp(moment: datetime) -> str:
    """A moment as the services write it: RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def integer(request: Request, name: str, low: int, high: int, default: int) -> int:
    """A whole number of the query.

    Raises:
        OracleError: It is none, or too low or high.
    """
    given = request.param(name)
    if given is None:
        return default
    if not re.fullmatch(r"-?\d{1,12}", given) or not low <= int(given) <= high:
        raise invalid(f"{name} must be between {low} and {high}")
    return int(given)
