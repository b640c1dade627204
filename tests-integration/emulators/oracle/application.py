"""All of Oracle's doubles behind one address: the keys, the signatures, and who does what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulators.oracle.errors import OracleError, not_doubled, object_body, traced
from emulators.oracle.functions import Functions
from emulators.oracle.nosql import NoSql
from emulators.oracle.notifications import Notifications
from emulators.oracle.object_storage import ObjectStorage
from emulators.oracle.queue import Queue
from emulators.oracle.routing import Call
from emulators.oracle.signatures import Keys
from emulators.oracle.streaming import Streaming
from emulators.web import Request, Response

REGISTER = "/double/keys"


class Oracle:
    """The doubles.

    Args:
        functions: Functions to deploy besides those of the suite.
    """

    def __init__(self, functions: Mapping[str, Callable[[bytes], bytes]]) -> None:
        self._keys = Keys()
        self._object_storage = ObjectStorage()
        self._queue = Queue()
        self._nosql = NoSql()
        self._functions = Functions(functions)
        self._streaming = Streaming()
        self._notifications = Notifications()

    def __call__(self, request: Request) -> Response:
        """Answer a request of any service."""
        return _answered(request, self._serve)

    def _serve(self, request: Request) -> Response:
        if request.path == REGISTER:
            return self._register(request)
        if request.path.startswith("/p/"):
            return self._object_storage.preauthenticated(request)
        if self._notifications.is_link(request):
            return self._notifications.follow(request)
        streams_body = any(
            service.streams_body(request) for service in (self._object_storage, self._streaming)
        )
        call = Call(request, self._keys.caller(request, streams_body=streams_body))
        if request.path.startswith(("/n", "/workRequests")):
            return self._object_storage(call)
        if request.path.startswith("/20210201/"):
            return self._queue(call)
        if self._nosql.takes(request):
            return self._nosql(call)
        if self._notifications.takes(request):
            return self._notifications(call)
        if request.path.startswith("/20180418/"):
            return self._streaming(call)
        if self._functions.takes(request):
            return self._functions(call)
        raise not_doubled(request)

    def _register(self, request: Request) -> Response:
        """What the console does for a user: no part of any service."""
        body = object_body(request)
        fingerprint = self._keys.register(
            str(body["tenancy"]), str(body["user"]), str(body["publicKey"])
        )
        return Response.of_json({"fingerprint": fingerprint})


def _answered(request: Request, serve: Callable[[Request], Response]) -> Response:
    if not request.complete:
        return Response(408)
    try:
        response = serve(request)
    except OracleError as error:
        response = error.response
    return traced(request, response)
