"""Streaming: its operations together, one at a time."""

from __future__ import annotations

import re
from threading import RLock

from emulators.oracle.errors import not_found
from emulators.oracle.routing import Call, Route, dispatch
from emulators.oracle.streaming.admin import Admin
from emulators.oracle.streaming.groups import Groups
from emulators.oracle.streaming.messages import Messages
from emulators.oracle.streaming.store import Store
from emulators.web import Request, Response

VERSION = "/20180418"
_PUT = re.compile(rf"{VERSION}/streams/[^/]+/messages")


class Streaming:
    """The double: the service that administers streams, and the messages endpoint.

    They listen on one port, and are told apart by the host's name, as in the cloud: messages are to
    be had from ``localhost`` only, and all else from the address of the doubles. How many requests a
    group makes in a second is not limited.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        store = Store()
        groups = Groups(store)
        self._admin: list[Route] = Admin(store).routes
        self._messages: list[Route] = [*Messages(store, groups).routes, *groups.routes]

    def __call__(self, call: Call) -> Response:
        """Answer a signed request."""
        path = call.request.path.removeprefix(VERSION)
        wanted, other = self._admin, self._messages
        if call.request.headers.get("host", "").startswith("localhost:"):
            wanted, other = other, wanted
        with self._lock:
            misplaced = any(route.fits(call, path) for route in other)
            if misplaced and not any(route.fits(call, path) for route in wanted):
                raise not_found()
            return dispatch(wanted, call, path)

    def streams_body(self, request: Request) -> bool:
        """Whether a request puts messages, whose body the SDK does not sign."""
        return request.method == "POST" and _PUT.fullmatch(request.path) is not None
