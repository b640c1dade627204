"""The client of Cloud Functions: the SDK's for what is deployed, and a session to call it over."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cloudkit.common import ConfigurationError, ConflictError

if TYPE_CHECKING:
    import requests
    from cloudkit.gcp.transport import ClientSettings
    from google.auth import credentials as native
    from google.cloud.functions_v2 import FunctionServiceClient


class FunctionsClient:
    """Knows the URLs of functions, and has ID tokens for them.

    Args:
        settings: Where the service is, and who calls.
        service: The SDK's client.
        session: Sends without signing.
    """

    def __init__(
        self, settings: ClientSettings, service: FunctionServiceClient, session: requests.Session
    ) -> None:
        self.settings = settings
        self.service = service
        self.session = session
        self._lock = threading.Lock()
        self._urls: dict[str, str] = {}
        self._tokens: dict[str, native.Credentials] = {}

    @property
    def timeout(self) -> float:
        """Seconds that a call of the API may take; a day where there is no limit."""
        return self.settings.config.timeout or 86400.0

    @property
    def parent(self) -> str:
        """The location whose functions are listed; all when no region is configured.

        Raises:
            ConfigurationError: Nobody names a project.
        """
        region = self.settings.config.region
        return (
            f"projects/{self.settings.named_project}/locations/{'-' if region is None else region}"
        )

    def resource_name(self, function: str) -> str:
        """The resource name of a function.

        Args:
            function: Its name, or this already.

        Raises:
            ConfigurationError: Nobody says where it is.
        """
        if "/" in function:
            return function
        if self.settings.config.region is None:
            raise ConfigurationError(
                "a function is known by its name only inside a region",
                hint="Give 'region', or call it by projects/…/locations/…/functions/….",
            )
        return f"{self.parent}/functions/{function}"

    def url_of(self, function: str) -> str:
        """Where a function is called; asked for once. Blocks.

        Args:
            function: Its name.

        Raises:
            ConflictError: It has not been deployed.
            GoogleAPICallError: There is no such function, or the service refused.
        """
        name = self.resource_name(function)
        url = self._urls.get(name)
        if url is None:
            found = self.service.get_function(name=name, retry=None, timeout=self.timeout)
            url = found.service_config.uri or found.url
            if not url:
                raise ConflictError(
                    f"the function cannot be called: its state is {found.state.name}",
                    hint="It has a URL once it has been deployed.",
                )
            self._urls[name] = url
        return url

    def authorize(self, url: str, headers: dict[str, str]) -> None:
        """Put an ID token into the headers of a call. Blocks when there has to be a new one.

        Args:
            url: The function's.
            headers: Where it goes.

        Raises:
            GoogleAuthError: There is none to be had.
            MissingCredentialsError: The credentials are of a kind that has none.
        """
        from cloudkit.gcp.iam import id_token_credentials
        from google.auth import credentials as native
        from google.auth.transport.requests import Request

        if isinstance(self.settings.credentials, native.AnonymousCredentials):
            return
        request = Request(session=self.session)
        with self._lock:
            made = self._tokens.get(url)
            if made is None:
                made = id_token_credentials(self.settings, self.session, url)
                self._tokens[url] = made
            made.before_request(request, "POST", url, headers)  # type: ignore[no-untyped-call]

    def forget(self, function: str) -> None:
        """Look the URL up and make a token anew for the next call.

        Args:
            function: Name of the function.
        """
        url = self._urls.pop(self.resource_name(function), "")
        self._tokens.pop(url, None)

    def close(self) -> None:
        """Close the connections."""
        self.service.transport.close()  # type: ignore[no-untyped-call]
        self.session.close()


def make_client(settings: ClientSettings) -> FunctionsClient:
    """The client of Cloud Functions. Blocks: imports the SDK.

    Args:
        settings: What it is made of.
    """
    from cloudkit.gcp.transport import plain_session
    from google.cloud.functions_v2 import FunctionServiceClient
    from google.cloud.functions_v2.services.function_service.transports import (
        FunctionServiceRestTransport,
    )

    place = urlsplit(settings.url)
    transport = FunctionServiceRestTransport(
        host=place.netloc, url_scheme=place.scheme, credentials=settings.credentials
    )
    service = FunctionServiceClient(transport=transport)
    return FunctionsClient(settings, service, plain_session(settings.config))
