"""NoSQL Database: its operations together, one at a time."""

from __future__ import annotations

from threading import Lock

from emulators.oracle.errors import OracleError
from emulators.oracle.nosql.queries import Queries
from emulators.oracle.nosql.rows import Rows
from emulators.oracle.nosql.store import Store
from emulators.oracle.nosql.tables import Tables
from emulators.oracle.queue.works import Works
from emulators.oracle.routing import Call, Route, dispatch
from emulators.web import Request, Response

VERSION = "/20190828"
MAX_REQUEST_BYTES = 2 * 1024 * 1024


class NoSql:
    """The double."""

    def __init__(self) -> None:
        self._lock = Lock()
        store, self._works = Store(), Works("table")
        self._routes: list[Route] = [
            *Tables(store, self._works).routes,
            *Rows(store).routes,
            *Queries(store).routes,
            *self._works.routes,
        ]

    def takes(self, request: Request) -> bool:
        """Whether a request is for this service."""
        return request.path.startswith(f"{VERSION}/")

    def __call__(self, call: Call) -> Response:
        """Answer a signed request."""
        if len(call.request.body) > MAX_REQUEST_BYTES:
            raise OracleError(400, "RequestSizeLimitExceeded", "The request is larger than 2MB")
        with self._lock:
            self._works.proceed()
            return dispatch(self._routes, call, call.request.path.removeprefix(VERSION))
