"""Who signs without a key of their own: the IAM API does it for a service account.

This module imports the SDK: it is imported by the first call that needs it.
"""

from __future__ import annotations

import base64

from cloudkit.common import MissingCredentialsError
from cloudkit.gcp.auth import ProvidedCredentials
from cloudkit.gcp.config import GcpConfig
from google.api_core import exceptions
from google.auth import credentials as native
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account


class IamSigner(native.Signing):
    """Signs over the IAM credentials API; needs the role Service Account Token Creator.

    https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob

    Args:
        session: Signs and sends requests.
        config: Where the API is, and how long a request may take.
        account: E-mail address of the service account.
    """

    def __init__(self, session: AuthorizedSession, config: GcpConfig, account: str) -> None:
        self._session = session
        self._config = config
        self._account = account

    @property
    def signer_email(self) -> str:
        """The service account."""
        return self._account

    @property
    def signer(self) -> None:
        """There is no key here."""

    def sign_bytes(self, message: bytes) -> bytes:
        """Have a message signed.

        Args:
            message: What to sign.

        Raises:
            GoogleAPICallError: The API refused.
            requests.RequestException: The connection failed.
        """
        config = self._config
        url = f"{config.iam_endpoint}/v1/projects/-/serviceAccounts/{self._account}:signBlob"
        response = self._session.request(  # type: ignore[no-untyped-call]
            "POST",
            url,
            json={"payload": base64.b64encode(message).decode()},
            timeout=(config.connect_timeout, config.timeout),
        )
        if response.status_code >= 300:
            raise exceptions.from_http_response(response)  # type: ignore[no-untyped-call]
        return base64.b64decode(response.json()["signedBlob"])


def signer_for(
    credentials: native.Credentials, session: AuthorizedSession, config: GcpConfig
) -> native.Signing:
    """Who signs for some credentials: their own key, or the IAM API.

    Args:
        credentials: Who calls.
        session: Sends requests in their name.
        config: May name another account to sign.

    Raises:
        MissingCredentialsError: They have no key, and it is not known which account signs.
    """
    if isinstance(credentials, ProvidedCredentials):
        credentials = credentials.delegate
    if isinstance(credentials, service_account.Credentials) and config.signing_account is None:
        return credentials
    account = config.signing_account or config.impersonate or _account_of(credentials, session)
    if account is None or isinstance(credentials, native.AnonymousCredentials):
        raise MissingCredentialsError(
            "these credentials cannot sign: they have no key, and do not tell their account",
            hint="Give 'signing_account', the e-mail address of a service account.",
        )
    return IamSigner(session, config, account)


def _account_of(credentials: native.Credentials, session: AuthorizedSession) -> str | None:
    """The account of a machine is known once it has got a token."""
    account = getattr(credentials, "service_account_email", None)
    if account == "default":
        credentials.refresh(session._auth_request)  # type: ignore[no-untyped-call]
        account = getattr(credentials, "service_account_email", None)
    return account if isinstance(account, str) and "@" in account else None
