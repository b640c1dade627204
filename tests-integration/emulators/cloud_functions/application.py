"""The v2 API of Cloud Functions as far as it reads, and a host for functions."""

from __future__ import annotations

import base64
import re
import secrets
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulators.google import GoogleError, Identity, identity_routes
from emulators.google.jwt import InvalidTokenError
from emulators.web import Request, Response, segment

Handler = Callable[[bytes], bytes]

MAX_PAGE = 1000
MAX_REQUEST_BYTES = 32 * 1024 * 1024
_LIST = re.compile(r"/v2/projects/([^/]+)/locations/([^/]+)/functions")
_GET = re.compile(_LIST.pattern + r"/([^/:]+)")
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
_CRASH = (
    b"500 Internal Server Error: The server encountered an internal error and was unable to "
    b"complete your request. Either the server is overloaded or there is an error in the "
    b"application."
)


class CloudFunctions:
    """The double.

    Args:
        identity: Who may call.
        project: Where the functions are. Its service accounts may invoke them.
        location: Likewise.
        handlers: The functions by name.
    """

    def __init__(
        self, identity: Identity, project: str, location: str, handlers: Mapping[str, Handler]
    ) -> None:
        self._identity = identity
        self._project = project
        self._location = location
        self._handlers = dict(sorted(handlers.items()))
        self._deployed = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def __call__(self, request: Request) -> Response:
        """Answer a request; functions run side by side."""
        if not request.complete:
            return Response(408)
        if (answer := identity_routes(self._identity, request)) is not None:
            return answer
        if not request.path.startswith("/v2/"):
            return self._invoke(request)
        try:
            return self._describe(request)
        except GoogleError as error:
            return _api_error(error.status, _STATUSES[error.status], error.message)

    def _describe(self, request: Request) -> Response:
        self._identity.principal(request).require([])
        if match := _LIST.fullmatch(request.path):
            return self._list(request, *map(segment, match.groups()))
        if match := _GET.fullmatch(request.path):
            return self._get(request, *map(segment, match.groups()))
        return _api_error(501, "UNIMPLEMENTED", f"The double does not do {request.path}")

    def _list(self, request: Request, project: str, location: str) -> Response:
        self._check_project(project)
        for name in ("filter", "orderBy"):
            if request.param(name):
                return _api_error(501, "UNIMPLEMENTED", f"The double does not do {name}")
        size, token = request.param("pageSize") or "0", request.param("pageToken") or ""
        if not size.isdigit():
            raise GoogleError(400, "invalid", "The page size is not valid.")
        names = list(self._handlers) if location in {"-", self._location} else []
        start = _start(token)
        end = start + min(int(size) or MAX_PAGE, MAX_PAGE)
        answer: dict[str, Any] = {}
        if shown := names[start:end]:
            answer["functions"] = [self._resource(request, name) for name in shown]
        if end < len(names):
            answer["nextPageToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        return Response.of_json(answer)

    def _get(self, request: Request, project: str, location: str, name: str) -> Response:
        self._check_project(project)
        if location != self._location or name not in self._handlers:
            resource = f"projects/{project}/locations/{location}/functions/{name}"
            return _api_error(404, "NOT_FOUND", f"Resource '{resource}' was not found")
        return Response.of_json(self._resource(request, name))

    def _check_project(self, project: str) -> None:
        if project != self._project:
            message = f"Permission 'cloudfunctions.functions.get' denied on 'projects/{project}'"
            raise GoogleError(403, "forbidden", message)

    def _resource(self, request: Request, name: str) -> dict[str, Any]:
        return {
            "name": f"projects/{self._project}/locations/{self._location}/functions/{name}",
            "buildConfig": {"runtime": "python311", "entryPoint": name},
            "serviceConfig": {
                "service": f"projects/{self._project}/locations/{self._location}/services/{name}",
                "timeoutSeconds": 60,
                "uri": self._url(request, name),
                "ingressSettings": "ALLOW_ALL",
                "revision": f"{name}-00001-abc",
            },
            "state": "ACTIVE",
            "updateTime": self._deployed,
            "environment": "GEN_2",
            "url": self._url(request, name),
        }

    def _url(self, request: Request, name: str) -> str:
        return f"{request.base_url}/{self._location}-{self._project}/{name}"

    def _invoke(self, request: Request) -> Response:
        """What the front end does: it knows the function, then the caller, then calls."""
        prefix, _, name = request.path.removeprefix("/").partition("/")
        handler = self._handlers.get(name)
        if prefix != f"{self._location}-{self._project}" or handler is None:
            return _page(404, "Page not found", "The requested URL was not found on this server.")
        if refusal := self._refusal(request, self._url(request, name)):
            return refusal
        if len(request.body) > MAX_REQUEST_BYTES:
            return _page(413, "Request Entity Too Large", "Your client issued a request too large.")
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Function-Execution-Id": secrets.token_urlsafe(9),
            "X-Cloud-Trace-Context": f"{secrets.token_hex(16)};o=1",
        }
        try:
            return Response(200, handler(request.body), headers)
        except Exception:  # noqa: BLE001  # as the functions' framework does
            traceback.print_exc()
            return Response(500, _CRASH, {**headers, "X-Google-Status": "crash"})

    def _refusal(self, request: Request, url: str) -> Response | None:
        """The answer to those who may not invoke a function."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        denied = "Your client does not have permission to get the requested URL from this server."
        if not token:
            return _page(403, "Forbidden", denied)
        try:
            claims = self._identity.id_token_claims(token.strip())
        except InvalidTokenError:
            claims = {}
        if scheme.lower() != "bearer" or claims.get("aud") != url:
            told = 'Bearer error="invalid_token" error_description="The access token could not be verified"'
            return _page(401, "Unauthorized", denied, {"WWW-Authenticate": told})
        account = self._identity.accounts.get(claims["email"])
        if account is None or account.project != self._project:
            return _page(403, "Forbidden", denied)
        return None


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise GoogleError(400, "invalid", "The page token is not valid.") from None


def _api_error(code: int, status: str, message: str) -> Response:
    return Response.of_json({"error": {"code": code, "message": message, "status": status}}, code)


def _page(status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error of the front end."""
    body = (
        f"\n<html><head>\n<title>{status} {title}</title>\n</head>\n<body>\n"
        f"<h1>Error: {title}</h1>\n<h2>{text}</h2>\n</body></html>\n"
    )
    content_type = {"Content-Type": "text/html; charset=UTF-8"}
    return Response(status, body.encode(), {**content_type, **(headers or {})})
