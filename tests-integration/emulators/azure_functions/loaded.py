"""The functions of an app, as the host sees them."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func

from emulators.web import Request, Response

_PARAMETER = re.compile(r"\\\{(\w+)(?:\\\?)?(?::[^}]*)?\\\}")
QUEUE = "queueTrigger"
HTTP = "httpTrigger"


class Function:
    """One function.

    Args:
        declared: As ``FunctionApp.get_functions`` gives it.
    """

    def __init__(self, declared: Any) -> None:
        self.name: str = declared.get_function_name()
        trigger: Mapping[str, Any] = declared.get_trigger().get_dict_repr()
        self.kind: str = trigger["type"]
        self._user_function: Callable[..., Any] = declared.get_user_function()
        self._argument: str = trigger["name"]
        level = trigger.get("authLevel")
        self.level = "function" if level is None else str(getattr(level, "value", level)).lower()
        methods = trigger.get("methods") or ["GET", "POST"]
        self.methods = tuple(str(getattr(method, "value", method)) for method in methods)
        self.route: str = trigger.get("route") or self.name
        pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(self.route))
        self._pattern = re.compile(pattern, re.IGNORECASE)

    def description(self, base_url: str) -> dict[str, Any]:
        """As the admin endpoint gives it."""
        binding: dict[str, Any] = {"type": self.kind, "name": self._argument, "direction": "in"}
        if self.kind == HTTP:
            methods = [method.lower() for method in self.methods]
            binding |= {"authLevel": self.level, "methods": methods, "route": self.route}
        template = f"{base_url}/api/{self.route}" if self.kind == HTTP else None
        return {
            "name": self.name,
            "script_href": f"{base_url}/admin/vfs/function_app.py",
            "href": f"{base_url}/admin/functions/{self.name}",
            "invoke_url_template": template,
            "language": "python",
            "config": {"name": self.name, "bindings": [binding]},
            "isDisabled": False,
        }

    def matches(self, method: str, path: str) -> dict[str, str] | None:
        """The parameters of the route; None when a request is not for this function."""
        if self.kind != HTTP or method not in self.methods:
            return None
        match = self._pattern.fullmatch(path)
        return None if match is None else match.groupdict()

    def answer(self, request: Request, parameters: Mapping[str, str]) -> Response:
        """Run it.

        Raises:
            Exception: Whatever it raises.
        """
        given = func.HttpRequest(
            request.method,
            f"{request.base_url}{request.target}",
            headers=request.headers,
            params=dict(request.query),
            route_params=parameters,
            body=request.body,
        )
        return _response(self.run(given))

    def run(self, value: Any) -> Any:
        """Call it with what its trigger gives."""
        result = self._user_function(**{self._argument: value})
        return asyncio.run(result) if inspect.iscoroutine(result) else result


def functions_of(app: Any) -> dict[str, Function]:
    """Name → function. The package allows to ask an app for its functions once."""
    return {function.name: function for function in map(Function, app.get_functions())}


def _response(result: Any) -> Response:
    if result is None:
        return Response(204)
    if isinstance(result, (str, bytes)):
        result = func.HttpResponse(result)
    headers = {
        "Content-Type": f"{result.mimetype}; charset={result.charset}",
        **dict(result.headers),
    }
    return Response(result.status_code, result.get_body(), headers)
