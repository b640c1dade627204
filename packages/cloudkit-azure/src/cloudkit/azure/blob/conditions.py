"""Conditions as headers."""

from __future__ import annotations


def condition(if_match: str | None, if_none_match: str | None = None) -> dict[str, str]:
    """The condition of a request as headers."""
    headers = {} if if_match is None else {"If-Match": if_match}
    return headers if if_none_match is None else {**headers, "If-None-Match": if_none_match}


def source_condition(if_match: str | None) -> dict[str, str]:
    """The condition on the source of a copy as headers."""
    return {} if if_match is None else {"x-ms-source-if-match": if_match}
