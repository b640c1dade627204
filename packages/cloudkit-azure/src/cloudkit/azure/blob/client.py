"""The client of Blob Storage: the SDK's, and requests of our own over its connections.

The SDK's calls for objects read bodies whole, retry by themselves and hide headers. So requests about
objects are made here, and what the SDK has made signs and sends them; its own calls serve for what is
rare: batches, delegation keys. This is the only module that knows the SDK's inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from cloudkit.azure.clients import ClientSettings
from cloudkit.common import (
    AccountKeyCredentials,
    ConfigurationError,
    ConnectionStringCredentials,
    SharedAccessSignatureCredentials,
)

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse
    from azure.storage.blob import BlobServiceClient


class BlobClient:
    """Sends requests to one storage account.

    Args:
        service: The SDK's client.
        signs_in: Whether it sends tokens of Entra ID.
    """

    def __init__(self, service: BlobServiceClient, *, signs_in: bool) -> None:
        self.service = service
        self.signs_in = signs_in
        base, _, self._signature = service.url.partition("?")
        self._base = base.rstrip("/")

    @property
    def account_key(self) -> str | None:
        """The key that requests are signed with; None when they are signed otherwise."""
        return getattr(self.service.credential, "account_key", None)

    def url(self, container: str, name: str | None = None) -> str:
        """URL of a container or blob, without a query."""
        path = quote(container) if name is None else f"{quote(container)}/{quote(name, safe='~/')}"
        return f"{self._base}/{path}"

    def source_url(self, container: str, name: str) -> str:
        """URL of a blob as the source of a copy: with the signature that this client itself uses."""
        signature = self._signature or getattr(self.service.credential, "signature", "")
        url = self.url(container, name)
        return f"{url}?{signature}" if signature else url

    def send(
        self,
        method: str,
        container: str | None,
        name: str | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        stream: bool = False,
        missing_ok: bool = False,
    ) -> HttpResponse:
        """Send a request and wait for the answer. Blocks.

        Args:
            method: HTTP's.
            container: None for the account.
            name: The blob, by its name at the service; None for the container.
            query: Arguments of the URL.
            headers: Further headers.
            body: What to send along.
            stream: Leave the body of the answer to be read.
            missing_ok: Return the answer also when the blob is missing.

        Raises:
            HttpResponseError: The service refused.
            AzureError: The connection failed.
        """
        from azure.core.rest import HttpRequest

        url = f"{self._base}/" if container is None else self.url(container, name)
        arguments = [urlencode(query, quote_via=quote)] if query else []
        arguments += [self._signature] if self._signature else []
        request = HttpRequest(
            method,
            f"{url}?{'&'.join(arguments)}" if arguments else url,
            headers={"x-ms-version": self.service.api_version, **(headers or {})},
            content=body,
        )
        if method == "PUT" and not body:
            request.headers["Content-Length"] = "0"
        response: HttpResponse = self.service._pipeline.run(request, stream=stream).http_response
        if response.status_code >= 300:
            error = refused(response)
            if not (missing_ok and error.error_code == "BlobNotFound"):  # type: ignore[attr-defined]
                raise error
        return response

    def close(self) -> None:
        """Close the SDK's client; the connections are the cloud's."""
        self.service.close()


def make_client(settings: ClientSettings) -> BlobClient:
    """The client of an account. Blocks: imports the SDK.

    Raises:
        ConfigurationError: It is not known where the account is, or the credentials do not fit.
    """
    try:
        service = _make_service(settings)
    except ValueError as error:
        # The connection string, if any, must not show.
        raise ConfigurationError(f"storage cannot be reached so: {error}") from None
    return BlobClient(service, signs_in=settings.token is not None)


def refused(response: Any) -> Exception:
    """The SDK's error for an answer, with the service's code.

    Args:
        response: An answer, or one of those to a batch.
    """
    from azure.core.exceptions import HttpResponseError

    read = getattr(response, "read", None) or response.body  # those of a batch are of an older kind
    code, message = _explanation(read())
    error = HttpResponseError(message=message or response.reason, response=response)
    error.error_code = response.headers.get("x-ms-error-code") or code  # type: ignore[attr-defined]
    return error


def parsed(body: bytes) -> ET.Element:
    """The root of an XML document of the service's."""
    return ET.fromstring(body)  # noqa: S314  # who signs its answers sends no bombs


def _explanation(body: bytes) -> tuple[str | None, str | None]:
    try:
        root = parsed(body)
    except ET.ParseError:
        return None, None
    return root.findtext("Code"), root.findtext("Message")


def _make_service(settings: ClientSettings) -> BlobServiceClient:
    from azure.storage.blob import BlobServiceClient

    credentials = settings.credentials
    options = {**settings.http, "base_user_agent": settings.user_agent, "user_agent_use_env": False}
    if isinstance(credentials, ConnectionStringCredentials):
        return BlobServiceClient.from_connection_string(credentials.connection_string, **options)
    account = credentials.account if isinstance(credentials, AccountKeyCredentials) else None
    url = settings.config.storage_url(account)
    if url is None:
        raise ConfigurationError(
            "no storage account is configured",
            hint="Give 'account', 'storage_endpoint' or 'storage_connection_string'.",
        )
    return BlobServiceClient(url, credential=_credential(settings), **options)


def _credential(settings: ClientSettings) -> Any:
    """The credentials as the SDK's constructor takes them."""
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

    credentials = settings.credentials
    if isinstance(credentials, SharedAccessSignatureCredentials):
        return AzureSasCredential(credentials.signature.lstrip("?"))
    if not isinstance(credentials, AccountKeyCredentials):
        return settings.token
    account = credentials.account or settings.config.account
    # Without a name, the SDK finds it in the URL.
    return credentials.key if account is None else AzureNamedKeyCredential(account, credentials.key)
