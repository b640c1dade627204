"""How the SDKs send requests: HTTP on connections that are kept, gRPC on channels, never twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import requests
from attrs import frozen
from cloudkit.common import ConfigurationError
from cloudkit.core.urls import is_plain
from cloudkit.gcp.config import GcpConfig, ServiceName
from cloudkit.gcp.errors import sign_in_failure
from google.auth import credentials as native
from google.auth.transport.grpc import AuthMetadataPlugin, SslCredentials
from google.auth.transport.requests import AuthorizedSession, Request
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

SOCKET_BLOCK = 256 * 1024
"""Bytes that a socket is given at once; the default, 16 KiB, costs time."""

HOSTS = 8
"""Hosts that connections are kept to: of the services, of functions, of the sign-in."""


@frozen
class ClientSettings:
    """What a service's client is made of.

    Attributes:
        config: The settings of the cloud.
        service: Whose client.
        credentials: Who signs in.
        source: Who asks the IAM API: what impersonates, or the same.
        project: The project of the resources. Empty when nobody names one.
        user_agent: What requests say of who sends them.
    """

    config: GcpConfig
    service: ServiceName
    credentials: native.Credentials
    source: native.Credentials
    project: str
    user_agent: str

    @property
    def url(self) -> str:
        """Where the service is, without a slash at its end."""
        return self.config.url(self.service)

    @property
    def named_project(self) -> str:
        """The project, for what is only found in one.

        Raises:
            ConfigurationError: Nobody names it.
        """
        if not self.project:
            raise ConfigurationError(
                "no project is configured", hint="Give 'project', or set GOOGLE_CLOUD_PROJECT."
            )
        return self.project


def make_session(settings: ClientSettings) -> SigningSession:
    """A session that signs requests, and sends none again. Whoever asks for it closes it.

    Args:
        settings: Who signs.
    """
    sign_in = plain_session(settings.config)
    session = SigningSession(
        settings.credentials,
        # A refused token is renewed elsewhere: by then the body of a request has been read.
        refresh_status_codes=(),
        auth_request=Request(session=sign_in),  # type: ignore[no-untyped-call]
    )
    session.sign_in = sign_in
    _prepare(session, settings.config)
    session.headers["User-Agent"] = settings.user_agent
    return session


def plain_session(config: GcpConfig) -> requests.Session:
    """A session that does not sign.

    Args:
        config: The settings of the cloud.
    """
    session = requests.Session()
    _prepare(session, config)
    return session


def make_channel(settings: ClientSettings) -> grpc.Channel:
    """A gRPC channel to a service: unencrypted and unsigned to an emulator.

    Args:
        settings: Who signs, and where the service is.
    """
    url = settings.url
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", settings.user_agent),
        # One retry loop: the executor's. It also tries a lost connection again, so soon enough.
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
        # Clouds of one process share no connections.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    parts = urlsplit(url)
    port = parts.port or (80 if is_plain(url) else 443)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    if is_plain(url):
        return grpc.insecure_channel(
            f"{host}:{port}", options=[*options, ("grpc.enable_http_proxy", 0)]
        )
    credentials = grpc.composite_channel_credentials(
        SslCredentials().ssl_credentials,  # type: ignore[no-untyped-call]
        grpc.metadata_call_credentials(SigningPlugin(settings.credentials)),
    )
    return grpc.secure_channel(f"{host}:{port}", credentials, options=options)


class SigningPlugin(AuthMetadataPlugin):
    """Signs calls of gRPC, and says why when it cannot.

    gRPC hands a failure on as a text, under a code that says that the service is not there. So the
    text holds what the failure was, and ``errors.translate`` finds it there.

    Args:
        credentials: Who signs.
    """

    def __init__(self, credentials: native.Credentials) -> None:
        super().__init__(credentials, Request())  # type: ignore[no-untyped-call]

    def __call__(self, context: Any, callback: Callable[[Any, Exception | None], None]) -> None:
        """Sign one call."""
        signed: list[Any] = []
        try:
            super().__call__(context, lambda headers, _: signed.append(headers))  # type: ignore[no-untyped-call]
        except Exception as error:
            failure = sign_in_failure(error)
            if failure is None:
                raise
            callback(None, failure)
        else:
            callback(signed[0], None)


class SigningSession(AuthorizedSession):
    """Signs requests.

    Attributes:
        sign_in: The session that tokens are asked for over; closed with this one.
    """

    sign_in: requests.Session

    def close(self) -> None:
        """Close the connections."""
        super().close()  # type: ignore[no-untyped-call]
        self.sign_in.close()


def _prepare(session: requests.Session, config: GcpConfig) -> None:
    connections = config.max_concurrency
    session.headers.clear()  # what is asked for, and nothing that would have a body compressed
    session.auth = _unchanged
    adapter = HTTPAdapter(
        pool_connections=HOSTS,
        pool_maxsize=connections,
        max_retries=Retry(total=False, redirect=False, raise_on_status=False),
    )
    adapter.init_poolmanager(HOSTS, connections, blocksize=SOCKET_BLOCK)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking into ~/.netrc: the session signs."""
    return request
