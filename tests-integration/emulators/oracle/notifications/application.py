"""Notifications: its operations together, one at a time; what is pushed goes its own way."""

from __future__ import annotations

import re
from threading import RLock

from emulators.oracle.errors import not_found
from emulators.oracle.notifications.messages import Messages
from emulators.oracle.notifications.store import Store
from emulators.oracle.notifications.subscriptions import Subscriptions
from emulators.oracle.notifications.topics import Topics
from emulators.oracle.routing import Call, Route, dispatch
from emulators.web import Request, Response

VERSION = "/20181201"
_OWN = re.compile(rf"{VERSION}/(?:topics|subscriptions)(?:/.*)?")
_LINK = re.compile(rf"{VERSION}/subscriptions/[^/]+/(?:confirmation|unsubscription)")


class Notifications:
    """The double.

    Topics are managed at the address of the doubles. All else is to be had from ``localhost`` only,
    which is what the topics tell. How often anything is asked for is not limited.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        store = Store()
        subscriptions = Subscriptions(store)
        self._topics: list[Route] = Topics(store).routes
        self._links: list[Route] = subscriptions.links
        self._rest: list[Route] = [*subscriptions.routes, *subscriptions.links]
        self._rest += Messages(store).routes

    def takes(self, request: Request) -> bool:
        """Whether a request is for this service, which shares its version with another."""
        return _OWN.fullmatch(request.path) is not None

    def is_link(self, request: Request) -> bool:
        """Whether a request is what a subscriber follows, unsigned but with a token."""
        signed = "authorization" in request.headers
        return request.method == "GET" and _LINK.fullmatch(request.path) is not None and not signed

    def follow(self, request: Request) -> Response:
        """Answer a request of a subscriber."""
        with self._lock:
            call = Call(request, "")
            return dispatch(self._links, call, request.path.removeprefix(VERSION))

    def __call__(self, call: Call) -> Response:
        """Answer a signed request."""
        path = call.request.path.removeprefix(VERSION)
        wanted, other = self._topics, self._rest
        if call.request.headers.get("host", "").startswith("localhost:"):
            wanted, other = other, wanted
        with self._lock:
            misplaced = any(route.fits(call, path) for route in other)
            if misplaced and not any(route.fits(call, path) for route in wanted):
                raise not_found()
            return dispatch(wanted, call, path)
