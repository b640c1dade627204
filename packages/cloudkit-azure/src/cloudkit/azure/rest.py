"""Requests of our own on the SDKs' pipeline, for services whose SDK has no call for them, or no fitting one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from cloudkit.common import ConfigurationError
from cloudkit.core.urls import is_loopback

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy
    from azure.core.rest import HttpResponse


class RestClient:
    """Sends requests to one endpoint.

    Args:
        url: The endpoint.
        authentication: Signs requests; None to send them unsigned.
        http: Options of all HTTP clients; see ``ClientSettings``.
        transport: Sends them, in place of the one of all clients.

    Raises:
        ConfigurationError: A token would be sent where others can read it.
    """

    def __init__(
        self,
        url: str,
        authentication: HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any] | None,
        http: Mapping[str, Any],
        *,
        transport: Any = None,
    ) -> None:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy

        self.url = url.rstrip("/")
        policies = [HeadersPolicy(), http["user_agent_policy"], http["retry_policy"]]
        self._options: dict[str, Any] = {}
        if authentication is not None:
            policies.append(authentication)
        if isinstance(authentication, BearerTokenCredentialPolicy) and not url.startswith("https:"):
            if not is_loopback(url):
                raise ConfigurationError(f"a token is sent to https only, not to {url}")
            self._options["enforce_https"] = False  # nobody listens in on this machine itself
        self._pipeline: PipelineClient[Any, Any] = PipelineClient(
            self.url, policies=policies, transport=transport or http["transport"]
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        read_timeout: float | None = None,
    ) -> HttpResponse:
        """Send a request and wait for the answer, whatever its status. Blocks.

        Args:
            method: HTTP's.
            path: Below the endpoint, quoted.
            query: Arguments of the URL.
            headers: Further headers.
            body: What to send along.
            read_timeout: Seconds to wait for the answer, where the usual ones do not do.

        Raises:
            AzureError: The connection failed.
        """
        from azure.core.rest import HttpRequest

        arguments = f"?{urlencode(query, quote_via=quote)}" if query else ""
        request = HttpRequest(
            method, f"{self.url}{path}{arguments}", headers=dict(headers or {}), content=body
        )
        if method in {"POST", "PUT"} and not body:
            request.headers["Content-Length"] = "0"
        options = dict(self._options)
        if read_timeout is not None:
            options["read_timeout"] = read_timeout
        response: HttpResponse = self._pipeline.send_request(request, **options)
        return response

    def close(self) -> None:
        """Nothing to close: the connections are the cloud's."""


def checked(response: HttpResponse) -> HttpResponse:
    """An answer that is no refusal.

    Raises:
        HttpResponseError: It is one.
    """
    from azure.core.exceptions import HttpResponseError

    if response.status_code >= 400:
        raise HttpResponseError(response=response)
    return response


def bearer(token: TokenCredential | None, scope: str) -> HTTPPolicy[Any, Any]:
    """Signs requests with a token.

    Args:
        token: Gives tokens.
        scope: What they are for.
    """
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy

    assert token is not None  # noqa: S101  (there is one where there are no other credentials)
    return BearerTokenCredentialPolicy(token, scope)


def header(name: str, value: str, prefix: str | None = None) -> SansIOHTTPPolicy[Any, Any]:
    """Signs requests with a key in a header."""
    from azure.core.credentials import AzureKeyCredential
    from azure.core.pipeline.policies import AzureKeyCredentialPolicy

    return AzureKeyCredentialPolicy(AzureKeyCredential(value), name, prefix=prefix)
