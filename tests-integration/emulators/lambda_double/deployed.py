"""The functions of the conformance suite as handlers of Lambda."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from cloudkit.testing.functions.handlers import HANDLERS as FUNCTIONS

from emulators.lambda_double.runtime import Handler

_witnessed: list[bytes] = []


def of_bytes(function: Callable[[bytes], bytes]) -> Handler:
    """A handler of JSON from a function of bytes, by the form that the provider's guide describes."""

    def handle(event: Any, context: Any) -> Any:
        answer = function(_payload(event, context))
        try:
            return json.loads(answer)
        except ValueError:
            return {"isBase64Encoded": True, "body": base64.b64encode(answer).decode()}

    return handle


def _payload(event: Any, context: Any) -> bytes:
    client = context.client_context
    if client is not None and client.custom.get("cloudkit.payload") == "none":
        return b""
    if isinstance(event, dict) and event.keys() == {"isBase64Encoded", "body"}:
        return base64.b64decode(event["body"])
    return json.dumps(event, ensure_ascii=False).encode()


def _witness(payload: bytes) -> bytes:
    _witnessed.append(payload)
    return b""


def _was_witnessed(payload: bytes) -> bytes:
    return json.dumps(payload in _witnessed).encode()


HANDLERS = {
    name: of_bytes(function)
    for name, function in {**FUNCTIONS, "witness": _witness, "witnessed": _was_witnessed}.items()
}
"""Name → handler."""
