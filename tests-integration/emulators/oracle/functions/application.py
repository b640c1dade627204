"""Functions: what is deployed is described, listed and invoked; nothing can be deployed.

https://docs.oracle.com/en-us/iaas/api/#/en/functions/20260325/
"""

from __future__ import annotations

import hashlib
import threading
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulators.oracle.errors import OracleError, invalid, not_found
from emulators.oracle.functions.deployed import APPLICATIONS, COMPARTMENT, Answer, Handler, telling
from emulators.oracle.pages import page
from emulators.oracle.routing import Call, Route, dispatch, integer, route, timestamp
from emulators.web import Request, Response

VERSIONS = ("/20181201", "/20260325")
MAX_LISTED = 50
MAX_BODY = 6 * 1024 * 1024
_TYPES = frozenset({"sync", "detached"})
_INTENTS = frozenset({None, "httprequest", "cloudevent"})


class Functions:
    """The double.

    Args:
        deployed: Functions besides those of the suite; of the application ``deployed``.
    """

    def __init__(self, deployed: Mapping[str, Callable[[bytes], bytes]]) -> None:
        self._deployed = timestamp(datetime.now(UTC))
        self._applications: dict[str, dict[str, Any]] = {}
        self._functions: dict[str, dict[str, Any]] = {}
        self._handlers: dict[str, Handler] = {}
        others = {name: telling(function) for name, function in deployed.items()}
        for application, functions in {**APPLICATIONS, "deployed": others}.items():
            self._deploy(application, functions)
        self._routes: list[Route] = [
            route("GET", "/applications", self._list_applications),
            route("GET", "/applications/{applicationId}", self._get_application),
            route("GET", "/functions", self._list_functions),
            route("GET", "/functions/{functionId}", self._get_function),
            route("POST", "/functions/{functionId}/actions/invoke", self._invoke),
        ]

    def takes(self, request: Request) -> bool:
        """Whether a request is for this service; Notifications has the same version."""
        version, _, rest = request.path[1:].partition("/")
        return f"/{version}" in VERSIONS and rest.startswith(("applications", "functions"))

    def __call__(self, call: Call) -> Response:
        """Answer a signed request; functions run side by side."""
        path = call.request.path[len(VERSIONS[0]) :]
        return dispatch(self._routes, call, path)

    def _deploy(self, name: str, functions: Mapping[str, Handler]) -> None:
        identity = f"ocid1.fnapp.oc1.iad.{_suffix(name)}"
        self._applications[identity] = self._described(identity, name)
        for function, handler in functions.items():
            function_id = f"ocid1.fnfunc.oc1.iad.{_suffix(f'{name}/{function}')}"
            self._functions[function_id] = {
                **self._described(function_id, function),
                "applicationId": identity,
                "image": "iad.ocir.io/double/function:1",
                "memoryInMBs": 128,
                "timeoutInSeconds": 30,
            }
            self._handlers[function_id] = handler

    def _described(self, identity: str, name: str) -> dict[str, Any]:
        return {
            "id": identity,
            "displayName": name,
            "compartmentId": COMPARTMENT,
            "lifecycleState": "ACTIVE",
            "shape": "GENERIC_X86",
            "freeformTags": {},
            "definedTags": {},
            "timeCreated": self._deployed,
            "timeUpdated": self._deployed,
        }

    def _list_applications(self, call: Call) -> Response:
        compartment = call.request.param("compartmentId")
        if not compartment:
            raise OracleError(400, "MissingParameter", "compartmentId is missing")
        found = self._applications.values() if compartment == COMPARTMENT else ()
        return _listed(call.request, list(found), dict)

    def _get_application(self, call: Call, identity: str) -> Response:
        if identity not in self._applications:
            raise not_found()
        return Response.of_json(self._applications[identity])

    def _list_functions(self, call: Call) -> Response:
        application = call.request.param("applicationId")
        if not application:
            raise OracleError(400, "MissingParameter", "applicationId is missing")
        if application not in self._applications:
            raise not_found()
        found = [each for each in self._functions.values() if each["applicationId"] == application]
        return _listed(call.request, found, lambda each: _with_endpoint(call, each))

    def _get_function(self, call: Call, identity: str) -> Response:
        return Response.of_json(_with_endpoint(call, self._find(identity)))

    def _find(self, identity: str) -> dict[str, Any]:
        if identity not in self._functions:
            raise not_found()
        return self._functions[identity]

    def _invoke(self, call: Call, identity: str) -> Response:
        request = call.request
        self._find(identity)
        kind = request.headers.get("fn-invoke-type", "sync")
        if kind not in _TYPES or request.headers.get("fn-intent") not in _INTENTS:
            raise invalid("fn-invoke-type or fn-intent is not valid")
        if len(request.body) > MAX_BODY:
            raise OracleError(
                413, "FunctionInvokeRequestContentTooLarge", "Request content too large"
            )
        if request.headers.get("is-dry-run", "false").lower() == "true":
            return Response(200)
        handler = self._handlers[identity]
        if kind == "detached":
            threading.Thread(target=_run, args=(handler, request.body), daemon=True).start()
            return Response(202)
        return _answer(_run(handler, request.body))


def _run(handler: Handler, payload: bytes) -> Answer | None:
    """Its answer; None when it fails, of which only the log tells."""
    try:
        return handler(payload)
    except Exception:  # noqa: BLE001  # whatever it may be
        traceback.print_exc()
        return None


def _answer(answer: Answer | None) -> Response:
    if answer is None:
        raise OracleError(502, "FunctionInvokeExecutionFailed", "function failed")
    if len(answer.body) > MAX_BODY:
        raise OracleError(
            502, "FunctionInvokeResponseBodyTooLarge", "function response body too large"
        )
    headers = {
        "Content-Type": "application/octet-stream",
        **answer.headers,
        "Fn-Call-Id": uuid.uuid4().hex.upper(),
        "Fn-Fdk-Version": "fdk-python/double",
        "Fn-Http-Status": str(answer.status),
    }
    return Response(200, answer.body, headers)


def _listed(
    request: Request,
    found: Sequence[dict[str, Any]],
    described: Callable[[dict[str, Any]], dict[str, Any]],
) -> Response:
    integer(request, "limit", 1, MAX_LISTED, 10)
    wanted = request.param("displayName")
    named = [each for each in found if wanted in {None, each["displayName"]}]
    named.sort(key=lambda each: each["displayName"], reverse=request.param("sortOrder") == "DESC")
    shown, headers = page(request, named, default=10)
    return Response.of_json([described(each) for each in shown], headers=headers)


def _with_endpoint(call: Call, function: dict[str, Any]) -> dict[str, Any]:
    return {**function, "invokeEndpoint": call.request.base_url}


def _suffix(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:60]
