"""Credentials of CloudKit in the form that botocore signs with.

botocore asks for credentials inside the worker thread, where no coroutine can be awaited. So the
order is turned around: before a call goes to its thread, the AuthProvider is asked in the event
loop, and what it gives is left where botocore will look. Nothing ever waits for an event loop.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cloudkit.aws.config import AwsConfig
from cloudkit.aws.errors import code_of
from cloudkit.common import (
    AccessKeyCredentials,
    AnonymousCredentials,
    ConfigurationError,
    Credentials,
    MissingCredentialsError,
)
from cloudkit.core import CredentialBridge

if TYPE_CHECKING:
    from botocore.session import Session

SESSION_NAME = "cloudkit"
REFUSED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Codes that say that other credentials might do better."""


class _Keys(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None
    account_id: str | None = None


class KeyBridge(CredentialBridge):
    """The user's AuthProvider, asked in the event loop and read by botocore in the threads.

    Args:
        provider: Source of AccessKeyCredentials or AnonymousCredentials.
    """

    @property
    def anonymous(self) -> bool:
        """Whether the provider gave AnonymousCredentials."""
        return isinstance(self._current, AnonymousCredentials)

    def frozen(self) -> _Keys:
        """The keys to sign with now.

        Raises:
            MissingCredentialsError: The provider has not been asked yet.
            ConfigurationError: It gave keys once, and gives AnonymousCredentials now.
        """
        credentials = self.current()
        if not isinstance(credentials, AccessKeyCredentials):
            raise ConfigurationError("a client that signs cannot become anonymous; make another")
        return _Keys(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        )

    def _take(self, credentials: Credentials) -> None:
        if not isinstance(credentials, (AccessKeyCredentials, AnonymousCredentials)):
            raise ConfigurationError(
                f"AWS does not take {type(credentials).__name__}",
                hint="Let the AuthProvider give AccessKeyCredentials or AnonymousCredentials.",
            )
        super()._take(credentials)


def is_refusal(error: Exception) -> bool:
    """Whether a service may have refused a call for its credentials."""
    if code_of(error) in REFUSED:
        return True
    # The answer to a HEAD has no body: S3 says of expired credentials there only that it is a 400.
    return code_of(error) == "400"


def signing_ends(client: Any) -> datetime | None:
    """When the credentials end that a client of boto3 signs with; None where that is not known."""
    credentials = getattr(client._request_signer, "_credentials", None)
    end: datetime | None = getattr(credentials, "_expiry_time", None)
    return end


def make_session(config: AwsConfig, bridge: KeyBridge | None) -> Session:
    """A botocore session that signs with the right credentials. Blocks: imports botocore.

    Args:
        config: Profile, region and role.
        bridge: The user's AuthProvider; None for botocore's own chain.

    Raises:
        ProfileNotFound: botocore does not know the profile.
    """
    from botocore.session import Session

    session = Session(profile=config.profile)
    if bridge is not None:
        # What a session is given here, all clients that it makes sign with.
        session._credentials = _bridged(bridge)  # type: ignore[attr-defined]
    if config.role_arn is not None:
        session._credentials = _assumed(session, config)  # type: ignore[attr-defined]
    return session


def _bridged(bridge: KeyBridge) -> Any:
    from botocore.credentials import Credentials as BotoCredentials

    class BridgedCredentials(BotoCredentials):
        def __init__(self) -> None:
            self.method = "cloudkit"

        access_key: Any = property(lambda self: bridge.frozen().access_key)
        secret_key: Any = property(lambda self: bridge.frozen().secret_key)
        token: Any = property(lambda self: bridge.frozen().token)
        account_id: Any = property(lambda self: None)
        _expiry_time: Any = property(lambda self: bridge.current().expires_at)

        def get_frozen_credentials(self) -> Any:
            return bridge.frozen()

    return BridgedCredentials()


def _assumed(session: Session, config: AwsConfig) -> Any:
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    source = session.get_credentials()
    if source is None:
        raise MissingCredentialsError("there are no credentials to assume the role with")
    region = None if config.region is None else config.region.name

    def create_client(service: str, **options: Any) -> Any:
        endpoint = config.endpoint_of("sts")
        return session.create_client(service, endpoint_url=endpoint, region_name=region, **options)

    extra = {"RoleSessionName": config.role_session_name or SESSION_NAME}
    if config.external_id is not None:
        extra["ExternalId"] = config.external_id
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=create_client,
        source_credentials=source,
        role_arn=str(config.role_arn),
        extra_args=extra,
    )
    return DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
