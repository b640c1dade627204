"""The functions of the conformance suite, in the forms that functions of Oracle Cloud have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cloudkit.testing.functions.handlers import HANDLERS

COMPARTMENT = "ocid1.compartment.oc1..tests"


@dataclass(frozen=True)
class Answer:
    """What a function answers.

    Attributes:
        body: Its answer.
        status: What it says of how it went; Oracle's libraries for functions send it along.
        headers: Further headers.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[bytes], Answer]

_witnessed: set[bytes] = set()


def telling(function: Callable[[bytes], bytes]) -> Handler:
    """A function that tells why it fails, as the provider's guide describes.

    An exception that it lets through would be told to nobody but its log.
    """

    def handle(payload: bytes) -> Answer:
        try:
            return Answer(function(payload))
        except Exception as error:  # noqa: BLE001  # whatever it may be
            told = {"type": type(error).__name__, "message": str(error)}
            return Answer(json.dumps(told).encode(), 500, {"Content-Type": "application/json"})

    return handle


def _crash(payload: bytes) -> Answer:
    raise ValueError("nobody but the log hears of this")


def _witness(payload: bytes) -> bytes:
    _witnessed.add(payload)
    return b""


def _was_witnessed(payload: bytes) -> bytes:
    return json.dumps(payload in _witnessed).encode()


def _refuse(payload: bytes) -> Answer:
    return Answer(b"not like this", 422, {"Content-Type": "text/plain"})


APPLICATIONS: Mapping[str, Mapping[str, Handler]] = {
    "suite": {
        **{name: telling(function) for name, function in HANDLERS.items()},
        "witness": telling(_witness),
        "witnessed": telling(_was_witnessed),
    },
    "failing": {"crash": _crash, "refuse": _refuse, "echo": telling(HANDLERS["echo"])},
}
"""Application → function → what it does."""
