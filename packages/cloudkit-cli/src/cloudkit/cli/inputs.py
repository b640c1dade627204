"""What a command is given to send: on the command line, from a file or from standard input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import click


def given_bytes(text: str) -> bytes:
    """The bytes that an argument stands for: itself, ``@file``, or ``-`` for standard input.

    Raises:
        OSError: The file cannot be read.
        UsageError: There is no standard input.
    """
    if text == "-":
        return standard_input().read()
    if text.startswith("@"):
        return Path(text[1:]).read_bytes()
    return os.fsencode(text)


def standard_input() -> BinaryIO:
    """Standard input.

    Raises:
        UsageError: It is closed.
    """
    # The type does not say so, but there is none in a process that was started without.
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer


def given_document(text: str) -> dict[str, Any]:
    """The JSON object that an argument stands for.

    Raises:
        UsageError: It is none.
        OSError: The file cannot be read.
    """
    try:
        value = json.loads(given_bytes(text))
    except ValueError as error:
        raise click.UsageError(f"the document is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError('the document must be a JSON object: {"name": …}')
    return value


def given_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dict.

    Raises:
        UsageError: One has no ``=``.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        pairs[name] = value
    return pairs
