"""The functions that the suite invokes, as plain Python: to be deployed, or to be copied.

Each takes the payload and returns the answer, both bytes. A service whose functions look different
wraps them; the code that runs must do the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Handler: TypeAlias = Callable[[bytes], bytes]

UNICODE: Final = "Grüße, 世界 😀"
FAILURE: Final = "the function fails on purpose"
LOGGED: Final = "this is a line of the function's log"


def echo(payload: bytes) -> bytes:
    """Answer with the payload, byte for byte."""
    return payload


def nothing(payload: bytes) -> bytes:
    """Answer with nothing."""
    return b""


def unicode(payload: bytes) -> bytes:
    """Answer with a text outside ASCII, in UTF-8."""
    return UNICODE.encode()


def add(payload: bytes) -> bytes:
    """Answer ``{"numbers": [1, 2]}`` with ``{"sum": 3}``, in JSON."""
    return json.dumps({"sum": sum(json.loads(payload)["numbers"])}).encode()


def fail(payload: bytes) -> bytes:
    """Raise a ValueError.

    Raises:
        ValueError: Always.
    """
    raise ValueError(FAILURE)


def slow(payload: bytes) -> bytes:
    """Take as many seconds as the payload says in decimal digits, and answer with it."""
    time.sleep(float(payload))
    return payload


def log(payload: bytes) -> bytes:
    """Print a line, which a service takes into the function's log."""
    print(LOGGED, flush=True)
    return payload


HANDLERS: Final[Mapping[str, Handler]] = {
    "echo": echo,
    "nothing": nothing,
    "unicode": unicode,
    "add": add,
    "fail": fail,
    "slow": slow,
    "log": log,
}
"""What each of the functions does, by the name that the suite knows it by."""
