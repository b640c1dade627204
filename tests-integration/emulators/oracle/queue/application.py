"""Queue: its operations together, one at a time but for those that wait for messages."""

from __future__ import annotations

from collections.abc import Sequence

from emulators.oracle.errors import not_found
from emulators.oracle.queue.admin import Admin
from emulators.oracle.queue.messages import Messages
from emulators.oracle.queue.store import Store
from emulators.oracle.queue.works import Works
from emulators.oracle.routing import Call, Route, dispatch
from emulators.web import Response

VERSION = "/20210201"


class Queue:
    """The double: the service that administers queues, and the messages endpoint.

    They listen on one port, and are told apart by the host's name, as in the cloud: messages are to
    be had from ``localhost`` only, and all else from the address of the doubles.
    """

    def __init__(self) -> None:
        self._store = Store()
        works = Works()
        self._admin: list[Route] = [*Admin(self._store, works).routes, *works.routes]
        self._messages = Messages(self._store).routes

    def __call__(self, call: Call) -> Response:
        """Answer a signed request."""
        path = call.request.path.removeprefix(VERSION)
        data_plane = call.request.headers.get("host", "").startswith("localhost:")
        wanted, other = self._admin, self._messages
        if data_plane:
            wanted, other = other, wanted
        with self._store.changed:
            if _fit(other, call, path) and not _fit(wanted, call, path):
                raise not_found()  # the right question, asked in the wrong place
            return dispatch(wanted, call, path)


def _fit(routes: Sequence[Route], call: Call, path: str) -> bool:
    return any(route.fits(call, path) for route in routes)
