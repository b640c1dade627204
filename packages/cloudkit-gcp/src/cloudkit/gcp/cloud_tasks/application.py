"""An ASGI application that takes tasks and has them handled."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

import anyio
from cloudkit.api.tasks import flat_task_group
from cloudkit.gcp.clients import GcpClients
from cloudkit.gcp.cloud_tasks.capabilities import MAX_TASK_BYTES
from cloudkit.gcp.cloud_tasks.consumers import Consumers
from cloudkit.gcp.cloud_tasks.encoding import from_request
from cloudkit.gcp.cloud_tasks.tokens import TokenError, TokenVerifier

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_logger = logging.getLogger("cloudkit.consumer")


class _GoneError(Exception):
    """The other side has closed the connection."""


class TaskApplication:
    """Turns the requests of Cloud Tasks into calls of the handlers that ``consume`` was given.

    A request is answered with 200 when its handler has returned, with 500 when it raised, and with
    503 when nobody consumes the queue or the handler was cancelled: Cloud Tasks posts it again then. It must run in
    the event loop in which ``consume`` runs, and may be mounted below a path of another application.

    Args:
        clients: For worker threads.
        consumers: The running calls of ``consume``.
        verifier: Checks tokens; None lets everybody in.
        deadline: Seconds that a handler may take, where a task does not say.
    """

    def __init__(
        self,
        clients: GcpClients,
        consumers: Consumers,
        verifier: TokenVerifier | None,
        deadline: float,
    ) -> None:
        self._clients = clients
        self._consumers = consumers
        self._verifier = verifier
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                status = await self._answer(scope, receive)
            except _GoneError:
                return
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            raise ValueError(f"Cloud Tasks makes no requests of type {scope['type']!r}")

    async def _answer(self, scope: Scope, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        if not await self._may_enter(headers):
            return 401
        body = await _read(receive)
        if body is None:
            return 413
        message = from_request(headers, body, self._deadline)
        handling = anyio.CancelScope()
        async with flat_task_group() as tasks:
            tasks.start_soon(_watch, receive, handling)
            outcome = await self._consumers.handle(message, handling)
            tasks.cancel_scope.cancel()
        return outcome.value

    async def _may_enter(self, headers: Mapping[str, str]) -> bool:
        if self._verifier is None:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        try:
            await self._clients.run_free(self._verifier.verify, token.strip())
        except TokenError as error:
            _logger.warning("a task was refused: %s", error)
            return False
        return True


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None when it is larger than any task."""
    parts: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _GoneError
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > MAX_TASK_BYTES:
            return None
        if not event.get("more_body", False):
            return b"".join(parts)


async def _watch(receive: Receive, handling: anyio.CancelScope) -> None:
    """Cancel the handler when nobody waits for its answer any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    handling.cancel()


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
