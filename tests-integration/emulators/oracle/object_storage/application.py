"""Object Storage: its operations together, one at a time."""

from __future__ import annotations

import re
from threading import RLock

from emulators.oracle.object_storage.buckets import Buckets
from emulators.oracle.object_storage.copies import Copies
from emulators.oracle.object_storage.grants import Grants
from emulators.oracle.object_storage.multipart import MultipartUploads
from emulators.oracle.object_storage.objects import Objects
from emulators.oracle.object_storage.store import Store
from emulators.oracle.routing import Call, dispatch
from emulators.web import Request, Response

_UPLOAD = re.compile(r"/n/[^/]+/b/[^/]+/[ou]/[^/]+")


class ObjectStorage:
    """The double."""

    def __init__(self) -> None:
        store = Store()
        self._lock = RLock()
        self._grants = Grants(store)
        self._routes = [
            *Objects(store).routes,
            *MultipartUploads(store).routes,
            *Copies(store).routes,
            *self._grants.routes,
            *Buckets(store).routes,
        ]

    def __call__(self, call: Call) -> Response:
        """Answer a signed request."""
        with self._lock:
            return dispatch(self._routes, call, call.request.path)

    def preauthenticated(self, request: Request) -> Response:
        """Answer a request to an address that needs no signature."""
        with self._lock:
            return self._grants.use(request)

    def streams_body(self, request: Request) -> bool:
        """Whether a request is an upload, whose body need not be signed."""
        return request.method == "PUT" and _UPLOAD.fullmatch(request.path) is not None
