"""Which request is for which service."""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulators.cloud_functions.application import CloudFunctions, Handler
from emulators.cloud_storage.application import CloudStorage
from emulators.google import Identity
from emulators.web import Request, Response


class GoogleCloud:
    """The doubles of both services. A token of one is good for the other.

    Args:
        project: Where the functions are. Its service accounts may invoke them.
        location: Likewise.
        handlers: The functions by name.
    """

    def __init__(self, project: str, location: str, handlers: Mapping[str, Handler]) -> None:
        identity = Identity()
        self._storage = CloudStorage(identity)
        self._functions = CloudFunctions(identity, project, location, handlers)
        own = re.escape(f"/{location}-{project}/")
        self._of_functions = re.compile(rf"/v2/projects/|{own}")

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        about_functions = self._of_functions.match(request.path) is not None
        return (self._functions if about_functions else self._storage)(request)
