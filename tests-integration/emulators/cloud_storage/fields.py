"""Partial answers: the ``fields`` parameter of Google's JSON APIs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from emulators.cloud_storage.errors import invalid

Selection = dict[str, "Selection"]


def selected(value: Any, expression: str) -> Any:
    """The parts of an answer that an expression names: ``"items(name,size),nextPageToken"``.

    Raises:
        StorageError: The expression is malformed (400).
    """
    tokens = iter(re.findall(r"[\w*-]+|[,/()]", expression))
    selection = _parsed(tokens)
    if "".join(re.findall(r"[\w*/,()-]", expression)) != expression:
        raise invalid(f"Invalid field selection {expression}", location="fields")
    return _picked(value, selection)


def _parsed(tokens: Iterator[str]) -> Selection:
    """Entries up to the closing bracket, or the end."""
    top: Selection = {}
    here = top
    name = ""
    for token in tokens:
        match token:
            case ")":
                return top
            case ",":
                here = top
            case "/":
                here = here[name]
            case "(":
                here[name] |= _parsed(tokens)
            case _:
                name = token
                here.setdefault(name, {})
    return top


def _picked(value: Any, selection: Selection) -> Any:
    if not selection or "*" in selection:
        return value
    if isinstance(value, list):
        return [_picked(entry, selection) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: _picked(value[name], inner) for name, inner in selection.items() if name in value}
