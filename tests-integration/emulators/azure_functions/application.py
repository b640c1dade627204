"""What a caller can see of the host."""

from __future__ import annotations

import threading
import traceback
from typing import Any

from azure.functions import _queue  # the public class has no constructor

from emulators.azure_functions.keys import Keys
from emulators.azure_functions.loaded import HTTP, QUEUE, Function, functions_of
from emulators.web import Request, Response, segment

MAX_BODY_BYTES = 100 * 1024 * 1024


class Host:
    """Runs the functions of an app, as an application for the server.

    Args:
        app: A ``FunctionApp``.
        keys: Of the app.
    """

    def __init__(self, app: Any, keys: Keys) -> None:
        self._functions = functions_of(app)
        self._keys = keys

    def __call__(self, request: Request) -> Response:
        if request.path == "/":
            return Response(200, b"<html>Your Functions app is up and running</html>")
        if not self._keys.signed_in(request):
            return Response(401, headers={"WWW-Authenticate": "Bearer"})
        parts = [segment(part) for part in request.path.strip("/").split("/")]
        if parts[0].lower() == "admin":
            if not self._keys.allows(request, "admin"):
                return Response(401)
            return self._administer(request, parts[1:])
        if parts[0].lower() == "api":
            return self._call(request, "/".join(parts[1:]))
        return Response(404)

    def _call(self, request: Request, path: str) -> Response:
        for function in self._functions.values():
            parameters = function.matches(request.method, path)
            if parameters is not None:
                break
        else:
            return Response(404)
        if not self._keys.allows(request, function.level):
            return Response(401)
        if len(request.body) > MAX_BODY_BYTES:
            return Response(413)
        try:
            return function.answer(request, parameters)
        except Exception:  # noqa: BLE001  # the caller is told nothing of it, the log all
            traceback.print_exc()
            return Response(500)

    def _administer(self, request: Request, parts: list[str]) -> Response:
        if parts == ["host", "status"] and request.method == "GET":
            return Response.of_json({"id": "double", "state": "Running", "version": "4.1"})
        if parts[:1] != ["functions"] or len(parts) > 2:
            return Response(404)
        if len(parts) == 1:
            found = [item.description(request.base_url) for item in self._functions.values()]
            return Response.of_json(found) if request.method == "GET" else Response(404)
        function = self._functions.get(parts[1])
        if function is None:
            return Response(404)
        if request.method == "GET":
            return Response.of_json(function.description(request.base_url))
        return self._start(request, function) if request.method == "POST" else Response(404)

    def _start(self, request: Request, function: Function) -> Response:
        """Run a function that is not triggered by HTTP."""
        try:
            given = (request.json() or {})["input"]
        except (ValueError, KeyError, TypeError):
            return Response(400)
        if function.kind == HTTP or not isinstance(given, str):
            return Response(400)
        value = _queue.QueueMessage(body=given) if function.kind == QUEUE else given
        threading.Thread(target=function.run, args=(value,), daemon=True).start()
        return Response(202)
