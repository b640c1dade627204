"""The IAM credentials API: it signs, and makes tokens, for who has no key.

Who calls needs the role Service Account Token Creator on the account that it is for.

https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts

This module imports the SDK: it is imported by the first call that needs it.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from cloudkit.common import MissingCredentialsError
from cloudkit.gcp.auth import ProvidedCredentials, check_encrypted
from cloudkit.gcp.transport import ClientSettings
from google.api_core import exceptions
from google.auth import compute_engine
from google.auth import credentials as native
from google.auth.transport.requests import Request
from google.oauth2 import service_account

ID_TOKEN_LIFE = timedelta(minutes=55)
"""How long an ID token is used; it is good for an hour."""


class IamSigner(native.Signing):
    """Has the API sign.

    Args:
        settings: Who asks, and where the API is.
        session: Sends requests.
        account: E-mail address of the service account that signs.
    """

    def __init__(self, settings: ClientSettings, session: requests.Session, account: str) -> None:
        self._settings = settings
        self._session = session
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
        body = {"payload": base64.b64encode(message).decode()}
        answer = _call(self._settings, self._session, self._account, "signBlob", body)
        return base64.b64decode(answer["signedBlob"])


class IamIdToken(native.Credentials):
    """ID tokens that the API makes.

    Args:
        settings: Who asks, and where the API is.
        session: Sends requests.
        account: E-mail address of the service account that the tokens are of.
        audience: Who they are shown to.
    """

    def __init__(
        self, settings: ClientSettings, session: requests.Session, account: str, audience: str
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._settings = settings
        self._session = session
        self._account = account
        self._audience = audience

    def refresh(self, request: Any) -> None:
        """Get a token.

        Args:
            request: Unused: the requests are sent over the session.

        Raises:
            GoogleAPICallError: The API refused.
            requests.RequestException: The connection failed.
        """
        body = {"audience": self._audience, "includeEmail": True}
        answer = _call(self._settings, self._session, self._account, "generateIdToken", body)
        self.token = answer["token"]
        # The SDK compares with times that have no zone.
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + ID_TOKEN_LIFE


def signer_for(settings: ClientSettings, session: requests.Session) -> native.Signing:
    """Who signs for a client: its own key, or the API.

    Args:
        settings: Who calls; may name another account to sign.
        session: Sends requests.

    Raises:
        MissingCredentialsError: There is no key, and it is not known which account signs.
    """
    own = _own(settings)
    config = settings.config
    if config.signing_account is None and isinstance(own, service_account.Credentials):
        return own
    return IamSigner(settings, session, _account(settings, session))


def id_token_credentials(
    settings: ClientSettings, session: requests.Session, audience: str
) -> native.Credentials:
    """ID tokens of a client, for those who are called.

    Args:
        settings: Who calls; may name another account.
        session: Sends requests.
        audience: Who is called: the URL of a function.

    Raises:
        MissingCredentialsError: There is no key, and it is not known whose tokens they are to be.
    """
    own = _own(settings)
    made: native.Credentials
    if settings.config.signing_account is None:
        if isinstance(own, service_account.Credentials):
            made = service_account.IDTokenCredentials(  # type: ignore[no-untyped-call]
                own.signer, own.service_account_email, own._token_uri, audience
            )
            return made
        if isinstance(own, compute_engine.Credentials):
            made = compute_engine.IDTokenCredentials(  # type: ignore[no-untyped-call]
                Request(session=session),
                audience,
                use_metadata_identity_endpoint=True,
            )
            return made
    return IamIdToken(settings, session, _account(settings, session), audience)


def _own(settings: ClientSettings) -> native.Credentials:
    credentials = settings.credentials
    return credentials.delegate if isinstance(credentials, ProvidedCredentials) else credentials


def _account(settings: ClientSettings, session: requests.Session) -> str:
    """The account that the API acts for.

    That of a machine is known once it has got a token.
    """
    config, own = settings.config, _own(settings)
    account = config.signing_account or config.impersonate
    if account is None:
        account = getattr(own, "service_account_email", None)
        if account == "default":
            own.refresh(Request(session=session))  # type: ignore[no-untyped-call]
            account = getattr(own, "service_account_email", None)
    if not isinstance(account, str) or "@" not in account:
        raise MissingCredentialsError(
            "these credentials have no key to sign with, and do not tell their account",
            hint="Give 'signing_account', the e-mail address of a service account.",
        )
    return account


def _call(
    settings: ClientSettings, session: requests.Session, account: str, method: str, body: object
) -> dict[str, Any]:
    config = settings.config
    url = f"{config.iam_endpoint}/v1/projects/-/serviceAccounts/{account}:{method}"
    check_encrypted(url)
    headers: dict[str, str] = {"User-Agent": settings.user_agent}
    request = Request(session=session)
    settings.source.before_request(request, "POST", url, headers)  # type: ignore[no-untyped-call]
    timeout = (config.connect_timeout, config.timeout)
    response = session.post(url, json=body, headers=headers, timeout=timeout)
    if response.status_code >= 300:
        raise exceptions.from_http_response(response)  # type: ignore[no-untyped-call]
    answer: dict[str, Any] = response.json()
    return answer
