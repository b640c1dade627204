"""Conditions of requests."""

from __future__ import annotations

from cloudkit.common import PreconditionFailedError
from cloudkit.oracle.errors import code_of, status_of

ANY = "*"


def condition(if_match: str | None, if_none_match: str | None = None) -> dict[str, str]:
    """The condition of a request as headers."""
    headers = {} if if_match is None else {"if-match": if_match}
    return headers if if_none_match is None else {**headers, "if-none-match": if_none_match}


def raise_unmet(error: Exception, if_match: str | None) -> None:
    """The object is missing, where a condition wants it to be a certain one.

    Raises:
        PreconditionFailedError: So it is here.
    """
    if if_match is not None and code_of(error) == "ObjectNotFound":
        raise PreconditionFailedError(
            "there is no object, so it is not the one that if_match names",
            code=code_of(error),
            status=status_of(error),
        ) from error
