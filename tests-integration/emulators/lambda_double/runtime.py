"""Runs handlers as the Python runtime of Lambda does: JSON in, JSON out, failures as objects."""

from __future__ import annotations

import base64
import contextvars
import io
import json
import logging
import sys
import traceback
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TextIO, TypeAlias

from attrs import frozen

Handler: TypeAlias = Callable[[Any, Any], Any]

LOG_TAIL = 4096
_log: contextvars.ContextVar[io.StringIO | None] = contextvars.ContextVar("log", default=None)


@frozen
class Run:
    """What a run of a handler came to.

    Attributes:
        payload: The answer, or the error, in JSON.
        failed: Whether it is an error.
        log: All that it printed or logged.
    """

    payload: bytes
    failed: bool
    log: str

    @property
    def tail(self) -> str:
        """The last 4 KB of the log, in base64."""
        return base64.b64encode(self.log.encode()[-LOG_TAIL:]).decode()


class _Output(io.TextIOBase):
    """Standard output that goes into the log of the run that writes."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        return (_log.get() or self._real).write(text)

    def flush(self) -> None:
        self._real.flush()


def take_output() -> None:
    """Have what handlers print and log go into their logs."""
    sys.stdout = _Output(sys.stdout)
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(message)s")


def run(handler: Handler, payload: bytes, client_context: str | None) -> Run:
    """Call a handler.

    Args:
        handler: Takes event and context.
        payload: The event in JSON; nothing is ``{}``.
        client_context: JSON in base64.
    """
    request_id = str(uuid.uuid4())
    log = io.StringIO()
    _log.set(log)
    log.write(f"START RequestId: {request_id} Version: $LATEST\n")
    try:
        result = handler(json.loads(payload or b"{}"), _context(request_id, client_context))
        answer, failed = json.dumps(result, ensure_ascii=False).encode(), False
    except Exception as error:  # noqa: BLE001  (whatever a handler raises)
        answer, failed = json.dumps(_failure(error, request_id)).encode(), True
        log.write(f"[ERROR] {type(error).__name__}: {error}\n")
    log.write(f"END RequestId: {request_id}\n")
    _log.set(None)
    return Run(answer, failed, log.getvalue())


def _failure(error: Exception, request_id: str) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _context(request_id: str, client_context: str | None) -> SimpleNamespace:
    client = None
    if client_context is not None:
        value = json.loads(base64.b64decode(client_context))
        client = SimpleNamespace(custom=value.get("custom", {}), env=value.get("env", {}))
    return SimpleNamespace(aws_request_id=request_id, client_context=client)
