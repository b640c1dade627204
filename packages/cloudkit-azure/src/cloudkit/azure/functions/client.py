"""The client of a function app: its functions and its admin endpoints, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from attrs import frozen
from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.rest import RestClient, bearer, checked, header
from cloudkit.common import AccountKeyCredentials, AnonymousCredentials, ConfigurationError

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

KEY_HEADER = "x-functions-key"
HTTP_TRIGGER = "httptrigger"


@frozen
class Deployed:
    """A function, as the admin endpoint describes it.

    Attributes:
        name: Its name.
        path: Where it is called by HTTP; None for one that something else triggers.
        language: Its runtime.
        disabled: Whether it is there, but not to be called.
    """

    name: str
    path: str | None
    language: str | None
    disabled: bool

    @classmethod
    def of(cls, described: Any) -> Deployed:
        """From the JSON of the admin endpoint."""
        bindings = (described.get("config") or {}).get("bindings") or ()
        by_http = any(str(item.get("type", "")).lower() == HTTP_TRIGGER for item in bindings)
        template = described.get("invoke_url_template")
        path = urlsplit(template).path if template else f"/api/{quote(described['name'])}"
        return cls(
            name=described["name"],
            path=path if by_http else None,
            language=described.get("language"),
            disabled=bool(described.get("isDisabled")),
        )


class FunctionsClient:
    """Sends requests to one app.

    Args:
        rest: Makes them.
    """

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest
        self._paths: dict[str, str] = {}

    def call(self, function: str, payload: bytes, *, asynchronous: bool = False) -> HttpResponse:
        """Post a payload to a function, and return its answer, whatever that is. Blocks.

        A function is taken to be where it is by default, at ``/api/`` and its name. When nothing is
        there, the admin endpoint is asked, if the key allows that.

        Args:
            function: Its name.
            payload: What it gets.
            asynchronous: Whether to ask for an answer before the function has ended.
        """
        path = self._paths.get(function, f"/api/{quote(function)}")
        response = self._post(path, payload, asynchronous=asynchronous)
        if response.status_code != 404:
            return response
        deployed = self.find(function, doubtful=True)
        if deployed is None or deployed.path in {None, path}:
            return response
        assert deployed.path is not None  # noqa: S101  (for type checkers)
        self._paths[function] = deployed.path
        return self._post(deployed.path, payload, asynchronous=asynchronous)

    def start(self, function: str, payload: str) -> None:
        """Run a function that is not triggered by HTTP. Blocks.

        https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http

        Args:
            function: Its name.
            payload: What its trigger gives it.
        """
        body = json.dumps({"input": payload}).encode()
        headers = {"Content-Type": "application/json"}
        checked(self._rest.send("POST", _admin(function), headers=headers, body=body))

    def find(self, function: str, *, doubtful: bool = False) -> Deployed | None:
        """A function; None when there is none, or it is disabled. Blocks.

        Args:
            function: Its name.
            doubtful: Whether None is the answer as well when the admin endpoint does not let us in.

        Raises:
            HttpResponseError: The admin endpoint does not let us in.
        """
        response = self._rest.send("GET", _admin(function))
        if response.status_code == 404 or (doubtful and response.status_code in {401, 403}):
            return None
        deployed = Deployed.of(_administered(response).json())
        return None if deployed.disabled else deployed

    def all(self) -> list[Deployed]:
        """All functions that are not disabled. Blocks.

        Raises:
            HttpResponseError: The admin endpoint does not let us in.
        """
        found = _administered(self._rest.send("GET", "/admin/functions")).json()
        return [item for item in map(Deployed.of, found) if not item.disabled]

    def close(self) -> None:
        """Nothing to close."""

    def _post(self, path: str, payload: bytes, *, asynchronous: bool) -> HttpResponse:
        headers = {"Prefer": "respond-async"} if asynchronous else {}
        if payload:
            headers["Content-Type"] = content_type(payload)
        return self._rest.send("POST", path, headers=headers, body=payload)


def make_client(settings: ClientSettings) -> FunctionsClient:
    """The client of the configured app. Blocks: imports azure-core.

    Raises:
        ConfigurationError: It is not known where that is.
    """
    config = settings.config
    url = config.functions_endpoint
    if url is None:
        raise ConfigurationError(
            "no function app is configured",
            hint="Give 'functions_endpoint': https://name.azurewebsites.net",
        )
    credentials = settings.credentials
    authentication: Any = None
    if isinstance(credentials, AccountKeyCredentials):
        authentication = header(KEY_HEADER, credentials.key)
    elif not isinstance(credentials, AnonymousCredentials):
        audience = (config.functions_audience or url).rstrip("/")
        authentication = bearer(settings.token, f"{audience}/.default")
    return FunctionsClient(RestClient(url, authentication, settings.http))


def content_type(payload: bytes) -> str:
    """What a payload is said to be: JSON, where it is."""
    try:
        json.loads(payload.decode())
    except (ValueError, RecursionError):
        return "application/octet-stream"
    return "application/json"


def _administered(response: HttpResponse) -> HttpResponse:
    from azure.core.exceptions import HttpResponseError

    if response.status_code in {401, 403}:
        raise HttpResponseError(
            "the app's admin endpoint, which knows its functions, takes the master key only",
            response=response,
        )
    return checked(response)


def _admin(function: str) -> str:
    return f"/admin/functions/{quote(function)}"
