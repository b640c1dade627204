"""Revision tokens, which are generations, as preconditions of requests.

https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

import re

_GENERATION = re.compile(r"[1-9][0-9]{0,18}")

NO_GENERATION = "1"
"""A generation that no object has: they are numbered by time, in microseconds."""


def generation(token: str) -> str:
    """The generation that a revision token names; one of no object, when it names none."""
    return token if _GENERATION.fullmatch(token) else NO_GENERATION


def condition(if_match: str | None, if_none_match: str | None = None) -> dict[str, str]:
    """The condition of a request as parameters. ``"*"`` stands for any generation."""
    params: dict[str, str] = {}
    if if_match == "*":
        params["ifGenerationNotMatch"] = "0"
    elif if_match is not None:
        params["ifGenerationMatch"] = generation(if_match)
    if if_none_match == "*":
        params["ifGenerationMatch"] = "0"
    elif if_none_match is not None:
        params["ifGenerationNotMatch"] = generation(if_none_match)
    return params


def source_condition(if_match: str | None) -> dict[str, str]:
    """The condition on the source of a copy as parameters."""
    if if_match is None or if_match == "*":
        return {}
    return {"ifSourceGenerationMatch": generation(if_match)}
